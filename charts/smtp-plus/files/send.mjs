// `helm test`: sends one message by what is in the Secret of a user, and says what was answered.
import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 1000;
const secret = (key) => readFileSync(`/smtp/${key}`, 'utf8');
const [host, username] = [secret('host'), secret('username')];

const began = Date.now();
for (;;) {
  try {
    await send();
    break;
  } catch (error) {
    console.log(error.message);
    // relays hear of a new user a moment after its Secret is there
    if (Date.now() - began > PATIENCE_MS) process.exit(1);
    await sleep(PAUSE_MS);
  }
}

async function send() {
  const plain = connectPlain({ host, port: Number(secret('port')) });
  const greeting = dialogue(plain);
  await greeting.hear('220');
  await greeting.say('EHLO helm-test.invalid', '250');
  await greeting.say('STARTTLS', '220');
  greeting.end();
  const ca = readAuthority();
  const secure = connect({ socket: plain, servername: host, ...(ca && { ca }) });
  const { say } = dialogue(secure);
  await say('EHLO helm-test.invalid', '250');
  await say(
    `AUTH PLAIN ${Buffer.from(`\0${username}\0${secret('password')}`).toString('base64')}`,
    '235',
    'AUTH PLAIN',
  );
  await say('MAIL FROM:<helm@helm-test.invalid>', '250');
  await say('RCPT TO:<nobody@helm-test.invalid>', '250');
  await say('DATA', '354');
  await say('From: helm@helm-test.invalid\r\nSubject: helm test\r\n\r\nIt works.\r\n.', '250', 'the message');
  await say('QUIT', '221');
  secure.destroy();
}

function readAuthority() {
  try {
    return secret('ca.crt');
  } catch {
    return undefined;
  }
}

/** Commands and their replies, one after the other. */
function dialogue(socket) {
  const failed = new Promise((_, reject) =>
    socket.once('error', reject).once('close', () => reject(new Error('the connection ended'))),
  );
  failed.catch(() => undefined);
  const lines = createInterface({ input: socket });
  const reader = lines[Symbol.asyncIterator]();
  const hear = async (code, what = 'the greeting') => {
    for (;;) {
      const { value = '' } = await Promise.race([reader.next(), failed]);
      if (value[3] === '-') continue;
      console.log(`${what}: ${value}`);
      if (!value.startsWith(code)) throw new Error(`${what} was refused`);
      return;
    }
  };
  const say = (line, code, what = line) => {
    socket.write(`${line}\r\n`);
    return hear(code, what);
  };
  return { hear, say, end: () => lines.close() };
}
