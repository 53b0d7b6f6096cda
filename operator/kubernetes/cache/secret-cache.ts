/**
 * The Secrets that matter: those with our label, and those that an object names, one watch each. Other people's Secrets
 * are never read, so that memory does not grow with them and a leak of ours could not hold them.
 */
import { MANAGED_BY, MANAGED_BY_LABEL } from '../../core/names.ts';
import type { KubeClient } from '../client/client.ts';
import type { SecretView } from '../../core/model.ts';
import { createNamespaceIndex } from './namespace-index.ts';
import { startReflector, type Reflector } from '../client/reflector.ts';
import { SECRETS, type KubeObject } from '../client/resources.ts';
import { viewOwnSecret, viewSecret, type KnownSecret, type SecretObject } from './views.ts';

export interface SecretCache {
  readonly get: (key: string) => KnownSecret | undefined;
  readonly keys: () => Iterable<string>;
  /** Those of a namespace. */
  readonly in: (namespace: string) => Iterable<SecretView>;
  /** Watches (beyond some number: polls) a Secret by name from now on; resolves when it has been looked up. */
  readonly follow: (key: string) => Promise<void>;
  readonly unfollow: (key: string) => void;
  /** Follows a Secret anew: what is known of it may be as old as the last poll. */
  readonly followAnew: (key: string) => void;
  /** Whether it is there with our label. */
  readonly isLabelled: (key: string) => boolean;
  /** Resolves when the caches that are there now have synced. */
  readonly synced: () => Promise<void>;
  readonly hasSynced: () => boolean;
  /** What keeps it from having synced, as far as that is known. */
  readonly syncTroubles: () => readonly string[];
  /** Takes in what a write of ours has made, before the watch tells. */
  readonly observe: (object: SecretObject) => void;
}

