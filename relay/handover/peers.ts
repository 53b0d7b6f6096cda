/** Other relays of the fleet, as one that hands its mail over finds and asks them. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Content } from '../message.ts';
import type { QueuedMessage } from '../spool/record.ts';
import { clientSide } from './channel.ts';
import { outgoing } from './messages.ts';

/** What became of an offer; `unknown`: whether it was taken has to be asked. */
export type OfferOutcome = 'taken' | 'refused' | 'busy' | 'unknown';

export interface Peer {
  readonly name: string;
  /** Whether it takes mail of this relay, and if not, why. */
  readonly takes: boolean;
  readonly why: string | undefined;
  readonly put: (transfer: string, queued: QueuedMessage, content: Content) => Promise<OfferOutcome>;
  /** Ids of what it took in a transfer; nothing more is taken in it from now on. */
  readonly takenIn: (transfer: string) => Promise<readonly string[]>;
  readonly forget: (transfer: string) => Promise<void>;
  readonly close: () => void;
}

/** Where the other relays are: each address that the name has. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** Offers at the same time: one sync of the other relay's disk serves many of them. */
export const OFFERS_AT_ONCE = 32;
/** A peer that says nothing for so long is asked again, or another one is. */
const SILENCE_MS = 5000;
/** Of a fleet; more are not asked. */
const PEERS_MAX = 64;
const ANSWERS: Readonly<Record<number, OfferOutcome>> = {
  200: 'taken',
  201: 'taken',
  // its namespace has filled its share there, or it is too large for what is left: that says nothing of others
  413: 'refused',
  422: 'refused',
  503: 'busy',
  507: 'busy',
};

const offerSchema = z.object({ name: z.string(), takes: z.boolean(), why: z.string().optional() });
const takenSchema = z.object({ taken: z.array(z.string()) });

/** Those that answer, but for this relay itself. */
export async function findPeers(
  where: readonly PeerAddress[],
  { key, name, signal }: { readonly key: string; readonly name: string; readonly signal: AbortSignal },
): Promise<readonly Peer[]> {
  const found = await Promise.all(where.map(addressesOf));
  const addresses = found.flat().slice(0, PEERS_MAX);
  const answers = await Promise.all(addresses.map((one) => meet(one, { key, name, signal }).catch(() => undefined)));
  const peers = answers.filter((peer) => peer !== undefined);
  for (const self of peers.filter((peer) => peer.name === name)) self.close();
  return peers.filter((peer) => peer.name !== name);
}

async function addressesOf({ host, port }: PeerAddress): Promise<readonly PeerAddress[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => ({ host: address, port }));
}

interface Question {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly message?: { readonly queued: QueuedMessage; readonly content: Content };
}

async function meet(
  { host, port }: PeerAddress,
  { key, name, signal }: { readonly key: string; readonly name: string; readonly signal: AbortSignal },
): Promise<Peer> {
  const agent = new Agent({ keepAlive: true, maxSockets: OFFERS_AT_ONCE, ...clientSide(key) });

  async function ask({ method, path, message }: Question): Promise<{ status: number; body: string }> {
    const sent = message && outgoing(message.queued, message.content);
    const asked = request({ host, port, method, path, agent, signal, headers: { ...sent?.headers } });
    asked.setTimeout(SILENCE_MS, () => asked.destroy(new Error('the other relay is silent')));
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    if (sent === undefined) asked.end();
    // where it answers before it has read all of it, the answer counts
    else sent.write(asked).catch(() => undefined);
    const [response] = await answered;
    return { status: response.statusCode ?? 0, body: await text(response) };
  }

  async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const { status, body } = await ask({ method: 'GET', path });
    if (status !== 200) throw new Error(`the other relay answers ${status}`);
    return schema.parse(JSON.parse(body));
  }

  try {
    const offer = await read(`/offer?from=${encodeURIComponent(name)}`, offerSchema);
    return {
      ...offer,
      why: offer.why,
      put: async (transfer, queued, content) => {
        const path = `/transfers/${transfer}/${queued.id}`;
        const answer = await ask({ method: 'PUT', path, message: { queued, content } }).catch(() => undefined);
        return ANSWERS[answer?.status ?? 0] ?? 'unknown';
      },
      takenIn: async (transfer) => (await read(`/transfers/${transfer}`, takenSchema)).taken,
      forget: async (transfer) => void (await ask({ method: 'DELETE', path: `/transfers/${transfer}` })),
      close: () => agent.destroy(),
    };
  } catch (error) {
    agent.destroy();
    throw error;
  }
}
