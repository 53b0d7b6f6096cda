/**
 * Secrets without our label. One watch tells which of them change, but not what is in them; those that matter are then
 * read by name, and nothing is kept of the others.
 */
import type { KubeClient } from '../client/client.ts';
import { keyOfObject, startListWatch, type ListWatch } from '../client/list-watch.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import { createWorkQueue } from '../client/queue.ts';
import { messageOf } from '../../errors.ts';
import { viewSecret, type KnownSecret, type SecretObject } from './views.ts';

export interface OtherSecrets {
  readonly get: (key: string) => KnownSecret | undefined;
  readonly keys: () => Iterable<string>;
  readonly follow: (key: string) => Promise<void>;
  readonly expect: (key: string) => void;
  readonly unfollow: (key: string) => void;
  /** One that had our label is not listed any more: it stays what it was until the API server has said what became of it. */
  readonly lookAgain: (key: string, before: KnownSecret) => void;
  /** It has our label. */
  readonly forget: (key: string) => void;
  readonly lists: readonly ListWatch[];
  /** Resolves when nothing is to be read, or what is left cannot be read for now. */
  readonly settled: () => Promise<void>;
}

export interface OtherSecretsOptions {
  readonly namespaces: readonly (string | undefined)[];
  readonly labelSelector: string;
  /** Whether it is known already, with our label. */
  readonly isElsewhere: (key: string) => boolean;
  readonly onChange: (key: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Leaves most of the client's connections to the writes. */
const READS_AT_ONCE = 8;

export function startOtherSecrets(client: KubeClient, options: OtherSecretsOptions): OtherSecrets {
  const { isElsewhere, onChange, onTrouble, signal } = options;
  const known = new Map<string, KnownSecret>();
  /** Keys that somebody follows or expects. */
  const named = new Set<string>();
  /** Keys of Secrets that had our label, and may still belong to one of our users. */
  const strays = new Set<string>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const matters = (key: string): boolean => named.has(key) || strays.has(key);

  const reads = createWorkQueue({
    workers: READS_AT_ONCE,
    tenantOf: (key) => key.split('/')[0] ?? '',
    work: read,
    onDone: ({ key, error }) => {
      if (error === undefined || signal.aborted) return;
      onTrouble(`Secret ${key} cannot be read, so that what was last read of it still counts: ${messageOf(error)}`);
    },
  });
  signal.addEventListener('abort', () => void reads.close());

  async function read(key: string): Promise<void> {
    if (!matters(key)) return;
    const [namespace, name = ''] = key.split('/');
    const path = pathOf(SECRETS, { namespace, name });
    const answer = await client.request<SecretObject>({ method: 'GET', path, signal });
    if (!answer.ok && answer.status !== 404) throw new Error(`${answer.status} ${answer.message}`);
    take(key, answer.ok ? viewSecret(answer.body) : undefined);
    waiting.get(key)?.resolve();
    waiting.delete(key);
  }

  function take(key: string, found: KnownSecret | undefined): void {
    const before = known.get(key);
    const isStray = strays.has(key) && found?.view.controllerUid !== undefined;
    if (!isStray) strays.delete(key);
    if (found === undefined || !matters(key) || isElsewhere(key)) known.delete(key);
    else known.set(key, found);
    if (before?.resourceVersion !== known.get(key)?.resourceVersion) onChange(key);
  }

  /** Somebody's Secret was made, changed or (without a version) deleted. */
  function hear(key: string, version?: string): void {
    if (!matters(key) || isElsewhere(key)) return;
    if (version === undefined || known.get(key)?.resourceVersion !== version) reads.add(key);
  }

  function list(namespace: string | undefined): ListWatch {
    const seen = new Set<string>();
    return startListWatch(client, {
      resource: SECRETS,
      namespace,
      labelSelector: options.labelSelector,
      isMetadataOnly: true,
      to: {
        listBegins: () => seen.clear(),
        listed: (object, { isOlder }) => {
          const key = keyOfObject(object);
          if (known.has(key)) seen.add(key);
          hear(key, isOlder ? undefined : object.metadata.resourceVersion);
        },
        listEnds: async () => {
          const isHere = (key: string): boolean => namespace === undefined || key.startsWith(`${namespace}/`);
          // by name, since a list may not be whole
          for (const key of known.keys()) if (isHere(key) && !seen.has(key)) reads.add(key);
          seen.clear();
        },
        changed: (object) => hear(keyOfObject(object), object.metadata.resourceVersion),
        deleted: (object) => hear(keyOfObject(object)),
      },
      onTrouble,
      signal,
    });
  }

  return {
    get: (key) => known.get(key),
    keys: () => known.keys(),
    follow: (key) => {
      named.add(key);
      if (known.has(key) || isElsewhere(key)) return Promise.resolve();
      const found = waiting.get(key) ?? Promise.withResolvers<void>();
      waiting.set(key, found);
      reads.add(key);
      return found.promise;
    },
    expect: (key) => void named.add(key),
    unfollow: (key) => {
      named.delete(key);
      waiting.get(key)?.resolve();
      waiting.delete(key);
      if (!strays.has(key) && known.delete(key)) onChange(key);
    },
    lookAgain: (key, before) => {
      strays.add(key);
      known.set(key, before);
      reads.add(key);
    },
    forget: (key) => {
      strays.delete(key);
      known.delete(key);
    },
    lists: options.namespaces.map(list),
    settled: reads.idle,
  };
}
