/** An application that sends by what is in the Secret of its user, and nothing else. */
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport, type Transporter } from 'nodemailer';
import type { Job, Port, Reply } from './jobs.ts';

const CONNECTIONS = 4;
const PAUSE_MS = 100;
const TRIES_MAX = 600;
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

async function sendUntilEnd({ ports, from }: Job): Promise<Reply[]> {
  const [port] = ports;
  if (port === undefined) return [];
  const ending = new AbortController();
  process.stdin.on('end', () => ending.abort()).resume();
  const replies: Reply[] = [];
  const sender = async (): Promise<void> => {
    // as most applications do it: a connection is kept, and opened anew where it has ended
    const transport = open(port, { pool: true, maxConnections: 1 });
    while (!ending.signal.aborted) {
      replies.push(await send(transport, from));
      await sleep(PAUSE_MS / 10);
    }
    transport.close();
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
  for (let tries = 1; ; tries++) {
    try {
      const { response } = (await transport.sendMail(message)) as { response: string };
      return { id, reply: response, tries };
    } catch (error) {
      const { response = '', responseCode = 0 } = error as { response?: string; responseCode?: number };
      if (responseCode >= 500 || tries === TRIES_MAX) return { id, reply: response || String(error), tries };
      await sleep(PAUSE_MS);
    }
  }
}
