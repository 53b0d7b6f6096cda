/**
 * A connection to a store that speaks the protocol of Valkey. It is used until the first thing goes wrong with it, an answer that takes
 * too long among them: then it ends, and nobody waits for the rest.
 */
import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { createClient } from '@redis/client';
import type { ValkeyConfig } from '../config/shared-counters.ts';
import { oneLine } from '../printable.ts';
import type { Script } from './scripts.ts';

export interface Store {
  /** Rejects where there is no answer in time; the connection has ended then. */
  readonly run: (script: Script, keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;
  /**
   * The name of a key. What it is about is hashed: it may be an address, or whatever somebody sent as a user name, and nobody can
   * choose one that leads to the key of another.
   */
  readonly key: (kind: string, ...about: readonly string[]) => string;
  /** Resolves with the reason when the connection has ended. */
  readonly ended: Promise<string>;
  readonly close: (why: string) => void;
}

/** Name look-up, TCP, TLS and log-in together. */
const CONNECT_MS = 3000;
/** 132 bits. */
const HASH_CHARACTERS = 22;

/** Rejects where the store cannot be reached, or does not let us in. */
export async function connectStore(settings: ValkeyConfig): Promise<Store> {
  const { timeoutMs, keyPrefix, hashKey } = settings;
  const client = clientOf(settings);
  const { promise: ended, resolve: setEnded } = Promise.withResolvers<string>();

  function close(why: string): void {
    setEnded(oneLine(why));
    if (client.isOpen) client.destroy();
  }

  /** An answer that came while this process was busy has not been read yet: that is no fault of the store's. */
  async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => setImmediate(() => late.reject(new Error(`no answer within ${ms} ms`))), ms);
    try {
      return await Promise.race([answer, late.promise]);
    } catch (error) {
      close((error as Error).message);
      throw new Error(await ended, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async function evaluate({ sha, text }: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const options = { keys: [...keys], arguments: [...args] };
    try {
      return await client.evalSha(sha, options);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return client.eval(text, options);
    }
  }

  client.on('error', (error: Error) => close(error.message));
  await within(CONNECT_MS, client.connect());
  return {
    run: (script, keys, args) => within(timeoutMs, evaluate(script, keys, args.map(String))),
    key: (kind, ...about) => {
      const hash = createHmac('sha256', hashKey).update(JSON.stringify(about)).digest('base64url');
      return `${keyPrefix}:${kind}:${hash.slice(0, HASH_CHARACTERS)}`;
    },
    ended,
    close,
  };
}

function clientOf({ host, port, tls, username, password }: ValkeyConfig) {
  const socket = { host, port, connectTimeout: CONNECT_MS, reconnectStrategy: false } as const;
  const { serverName = host, ca } = tls ?? {};
  // by its address there is no name to ask for
  const name = isIP(serverName) === 0 ? { servername: serverName } : {};
  return createClient({
    // what was not in the protocol when Valkey went its own way is left out
    RESP: 2,
    disableClientInfo: true,
    // who asks counts for itself where there is no connection, and the keeper makes another one
    disableOfflineQueue: true,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    socket: tls === undefined ? socket : { ...socket, tls: true, ...name, ...(ca !== undefined && { ca }) },
  });
}
