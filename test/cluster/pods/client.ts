/** An application that sends by what is in the Secret of its user, and nothing else. */
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport, type Transporter } from 'nodemailer';
import type { Job, Port, Reply } from './jobs.ts';

const CONNECTIONS = 4;
/** Between two messages, and between two tries of one. */
const PAUSE_MS = 100;
const TRIES_MAX = 3000;
const FOREVER_MS = 2 ** 31 - 1;

const secret = (key: string): string => readFileSync(`/smtp/${key}`, 'utf8');

const [given] = process.argv.slice(2);
if (given === undefined) await sleep(FOREVER_MS);
else await work(JSON.parse(given) as Job);

async function work(job: Job): Promise<void> {
  const replies = job.kind === 'each' ? await sendOverEach(job) : await sendUntilEnd(job);
  process.stdout.write(JSON.stringify(replies));
}

async function sendOverEach({ ports, from }: Job): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (const port of ports) {
    const transport = open(port);
    replies.push(await send(transport, from));
    transport.close();
  }
  return replies;
}

async function sendUntilEnd({ ports, from, isEachAnew = false }: Job): Promise<Reply[]> {
  const [port] = ports;
  if (port === undefined) return [];
  const ending = new AbortController();
  process.stdin.on('end', () => ending.abort()).resume();
  const replies: Reply[] = [];
  const sender = async (): Promise<void> => {
    // as most applications do it: a connection is kept, and opened anew where it has ended
    const kept = isEachAnew ? undefined : open(port, { pool: true, maxConnections: 1 });
    while (!ending.signal.aborted) {
      replies.push(await send(kept ?? open(port), from));
      await sleep(PAUSE_MS);
    }
    kept?.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  process.stdin.destroy();
  return replies;
}

function open(
  { port, implicitTls = false, host = secret('host'), servername = host, proxyHeader = '' }: Port,
  options: object = {},
): Transporter {
  return createTransport({
    host,
    port,
    secure: implicitTls,
    requireTLS: true,
    tls: { ca: secret('ca.crt'), servername },
    auth: { user: secret('username'), pass: secret('password') },
    ...(proxyHeader !== '' && { getSocket: socketThatSays(proxyHeader, { port, host }) }),
    ...options,
  });
}

/** For nodemailer, which goes on over the connection. */
function socketThatSays(header: string, to: { port: number; host: string }) {
  return (_: object, done: (error: Error | null, socket?: { connection: Socket }) => void): void => {
    const connection = connect(to, () => {
      connection.off('error', done).write(header);
      done(null, { connection });
    }).once('error', done);
  };
}

/** Until there is a final answer, as a client with a queue does it. */
async function send(transport: Transporter, from: string): Promise<Reply> {
  const id = randomUUID();
  const message = {
    from,
    to: 'somebody@elsewhere.example',
    subject: `Order ${id}`,
    text: 'It is on its way.',
    headers: { 'X-Test-Id': id },
  };
  const heard: string[] = [];
  const answered = (reply: string): Reply => ({ id, reply, tries: heard.length + 1, heard, time: Date.now() });
  for (;;) {
    try {
      const { response } = (await transport.sendMail(message)) as { response: string };
      return answered(response);
    } catch (error) {
      const { response = '', responseCode = 0 } = error as { response?: string; responseCode?: number };
      const words = response || String(error);
      if (responseCode >= 500 || heard.length + 1 === TRIES_MAX) return answered(words);
      heard.push(words);
      await sleep(PAUSE_MS);
    }
  }
}
