/** Clients that send message after message to a relay that is killed again and again, and note what it acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PASSWORD, USER } from '../support/relay-config.ts';
import { ELSEWHERE, openSecureClient, plain } from '../support/smtp-client.ts';

export interface Door {
  readonly port: number;
  readonly ca: string;
}

export interface Clients {
  /** Addresses of messages that were answered with 250. */
  readonly acknowledged: ReadonlySet<string>;
  /** Resolves when no client sends any more. */
  stop(): Promise<void>;
}

const CLIENTS = 4;
/** After a connection that broke: the next relay may be a while in coming. */
const PAUSE_MS = 10;
/** One in so many is large enough for a file of its own. */
const LARGE_EACH = 6;
const SMALL = `From: orders@shop.example\r\nSubject: small\r\n\r\n${'a line of text\r\n'.repeat(100)}`;
const LARGE = `From: orders@shop.example\r\nSubject: large\r\n\r\n${'a line of text\r\n'.repeat(20_000)}`;

/** @param door resolves with the way into the relay that runs now. */
export function startClients(door: () => Promise<Door>): Clients {
  const acknowledged = new Set<string>();
  let count = 0;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function session(): Promise<void> {
    const { port, ca } = await door();
    const client = await openSecureClient(port, { ca, ...ELSEWHERE });
    try {
      await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
      while (!signal.aborted) {
        const number = count++;
        const address = `m${number}@x.example`;
        await client.ask('MAIL FROM:<orders@shop.example>');
        await client.ask(`RCPT TO:<${address}>`);
        await client.ask('DATA');
        const reply = await client.ask(`${number % LARGE_EACH === 0 ? LARGE : SMALL}.`);
        if (reply.startsWith('250 ')) acknowledged.add(address);
      }
    } finally {
      client.destroy();
    }
  }

  async function run(): Promise<void> {
    // a relay that is killed under it is what this is about
    while (!signal.aborted) await session().catch(() => sleep(PAUSE_MS));
  }

  const running = Array.from({ length: CLIENTS }, run);
  return {
    acknowledged,
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