export interface SecretCacheOptions {
  /** Undefined: all namespaces. */
  readonly namespaces: readonly (string | undefined)[];
  readonly saltFor: (uid: string) => Buffer;
  readonly onChange: (key: string) => void;
  /** A Secret with our label is gone, or has lost the label: `follow` tells. */
  readonly onUnlabelled: (key: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
  /** Secrets that are watched by name, in all and in one namespace; default 200 and 10. */
  readonly watchesMax?: number;
  readonly watchesPerNamespace?: number;
  /** Shortest time between two looks at a Secret that is not watched; default 10 s. */
  readonly pollMs?: number;
}

/** Each watch holds a connection and a goroutine or two in the API server; tenants decide how many Secrets they name. */
const WATCHES_MAX = 200;
/** So that those who come later have some too. */
const WATCHES_PER_NAMESPACE = 10;
const POLL_MS = 10_000;
/**
 * All polls together, in equal shares of the namespaces: with 10,000 Secrets a change is seen within eight minutes, and
 * the API server hardly notices; who names that many waits for his own.
 */
const POLLS_PER_SECOND = 20;

/** On Secrets with the relay's configuration: too large to be cached, see config-secrets.ts. */
export const CONFIG_LABEL = 'smtpplus.io/relay-config';
const OWN_SELECTOR = `${MANAGED_BY_LABEL}=${MANAGED_BY},!${CONFIG_LABEL}`;

interface Followed {
  readonly reflector: Reflector<KnownSecret>;
  readonly stop: AbortController;
  readonly isWatched: boolean;
}

export function startSecretCache(client: KubeClient, options: SecretCacheOptions): SecretCache {
  const { onChange, onTrouble, saltFor } = options;
  const index = createNamespaceIndex();
  const tell = (key: string, _?: unknown, after?: unknown): void => {
    index.note(key, after !== undefined || isLabelled(key));
    onChange(key);
  };
  const tellOwn = (key: string, _: unknown, after: unknown): void => {
    index.note(key, after !== undefined);
    if (after === undefined) options.onUnlabelled(key);
    else onChange(key);
  };
  const keep = (object: KubeObject): KnownSecret => viewOwnSecret(object, saltFor);
  const own = options.namespaces.map((namespace) => {
    const selector = { resource: SECRETS, namespace, labelSelector: OWN_SELECTOR };
    return startReflector(client, { ...selector, keep, onChange: tellOwn, onTrouble, signal: options.signal });
  });
  const followed = new Map<string, Followed>();
  const { watchesMax = WATCHES_MAX, watchesPerNamespace = WATCHES_PER_NAMESPACE, pollMs = POLL_MS } = options;
  const watched = createTally();
  const polled = createTally();
  const untilPoll = (namespace: string): number => {
    const fairMs = (polled.of(namespace) * polled.names() * 1000) / POLLS_PER_SECOND;
    return Math.max(pollMs, fairMs) * (0.9 + Math.random() / 5);
  };

  const reflectors = (): Reflector<KnownSecret>[] => [
    ...own,
    ...[...followed.values()].map(({ reflector }) => reflector),
  ];

  function follow(key: string): Promise<void> {
    const before = followed.get(key);
    if (before !== undefined) return before.reflector.synced;
    const [namespace = '', name = ''] = key.split('/');
    const stop = new AbortController();
    const isWatched = watched.total() < watchesMax && watched.of(namespace) < watchesPerNamespace;
    (isWatched ? watched : polled).add(namespace, 1);
    const reflector = startReflector(client, {
      resource: SECRETS,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      keep: (object) => viewFollowed(object, saltFor),
      onChange: tell,
      onTrouble,
      ...(isWatched ? {} : { pollMs: () => untilPoll(namespace) }),
      signal: AbortSignal.any([stop.signal, options.signal]),
    });
    followed.set(key, { reflector, stop, isWatched });
    return reflector.synced;
  }

  function stopFollowing(key: string): boolean {
    const one = followed.get(key);
    if (one === undefined) return false;
    one.stop.abort();
    // Secrets that are polled by now stay so: the next ones to be named are watched
    (one.isWatched ? watched : polled).add(key.split('/')[0] ?? '', -1);
    followed.delete(key);
    return true;
  }

  function isLabelled(key: string): boolean {
    return own.some(({ entries }) => entries.has(key));
  }

  function get(key: string): KnownSecret | undefined {
    const known = own.map(({ entries }) => entries.get(key)).find((entry) => entry !== undefined);
    return (known ?? followed.get(key)?.reflector.entries.get(key))?.value;
  }

  return {
    get,
    in: (namespace) => [...index.keysIn(namespace)].flatMap((key) => get(key)?.view ?? []),
    keys: function* () {
      for (const { entries } of own) yield* entries.keys();
      for (const [key, { reflector }] of followed) if (reflector.entries.has(key)) yield key;
    },
    follow,
    unfollow: (key) => {
      if (stopFollowing(key)) onChange(key);
    },
    followAnew: (key) => {
      stopFollowing(key);
      void follow(key);
    },
    isLabelled,
    synced: async () => {
      await Promise.all(reflectors().map(({ synced }) => synced));
    },
    hasSynced: () => reflectors().every((reflector) => reflector.hasSynced()),
    syncTroubles: () => reflectors().flatMap((reflector) => reflector.trouble() ?? []),
    observe: (object) => {
      const { namespace } = object.metadata;
      const index = options.namespaces.findIndex((watched) => watched === undefined || watched === namespace);
      own[index]?.observe(object);
    },
  };
}

/** Counts by name, and how many names there are. */
function createTally() {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    total: () => total,
    names: () => counts.size,
    of: (name: string) => counts.get(name) ?? 0,
    add: (name: string, count: 1 | -1) => {
      total += count;
      const sum = (counts.get(name) ?? 0) + count;
      if (sum === 0) counts.delete(name);
      else counts.set(name, sum);
    },
  };
}

/** Without the label it may still be ours: somebody took the label away. Its owner reference tells. */
function viewFollowed(object: SecretObject, saltFor: (uid: string) => Buffer): KnownSecret {
  const known = viewSecret(object);
  return known.view.controllerUid === undefined ? known : viewOwnSecret(object, saltFor);
}
