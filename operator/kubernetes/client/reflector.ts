/**
 * Mirrors one kind (or one object) of the API server: a paged list, then a watch, for ever. Whatever goes wrong - a lost
 * or silent connection, 410 Gone, 5xx, an API server that is away for hours - it starts over, and tells of the difference.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from './backoff.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { pathOf, type KubeObject, type Resource } from './resources.ts';

interface Reflected<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
}

export interface ReflectorOptions<T> {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What to keep of an object, given what is kept of its version before; memory follows from it. */
  readonly keep: (object: KubeObject, before: T | undefined) => T;
  /** One object came, changed or went. An object that was deleted and made again is first gone, then there. */
  readonly onChange: (key: string, before: T | undefined, after: T | undefined) => void;
  readonly onTrouble: (message: string) => void;
  readonly onRelist?: () => void;
  /** Instead of a watch, which holds a connection: list again after so many milliseconds. */
  readonly pollMs?: () => number;
  readonly signal: AbortSignal;
}

export interface Reflector<T> {
  readonly entries: ReadonlyMap<string, Reflected<T>>;
  readonly hasSynced: () => boolean;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;
  /** Why there has been no complete list yet, as far as that is known. */
  readonly trouble: () => string | undefined;
  /** When the server was last heard, as `performance.now()`. */
  readonly heardAt: () => number;
  /** Takes in what a write of ours has made, so that the next decision need not wait for the watch. */
  readonly observe: (object: KubeObject) => void;
}

const PAGE_SIZE = 500;
/** Of those that a list has left out, so many are asked for: a list that is not whole lacks more than one. */
const CONFIRMED_MAX = 5;
const BACKOFF_FIRST_MS = 200;
/** After hours without an API server we are back within seconds; a few requests in that time cost a starting one nothing. */
const BACKOFF_MOST_MS = 5000;
/** As client-go: the server ends a watch after 5-10 minutes, at random, so that connections spread over its replicas. */
const WATCH_SECONDS = 300;
const WATCH_SHORTEST_MS = 1000;

export function startReflector<T>(client: KubeClient, options: ReflectorOptions<T>): Reflector<T> {
  const state = createState(options);
  let trouble: string | undefined;
  let markSynced = (): void => undefined;
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!options.signal.aborted) {
      try {
        if (state.version === undefined) {
          await list(client, options, state);
          state.hasSynced = true;
          markSynced();
        }
        if (options.pollMs === undefined) await follow(client, options, state);
        else await untilNextPoll(options.pollMs(), options.signal, state);
        failures = 0;
      } catch (error) {
        if (options.signal.aborted) return;
        trouble = `${options.resource.plural}: ${error instanceof Error ? error.message : String(error)}`;
        options.onTrouble(trouble);
        // a watch that got as far as an event was a good one: a server that drops us once an hour is no reason to slow down
        failures = state.progressed ? 0 : failures + 1;
        state.progressed = false;
        await pause(backoffMs(failures, BACKOFF_FIRST_MS, BACKOFF_MOST_MS), options.signal);
      }
    }
  };
  void run();
  return {
    entries: state.entries,
    hasSynced: () => state.hasSynced,
    synced,
    trouble: () => (state.hasSynced ? undefined : trouble),
    heardAt: () => state.heardAt,
    observe: (object) => {
      const key = keyOfObject(object);
      const { uid, resourceVersion } = object.metadata;
      // the watch is past this version and the object is not there: it was deleted before we got our answer
      const isPast = state.version !== undefined && !isNewer(resourceVersion, state.version);
      if (isPast && state.entries.get(key)?.uid !== uid) return;
      state.apply(key, object);
    },
  };
}

interface State<T> {
  readonly entries: Map<string, Reflected<T>>;
  readonly apply: (key: string, after: KubeObject | undefined) => void;
  /** Where the watch goes on; undefined: list first. */
  version: string | undefined;
  hasSynced: boolean;
  progressed: boolean;
  heardAt: number;
}

function createState<T>(options: ReflectorOptions<T>): State<T> {
  const entries = new Map<string, Reflected<T>>();
  function tell(key: string, before: T | undefined, after: T | undefined): void {
    try {
      options.onChange(key, before, after);
    } catch (error) {
      // a fault in a handler is ours, and must not end the mirror
      options.onTrouble(`handler of ${options.resource.plural} ${key}: ${String(error)}`);
    }
  }
  function apply(key: string, object: KubeObject | undefined): void {
    const before = entries.get(key);
    if (object === undefined) {
      entries.delete(key);
      if (before !== undefined) tell(key, before.value, undefined);
      return;
    }
    const { uid, resourceVersion } = object.metadata;
    // an event from before a write of ours that `observe` has told already
    if (before?.uid === uid && !isNewer(resourceVersion, before.resourceVersion)) return;
    if (before !== undefined && before.uid !== uid) {
      entries.delete(key);
      tell(key, before.value, undefined);
    }
    const value = options.keep(object, before?.value);
    entries.set(key, { uid, resourceVersion, value });
    tell(key, before?.uid === uid ? before.value : undefined, value);
  }
  return { entries, apply, version: undefined, hasSynced: false, progressed: false, heardAt: performance.now() };
}

