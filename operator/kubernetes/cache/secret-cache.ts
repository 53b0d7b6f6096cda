/**
 * The Secrets that matter: those with our label, and those that an object names. About all others we only hear that
 * they have changed, and never read what is in them: they take no memory, and cannot leak from here.
 */
import { MANAGED_BY, MANAGED_BY_LABEL } from '../../core/names.ts';
import type { SecretView } from '../../core/model.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector } from '../client/reflector.ts';
import { SECRETS, type KubeObject } from '../client/resources.ts';
import { createNamespaceIndex } from './namespace-index.ts';
import { startOtherSecrets } from './other-secrets.ts';
import { viewSecret, type KnownSecret, type SecretObject } from './views.ts';

export interface SecretCache {
  readonly get: (key: string) => KnownSecret | undefined;
  readonly keys: () => Iterable<string>;
  /** Those of a namespace. */
  readonly in: (namespace: string) => Iterable<SecretView>;
  /** Reads a Secret by name now, and whenever it changes; resolves when it has been read. */
  readonly follow: (key: string) => Promise<void>;
  /** Reads it only when it is heard of, because it was made or changed. */
  readonly expect: (key: string) => void;
  /** Nobody follows or expects it any more. */
  readonly unfollow: (key: string) => void;
  /** Resolves when everything is there that was there at the start. */
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
  readonly onChange: (key: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

/** On Secrets with the relay's configuration: too large to be cached, see write/configuration.ts. */
export const CONFIG_LABEL = 'smtpplus.io/relay-config';

export function startSecretCache(client: KubeClient, options: SecretCacheOptions): SecretCache {
  const { namespaces, onTrouble, signal } = options;
  const index = createNamespaceIndex();
  const onChange = (key: string): void => {
    index.note(key, get(key) !== undefined);
    options.onChange(key);
  };
  const own = namespaces.map((namespace) =>
    startReflector(client, {
      resource: SECRETS,
      namespace,
      labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}`,
      keep: (object: KubeObject): KnownSecret => viewSecret(object),
      onChange: (key, before, after) => {
        if (after !== undefined) {
          others.forget(key);
          onChange(key);
        }
        // it is gone, or somebody took the label away: until that is known, it is what it was
        else if (before !== undefined) others.lookAgain(key, before);
      },
      onTrouble,
      signal,
    }),
  );
  const isOwn = (key: string): boolean => own.some(({ entries }) => entries.has(key));
  const others = startOtherSecrets(client, {
    ...options,
    onChange,
    labelSelector: `${MANAGED_BY_LABEL}!=${MANAGED_BY}`,
    isElsewhere: isOwn,
  });
  const reflectors = [...own, ...others.lists];

  function get(key: string): KnownSecret | undefined {
    const entry = own.map(({ entries }) => entries.get(key)).find((entry) => entry !== undefined);
    return entry?.value ?? others.get(key);
  }

  return {
    get,
    in: (namespace) => [...index.keysIn(namespace)].flatMap((key) => get(key)?.view ?? []),
    keys: function* () {
      for (const { entries } of own) yield* entries.keys();
      yield* others.keys();
    },
    follow: others.follow,
    expect: others.expect,
    unfollow: others.unfollow,
    synced: async () => {
      await Promise.all(reflectors.map(({ synced }) => synced));
      await others.settled();
    },
    hasSynced: () => reflectors.every((reflector) => reflector.hasSynced()),
    syncTroubles: () => reflectors.flatMap((reflector) => reflector.trouble() ?? []),
    observe: (object) => {
      const { namespace } = object.metadata;
      const at = namespaces.findIndex((watched) => watched === undefined || watched === namespace);
      own[at]?.observe(object);
    },
  };
}
