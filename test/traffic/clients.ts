/** Applications that send message after message through a relay that is killed, and note what it acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ELSEWHERE, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import type { Door } from '../torture/clients.ts';

/** A message, by its number: every so many are refused, bounce at the smart host, or are put off by it once. */
const REFUSED_EACH = 40;
const BOUNCED_EACH = 50;
const PUT_OFF_EACH = 30;
/** The line that ends a message counts as part of it. */
const DOT_OCTETS = 3;
/** After a connection that broke: the next relay may be a while in coming. */
const PAUSE_MS = 20;

export interface Application {
  readonly login: string;
  readonly password: string;
  readonly door: () => Promise<Door>;
}

export interface Sent {
  readonly to: readonly string[];
  readonly size: number;
}

export interface Applications {
  /** By Message-ID, what was answered with 250. */
  readonly acknowledged: ReadonlyMap<string, Sent>;
  /** Resolves when so many were acknowledged, or somebody has seen enough. */
  readonly reached: (messages: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export function startApplications(applications: readonly Application[], enough?: AbortSignal): Applications {
  const acknowledged = new Map<string, Sent>();
  const waiting = new Map<number, () => void>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let numbers = 0;

  function acknowledge(id: string, sent: Sent): void {
    acknowledged.set(id, sent);
    waiting.get(acknowledged.size)?.();
  }

  async function session({ door, login, password }: Application): Promise<void> {
    const { port, ca } = await door();
    const client = await openSecureClient(port, { ca, ...ELSEWHERE });
    try {
      const welcome = await client.ask(`AUTH PLAIN ${plain(login, password)}`);
      if (!welcome.startsWith('235 ')) return await sleep(PAUSE_MS);
      while (!signal.aborted) await send(client, numbers++, acknowledge);
    } finally {
      client.destroy();
    }
  }

  async function run(application: Application): Promise<void> {
    // a relay that is killed under it is what this is about
    while (!signal.aborted) await session(application).catch(() => sleep(PAUSE_MS));
  }

  const running = applications.map(run);
  return {
    acknowledged,
    reached: (messages) =>
      new Promise((resolve) => {
        waiting.set(messages, resolve);
        enough?.addEventListener('abort', () => resolve());
        if (acknowledged.size >= messages || enough?.aborted === true) resolve();
      }),
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function send(client: SmtpClient, number: number, acknowledge: (id: string, sent: Sent) => void): Promise<void> {
  const isRefused = number % REFUSED_EACH === 0;
  const id = `${number}@shop.example`;
  const to = recipientsOf(number);
  const content =
    `From: ${isRefused ? 'mallory@elsewhere.example' : 'orders@shop.example'}\r\nMessage-ID: <${id}>\r\n` +
    `Subject: order ${number}\r\n\r\n${'a line of text\r\n'.repeat(1 + (number % 50))}`;
  const commands = ['MAIL FROM:<orders@shop.example>', ...to.map((address) => `RCPT TO:<${address}>`), 'DATA'];
  // pipelined: what is asked here is not how long it takes
  await client.send(commands.map((line) => `${line}\r\n`).join(''));
  for (const _ of commands) await client.reply();
  const reply = await client.ask(`${content}.`);
  if (reply.startsWith('250 ')) acknowledge(id, { to, size: content.length + DOT_OCTETS });
}

/** One to three. */
function recipientsOf(number: number): readonly string[] {
  const what = number % BOUNCED_EACH === 1 ? 'bounced' : number % PUT_OFF_EACH === 2 ? 'late' : 'good';
  return Array.from({ length: 1 + (number % 3) }, (_, index) => `${what}-${number}-${index}@x.example`);
}
