/**
 * The receiving side of a hand-over, on a port of its own, which only relays of the same fleet get through to (channel.ts):
 *
 *   GET    /offer?from=NAME     -> {name, takes, why}: whether mail of the relay NAME is taken here at all
 *   PUT    /transfers/T/ID      201: the message is on disk here; 200: it was before; 422: it cannot be kept here; 413: there is
 *                               no room for this one, though for others; 503, 507: for none now. After anything else (500, a
 *                               broken connection) only GET tells.
 *   GET    /transfers/T         -> {taken: [ID]}: what was taken in this transfer; nothing more is from now on
 *   DELETE /transfers/T         nobody asks about it any more
 */
import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { boundConnections } from '../bound-connections.ts';
import type { RelayConfig } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Spool } from '../spool/spool.ts';
import { serverSide } from './channel.ts';
import { isGoingForGood } from './fleet.ts';
import { incoming, type Incoming } from './messages.ts';

export interface ReceiverOptions {
  readonly host?: string | undefined;
  readonly port: number;
  /** Of this relay in its fleet. */
  readonly name: string;
  readonly config: () => RelayConfig | undefined;
  readonly spool: Pick<
    Spool,
    'adopt' | 'takenIn' | 'forget' | 'has' | 'hasRoom' | 'refusal' | 'useRoom' | 'incomingFolder'
  >;
  readonly metrics: Pick<Metrics, 'takenOver'>;
  readonly log: Log;
}

export interface Receiver {
  readonly port: number;
  /** Takes nothing more. */
  readonly close: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const PATH = /^\/transfers\/([0-9a-f-]{36})(?:\/([A-Za-z0-9-]{1,80}))?$/;
/** A fleet that shrinks by many at once, with several connections each. */
export const CONNECTIONS_MAX = 512;
/** Most messages are smaller: where one of this size has no room, none is worth offering. */
const SMALL_BYTES = 64 * 1024;
/** Whoever sends nothing for so long is gone. */
const IDLE_MS = 30_000;
/** What comes in when this relay stops is brought to an end. */
const CLOSING_MS = 2000;
/** Transfers whose sender has asked how they ended: it was restarted, and what it sent before may still be under way. */
const ENDED_MAX = 10_000;

export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { config, spool, name } = options;
  const key = () => config()?.class.handover?.key;
  /** By path: a second offer of a message waits for the first one. */
  const underWay = new Map<string, Promise<Answer>>();
  const ended = new Set<string>();
  let isClosing = false;

  function offer(from: string | null): Answer {
    const relays = config()?.class.handover?.relays;
    const why =
      relays === undefined
        ? 'nothing is known of the size of the fleet'
        : isGoingForGood(name, relays)
          ? 'this relay goes itself'
          : from === null || !isGoingForGood(from, relays)
            ? 'that relay comes back to its volume'
            : undefined;
    return { status: 200, body: { name, takes: why === undefined, why } };
  }

  function put(transfer: string, id: string, request: IncomingMessage): Promise<Answer> {
    const path = `${transfer}/${id}`;
    const before = underWay.get(path) ?? Promise.resolve(undefined);
    const answer = before.catch(() => undefined).then(() => take(transfer, id, request));
    underWay.set(path, answer);
    const forget = (): void => void (underWay.get(path) === answer && underWay.delete(path));
    answer.then(forget, forget);
    return answer;
  }

  async function take(transfer: string, id: string, request: IncomingMessage): Promise<Answer> {
    if (isClosing || ended.has(transfer)) return { status: 503 };
    // in whatever way it came: one of the two would be delivered twice
    if (spool.has(id) || spool.takenIn(transfer).includes(id)) return { status: 200 };
    const message = await incoming(request, { transfer, id });
    if (message === undefined) return { status: 422 };
    const { namespace, size } = message.queued;
    if (spool.refusal(size, namespace) !== undefined) {
      // a connection whose request is answered before it has come to its end does not serve for the next one
      await message.skip();
      return { status: spool.hasRoom(SMALL_BYTES) ? 413 : 507 };
    }
    return keep(transfer, message);
  }

  async function keep(transfer: string, { queued, content }: Incoming): Promise<Answer> {
    const { id, size, user, list } = queued;
    const whole = await spool.useRoom(size, () => content(spool.incomingFolder));
    try {
      const { body } = whole;
      if (body.kind === 'memory' && body.bytes.length !== size) return { status: 422 };
      await spool.adopt(queued, whole, transfer);
    } catch (error) {
      if (whole.body.kind === 'file') await unlink(whole.body.path).catch(() => undefined);
      throw error;
    }
    options.metrics.takenOver.inc();
    options.log.info({ event: 'handover', id, user, list, attempts: queued.attempts }, 'message taken over');
    return { status: 201 };
  }

  async function takenIn(transfer: string): Promise<Answer> {
    const [oldest] = ended;
    if (ended.size >= ENDED_MAX && oldest !== undefined) ended.delete(oldest);
    ended.add(transfer);
    const unfinished = [...underWay].filter(([path]) => path.startsWith(`${transfer}/`));
    await Promise.allSettled(unfinished.map(([, answer]) => answer));
    return { status: 200, body: { taken: spool.takenIn(transfer) } };
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://peer');
    if (request.method === 'GET' && pathname === '/offer') return offer(searchParams.get('from'));
    const [, transfer, id] = PATH.exec(pathname) ?? [];
    if (transfer === undefined) return { status: 404 };
    if (id !== undefined) return request.method === 'PUT' ? put(transfer, id, request) : { status: 405 };
    if (request.method === 'GET') return takenIn(transfer);
    if (request.method !== 'DELETE') return { status: 405 };
    await spool.forget(transfer);
    return { status: 204 };
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // whether the message is on disk here, only a later question can tell
    const failed = (err: unknown): Answer => {
      options.log.error({ event: 'handover', err }, 'a message that another relay hands over could not be taken');
      return { status: 500 };
    };
    const { status, body } = await answer(request).catch(failed);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }

  const server = createServer(serverSide(key), (request, response) => void respond(request, response));
  const bound = boundConnections(server, CONNECTIONS_MAX);
  server.setTimeout(IDLE_MS);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      isClosing = true;
      const closed = once(server, 'close');
      server.close();
      // an answer that is lost keeps mail waiting until this relay is back
      await Promise.race([Promise.allSettled(underWay.values()), sleep(CLOSING_MS, undefined, { ref: false })]);
      server.closeAllConnections();
      bound.endUnproven();
      await closed;
      await Promise.allSettled(underWay.values());
    },
  };
}
