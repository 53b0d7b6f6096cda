/** Everything that the operator mirrors of the cluster, and whether all of it has arrived. */
import type { Kind } from '../../core/model.ts';
import type { KubeClient } from '../client/client.ts';
import type { KnownStatus } from './known-status.ts';
import type { ListWatch } from '../client/list-watch.ts';
import { startReflector, type Reflector } from '../client/reflector.ts';
import { createNamespaceIndex, type NamespaceIndex } from './namespace-index.ts';
import { KIND_RESOURCES, NAMESPACES, type KubeObject, type Resource } from '../client/resources.ts';
import { startSecretCache, type SecretCache } from './secret-cache.ts';
import { followNamespaces } from './watched-namespaces.ts';
import { viewObject, type KnownObject } from './views.ts';

type Labels = Readonly<Record<string, string>>;

export interface Caches {
  readonly objects: Readonly<Record<Kind, MergedCache<KnownObject>>>;
  /** Labels of namespaces. */
  readonly namespaces: { readonly get: (name: string) => Labels | undefined };
  readonly secrets: SecretCache;
  /** Names of the namespaces that hold an object or a Secret of ours. */
  readonly namespacesInUse: () => Iterable<string>;
  readonly hasSynced: () => boolean;
  readonly synced: () => Promise<void>;
  /** What keeps the caches from having synced, as far as that is known. */
  readonly syncTroubles: () => readonly string[];
  /** Seconds since the API server was last heard, by kind. */
  readonly silence: () => ReadonlyMap<string, number>;
}

/** Several reflectors of one kind, one for each watched namespace, as one. */
interface MergedCache<T> {
  readonly get: (key: string) => T | undefined;
  readonly keys: () => Iterable<string>;
  readonly countIn: (namespace: string) => number;
  /** What is in a namespace. */
  readonly in: (namespace: string) => Iterable<T>;
  readonly observe: (object: KubeObject) => void;
}

export interface CachesOptions {
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  readonly onObject: (kind: Kind, key: string, after: KnownObject | undefined, before: KnownObject | undefined) => void;
  readonly onNamespace: (name: string) => void;
  readonly onSecret: (key: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly onRelist: (kind: string) => void;
  readonly signal: AbortSignal;
}

export function startCaches(client: KubeClient, options: CachesOptions): Caches {
  const { onTrouble, signal } = options;
  const namespaces = options.watchNamespaces.length === 0 ? [undefined] : options.watchNamespaces;
  const all: { readonly kind: string; readonly reflector: Omit<ListWatch, 'version'> }[] = [];

  function mirror<T>(
    resource: Resource,
    where: readonly (string | undefined)[],
    parts: {
      keep: (object: KubeObject, before: T | undefined) => T;
      onChange: (key: string, before: T | undefined, after: T | undefined) => void;
    },
  ): MergedCache<T> {
    const onRelist = (): void => options.onRelist(resource.kind);
    const index = createNamespaceIndex();
    const onChange: typeof parts.onChange = (key, before, after) => {
      index.note(key, after !== undefined);
      parts.onChange(key, before, after);
    };
    const reflectors = where.map((namespace) =>
      startReflector(client, { resource, namespace, ...parts, onChange, onTrouble, onRelist, signal }),
    );
    for (const reflector of reflectors) all.push({ kind: resource.kind, reflector });
    return merge(reflectors, where, index);
  }

  const mirrorKind = (kind: Kind): MergedCache<KnownObject> =>
    mirror(KIND_RESOURCES[kind], namespaces, {
      keep: (object, before) => viewObject(kind, object, before),
      onChange: (key, before, after) => options.onObject(kind, key, after, before),
    });
  const objects = {
    SmtpPlusList: mirrorKind('SmtpPlusList'),
    SmtpPlusUser: mirrorKind('SmtpPlusUser'),
    VerifiedSender: mirrorKind('VerifiedSender'),
  };
  function followLabels(): Caches['namespaces'] {
    const { watchNamespaces: names, onNamespace: onChange } = options;
    if (names.length === 0) {
      return mirror(NAMESPACES, [undefined], { keep: ({ metadata }) => metadata.labels ?? {}, onChange });
    }
    const followed = followNamespaces(client, { names, onChange, onTrouble, signal });
    all.push({ kind: NAMESPACES.kind, reflector: followed });
    return followed;
  }
  const namespaceLabels = followLabels();
  const secrets = startSecretCache(client, {
    namespaces,
    onChange: options.onSecret,
    onTrouble,
    signal,
  });
  return {
    objects,
    namespaces: namespaceLabels,
    secrets,
    namespacesInUse: () => {
      const names = new Set<string>();
      for (const { keys } of [...Object.values(objects), secrets]) {
        for (const key of keys()) names.add(key.slice(0, key.indexOf('/')));
      }
      return names;
    },
    hasSynced: () => all.every(({ reflector }) => reflector.hasSynced()) && secrets.hasSynced(),
    synced: async () => {
      await Promise.all(all.map(({ reflector }) => reflector.synced));
      // objects that came with the lists above have named more Secrets
      await secrets.synced();
    },
    syncTroubles: () => [...all.flatMap(({ reflector }) => reflector.trouble() ?? []), ...secrets.syncTroubles()],
    silence: () => new Map(all.map(({ kind, reflector }) => [kind, (performance.now() - reflector.heardAt()) / 1000])),
  };
}

function merge<T>(
  reflectors: readonly Reflector<T>[],
  where: readonly (string | undefined)[],
  index: NamespaceIndex,
): MergedCache<T> {
  const get = (key: string): T | undefined => {
    for (const { entries } of reflectors) {
      const entry = entries.get(key);
      if (entry !== undefined) return entry.value;
    }
    return undefined;
  };
  return {
    get,
    countIn: index.countIn,
    in: (namespace) => [...index.keysIn(namespace)].flatMap((key) => get(key) ?? []),
    keys: function* () {
      for (const { entries } of reflectors) yield* entries.keys();
    },
    observe: (object) => {
      const { namespace } = object.metadata;
      reflectors[where.findIndex((watched) => watched === undefined || watched === namespace)]?.observe(object);
    },
  };
}

export interface Readiness {
  readonly kind: Kind;
  readonly ready: string;
  readonly count: number;
}

/** Objects by kind and by the status of their condition `Ready`, as last written. */
export function countReadiness(caches: Caches): Readiness[] {
  return (Object.keys(caches.objects) as Kind[]).flatMap((kind) => {
    const counts = new Map<string, number>();
    for (const key of caches.objects[kind].keys()) {
      const ready = readyOf(caches.objects[kind].get(key)?.status);
      counts.set(ready, (counts.get(ready) ?? 0) + 1);
    }
    return [...counts].map(([ready, count]) => ({ kind, ready, count }));
  });
}

function readyOf(status: KnownStatus | undefined): string {
  return status?.conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown';
}
