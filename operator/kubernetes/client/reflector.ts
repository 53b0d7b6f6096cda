/** Mirrors one kind of the API server: keeps what matters of each object, and tells what has changed. */
import { stackOf } from '../../errors.ts';
import type { KubeClient } from './client.ts';
import { isNewer, isThere, keyOfObject, startListWatch, type ListWatch, type ListWatchOptions } from './list-watch.ts';
import type { KubeObject } from './resources.ts';

interface Reflected<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
}

export interface ReflectorOptions<T> extends Omit<ListWatchOptions, 'to' | 'isMetadataOnly'> {
  /** What to keep of an object, given what is kept of its version before; memory follows from it. */
  readonly keep: (object: KubeObject, before: T | undefined) => T;
  /** One object came, changed or went. An object that was deleted and made again is first gone, then there. */
  readonly onChange: (key: string, before: T | undefined, after: T | undefined) => void;
}

export interface Reflector<T> extends Omit<ListWatch, 'version'> {
  readonly entries: ReadonlyMap<string, Reflected<T>>;
  /** Takes in what a write of ours has made, so that the next decision need not wait for the watch. */
  readonly observe: (object: KubeObject) => void;
}

/** How many objects that a list lacks are asked for one by one: an incomplete list lacks more than one. */
const CONFIRMED_MAX = 5;

export function startReflector<T>(client: KubeClient, options: ReflectorOptions<T>): Reflector<T> {
  const mirror = createMirror(options);
  const { entries } = mirror;
  const seen = new Set<string>();
  /** What writes of ours have made since the list began: it may be from before them. */
  const observed = new Set<string>();
  const { version, ...following } = startListWatch(client, {
    ...options,
    to: {
      listBegins: () => {
        seen.clear();
        observed.clear();
      },
      listed: (object, { isOlder }) => {
        const key = keyOfObject(object);
        const { uid, resourceVersion } = object.metadata;
        const known = entries.get(key);
        seen.add(key);
        if (known !== undefined && observed.has(key) && !isNewer(resourceVersion, known.resourceVersion)) return;
        // a lower version counts as well: after a backup of etcd was restored, that is what is there
        if (isOlder || known?.uid !== uid || known.resourceVersion !== resourceVersion) mirror.put(key, object);
      },
      listEnds: async () => {
        const missing = [...entries.keys()].filter((key) => !seen.has(key) && !observed.has(key));
        await confirmGone(client, options, missing.slice(0, CONFIRMED_MAX));
        for (const key of missing) mirror.remove(key);
        seen.clear();
      },
      changed: (object) => {
        const key = keyOfObject(object);
        // an event from before a write of ours that `observe` has told already
        const known = entries.get(key);
        const { uid, resourceVersion } = object.metadata;
        if (known?.uid !== uid || isNewer(resourceVersion, known.resourceVersion)) mirror.put(key, object);
      },
      deleted: (object) => mirror.remove(keyOfObject(object)),
    },
  });
  return {
    ...following,
    entries,
    observe: (object) => {
      const key = keyOfObject(object);
      const { uid, resourceVersion } = object.metadata;
      const known = entries.get(key);
      const reached = version();
      // the watch is past this version and the object is not there: it was deleted before we got our answer
      const isPast = reached !== undefined && !isNewer(resourceVersion, reached);
      if (isPast && known?.uid !== uid) return;
      // for one and the same version the answer counts: after a CRD was upgraded, a watch from before still drops what it did not know
      if (known?.uid === uid && isNewer(known.resourceVersion, resourceVersion)) return;
      observed.add(key);
      mirror.put(key, object);
    },
  };
}

function createMirror<T>({ resource, keep, onChange, onTrouble }: ReflectorOptions<T>) {
  const entries = new Map<string, Reflected<T>>();
  function tell(key: string, before: T | undefined, after: T | undefined): void {
    try {
      onChange(key, before, after);
    } catch (error) {
      // a fault in a handler is ours, and must not end the mirror
      onTrouble(`${resource.plural} ${key}: the operator failed on a change of it: ${stackOf(error)}`);
    }
  }
  function remove(key: string): void {
    const before = entries.get(key);
    entries.delete(key);
    if (before !== undefined) tell(key, before.value, undefined);
  }
  function put(key: string, object: KubeObject): void {
    const { uid, resourceVersion } = object.metadata;
    if (entries.get(key)?.uid !== uid) remove(key);
    const before = entries.get(key)?.value;
    const value = keep(object, before);
    entries.set(key, { uid, resourceVersion, value });
    tell(key, before, value);
  }
  return { entries, put, remove };
}

/**
 * Asks for objects one by one that a list has left out. An answer that is whole by all signs and lacks what is there would
 * otherwise cut off everybody who is not in it.
 */
async function confirmGone(
  client: KubeClient,
  options: Pick<ListWatchOptions, 'resource' | 'namespace' | 'labelSelector' | 'signal'>,
  keys: readonly string[],
): Promise<void> {
  for (const key of keys) {
    if (await isThere(client, options, key, options.signal)) {
      throw new Error(`are listed anew: ${key} is there and was left out`);
    }
  }
}