/** Versions of one resource compare as numbers (KEP-5504, Kubernetes 1.35); equal ones are the same object. */
function isNewer(version: string, known: string): boolean {
  return version.length === known.length ? version > known : version.length > known.length;
}

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubeObject[];
}

async function list<T>(client: KubeClient, options: ReflectorOptions<T>, state: State<T>): Promise<void> {
  options.onRelist?.();
  const seen = new Set<string>();
  let version = '';
  let next: string | undefined;
  do {
    const path = collectionPath(options, {
      limit: String(PAGE_SIZE),
      ...(next === undefined ? {} : { continue: next }),
    });
    const answer = await client.request<Page>({ method: 'GET', path, signal: options.signal });
    // 410 in the middle: the first pages are too old to be continued; the caller lists anew
    if (!answer.ok) throw new Error(`list: ${answer.status} ${answer.message}`);
    // page by page: all objects at once, as they came, are several times what is kept of them
    for (const object of answer.body.items) {
      seen.add(keyOfObject(object));
      state.apply(keyOfObject(object), object);
    }
    ({ resourceVersion: version } = answer.body.metadata);
    next = answer.body.metadata.continue || undefined;
  } while (next !== undefined);
  const missing = [...state.entries.keys()].filter((key) => !seen.has(key));
  await confirmGone(client, options, missing.slice(0, CONFIRMED_MAX));
  for (const key of missing) state.apply(key, undefined);
  state.version = version;
  state.heardAt = performance.now();
}

/**
 * Asks for objects one by one that a list has left out. An answer that is whole by all signs and lacks what is there would
 * otherwise cut off everybody who is not in it.
 */
async function confirmGone<T>(
  client: KubeClient,
  options: ReflectorOptions<T>,
  keys: readonly string[],
): Promise<void> {
  for (const key of keys) {
    const [name = '', namespace = options.namespace] = key.split('/').toReversed();
    const fieldSelector = `metadata.name=${name}`;
    const path = collectionPath({ ...options, namespace, fieldSelector }, {});
    const answer = await client.request<Page>({ method: 'GET', path, signal: options.signal });
    if (!answer.ok) throw new Error(`list of ${key}: ${answer.status} ${answer.message}`);
    if (answer.body.items.length > 0) throw new Error(`list: incomplete, ${key} is there and was left out`);
  }
}

async function untilNextPoll<T>(milliseconds: number, signal: AbortSignal, state: State<T>): Promise<void> {
  await pause(milliseconds, signal);
  state.version = undefined;
}

async function follow<T>(client: KubeClient, options: ReflectorOptions<T>, state: State<T>): Promise<void> {
  const path = collectionPath(options, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: state.version ?? '',
    timeoutSeconds: String(Math.round(WATCH_SECONDS * (1 + Math.random()))),
  });
  const began = performance.now();
  for await (const event of client.watch(path, { signal: options.signal })) {
    state.heardAt = performance.now();
    handle(event, state);
    state.progressed = true;
  }
  // a server (or a proxy) that ends each watch at once would otherwise be asked in a tight loop
  if (performance.now() - began < WATCH_SHORTEST_MS) throw new Error('watch: ended at once');
}

function handle<T>(event: WatchEvent, state: State<T>): void {
  if (event.type === 'ERROR') {
    // 410 Gone (and any answer that this version will never please): what we know is too old, list again
    if (event.object.code === 410 || event.object.code === 400) state.version = undefined;
    throw new Error(`watch: ${event.object.code ?? ''} ${event.object.message ?? ''}`);
  }
  const object = event.object as KubeObject;
  if (event.type !== 'BOOKMARK') state.apply(keyOfObject(object), event.type === 'DELETED' ? undefined : object);
  state.version = object.metadata.resourceVersion;
}

function collectionPath<T>(options: ReflectorOptions<T>, query: Readonly<Record<string, string>>): string {
  const selectors = {
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
  };
  const parameters = new URLSearchParams({ ...selectors, ...query });
  return `${pathOf(options.resource, { namespace: options.namespace })}?${parameters.toString()}`;
}

/** `NAMESPACE/NAME`, or the name alone of a cluster-scoped object. */
function keyOfObject(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
