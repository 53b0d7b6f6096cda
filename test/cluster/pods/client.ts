/** An application that sends by what is in the Secret of its user, and nothing else. */
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport, type Transporter } from 'nodemailer';
import type { Job, LogInAnswer, LogIns, Port, Reply } from './jobs.ts';

const CONNECTIONS = 4;
/** Between two messages, where the job does not say, and between two tries of one. */
const PAUSE_MS = 100;
/** Between two log-ins at one port. */
const LOG_IN_PAUSE_MS = 25;
const TRIES_MAX = 3000;
const FOREVER_MS = 2 ** 31 - 1;

const secret = (key: string): string => readFileSync(`/smtp/${key}`, 'utf8');

const [given] = process.argv.slice(2);
if (given === undefined) await sleep(FOREVER_MS);
else await work(JSON.parse(given) as Job | LogIns);

async function work(job: Job | LogIns): Promise<void> {
  if (job.kind === 'log-ins') return watchLogIns(job);
  const replies = job.kind === 'each' ? await sendOverEach(job) : await sendUntilEnd(job);
  process.stdout.write(JSON.stringify(replies));
}

async function sendOverEach({ ports, from, isTriedOnce = false }: Job): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (const port of ports) {
    const transport = open(port);
    replies.push(await send(transport, from, isTriedOnce ? 1 : TRIES_MAX));
    transport.close();
  }
  return replies;
}

async function sendUntilEnd({ ports, from, isEachAnew = false, pauseMs = PAUSE_MS }: Job): Promise<Reply[]> {
  const [port] = ports;
  if (port === undefined) return [];
  const ending = endOfInput();
  const replies: Reply[] = [];
  const sender = async (): Promise<void> => {
    // as most applications do it: a connection is kept, and opened anew where it has ended
    const kept = isEachAnew ? undefined : open(port, { pool: true, maxConnections: 1 });
    while (!ending.aborted) {
      replies.push(await send(kept ?? open(port), from));
      await sleep(pauseMs);
    }
    kept?.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  process.stdin.destroy();
  return replies;
}

async function watchLogIns({ ports }: LogIns): Promise<void> {
  const ending = endOfInput();
  const watch = async (port: Port, index: number): Promise<void> => {
    let before: string | undefined;
    while (!ending.aborted) {
      const answer = await logIn(port);
      if (answer !== before) process.stdout.write(`${JSON.stringify({ index, answer } satisfies LogInAnswer)}\n`);
      before = answer;
      await sleep(LOG_IN_PAUSE_MS);
    }
  };
  await Promise.all(ports.map(watch));
  process.stdin.destroy();
}

/** Over a connection of its own. */
async function logIn(port: Port): Promise<string> {
  const transport = open(port);
  try {
    await transport.verify();
    return 'accepted';
  } catch (error) {
    return (error as { response?: string }).response ?? String(error);
  } finally {
    transport.close();
  }
}

function endOfInput(): AbortSignal {
  const ending = new AbortController();
  process.stdin.on('end', () => ending.abort()).resume();
  return ending.signal;
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
async function send(transport: Transporter, from: string, triesMost = TRIES_MAX): Promise<Reply> {
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
      if (responseCode >= 500 || heard.length + 1 === triesMost) return answered(words);
      heard.push(words);
      await sleep(PAUSE_MS);
    }
  }
}
