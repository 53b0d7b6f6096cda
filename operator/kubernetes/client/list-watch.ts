/**
 * Follows one collection of the API server: a paged list, then a watch, for ever. Whatever goes wrong - a lost or
 * silent connection, 410 Gone, 5xx, an API server that is away for hours - it starts over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { RefusedError } from './answers.ts';
import { backoffMs } from './backoff.ts';
import { AnswerTooLargeError } from './exchange.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { listPagesOf } from './pages.ts';
import { pathOf, type KubeObject, type Resource } from './resources.ts';

/** Which objects. */
export interface Selection {
  readonly resource: Resource;
  /** Undefined: all of them. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Without what is in the objects. */
  readonly isMetadataOnly?: boolean;
}

export interface ListWatchOptions extends Selection {
  readonly to: Follower;
  readonly onTrouble: (message: string) => void;
  readonly onRelist?: (() => void) | undefined;
  readonly signal: AbortSignal;
  /** There may be no such kind (404), or no right to it (403), which is no trouble: it is asked for again, but not often. */
  readonly optional?: {
    readonly retryMs: number;
    /** It has come to be refused, or is so no more. */
    readonly onRefusal: (refusal: RefusedError | undefined) => void;
  };
}

/** Hears what there is. Never called while another call is under way. */
interface Follower {
  readonly listBegins: () => void;
  /**
   * Objects come page by page: all at once, as they came, are several times what is kept of them. Where the list is older
   * than what this server has told before, its past is another (a backup of etcd was restored), and the same version may
   * stand for something else.
   */
  readonly listed: (object: KubeObject, list: { readonly isOlder: boolean }) => void;
  /** The list is whole. What this throws makes it be asked for again. */
  readonly listEnds: () => Promise<void>;
  readonly changed: (object: KubeObject) => void;
  readonly deleted: (object: KubeObject) => void;
}

export interface ListWatch {
  readonly hasSynced: () => boolean;
  /** Resolves after the first complete list, or when one that is optional cannot be had. */
  readonly synced: Promise<void>;
  /** Why there has been no complete list yet, as far as that is known. */
  readonly trouble: () => string | undefined;
  /** When the server was last heard, as `performance.now()`. */
  readonly heardAt: () => number;
  /** The version that the watch has reached; undefined: it is about to list. */
  readonly version: () => string | undefined;
}

const PAGE_SIZE = 500;
const BACKOFF_FIRST_MS = 200;
/** After hours without an API server we are back within seconds; a few requests in that time cost a starting one nothing. */
const BACKOFF_MOST_MS = 5000;
/** As client-go: the server ends a watch after 5-10 minutes, at random, so that connections spread over its replicas. */
const WATCH_SECONDS = 300;
const WATCH_SHORTEST_MS = 1000;
/** How many answers in a row may only ask us to come back before that is trouble: about 3 s. */
const LATER_MOST = 4;

interface State {
  /** Where the watch goes on; undefined: list first. */
  version: string | undefined;
  /** The latest version that this server has told, over all lists. */
  latest: string;
  hasSynced: boolean;
  progressed: boolean;
  heardAt: number;
  refusal: RefusedError | undefined;
  pageSize: number;
}

export function startListWatch(client: KubeClient, options: ListWatchOptions): ListWatch {
  const state: State = {
    version: undefined,
    latest: '0',
    hasSynced: false,
    progressed: false,
    heardAt: performance.now(),
    refusal: undefined,
    pageSize: PAGE_SIZE,
  };
  const synced = Promise.withResolvers<void>();
  let trouble: string | undefined;
  const answered = (refusal?: RefusedError): void => {
    state.hasSynced = true;
    if (state.refusal?.status !== refusal?.status) {
      state.refusal = refusal;
      options.optional?.onRefusal(refusal);
    }
    synced.resolve();
  };
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!options.signal.aborted) {
      try {
        if (state.version === undefined) {
          await list(client, options, state);
          answered();
        }
        await follow(client, options, state);
        failures = 0;
      } catch (error) {
        if (options.signal.aborted) return;
        const isRefused = error instanceof RefusedError && OUT_OF_REACH.has(error.status);
        if (isRefused && options.optional !== undefined && state.version === undefined) {
          state.heardAt = performance.now();
          answered(error);
          await pause(options.optional.retryMs, options.signal);
          continue;
        }
        trouble = `${options.resource.plural} ${messageOf(error)}`;
        if (!(error instanceof AskedToComeBack) || failures >= LATER_MOST) options.onTrouble(trouble);
        // a watch that got as far as an event was a good one: a server that drops us once an hour is no reason to slow down
        failures = state.progressed ? 0 : failures + 1;
        state.progressed = false;
        await pause(backoffMs(failures, BACKOFF_FIRST_MS, BACKOFF_MOST_MS), options.signal);
      }
    }
  };
  void run();
  return {
    hasSynced: () => state.hasSynced,
    synced: synced.promise,
    trouble: () => (state.hasSynced ? undefined : trouble),
    heardAt: () => state.heardAt,
    version: () => state.version,
  };
}

/** Versions of one resource compare as numbers (KEP-5504, Kubernetes 1.35); equal ones are the same object. */
export function isNewer(version: string, known: string): boolean {
  return version.length === known.length ? version > known : version.length > known.length;
}

/** `NAMESPACE/NAME`, or the name alone of a cluster-scoped object. */
export function keyOfObject(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** Null in an empty list without contents. */
  readonly items: readonly KubeObject[] | null;
}

/**
 * The API server has no answer yet: it is busy, or it makes the storage of a kind anew, as it does right after a CRD was
 * applied. As client-go, we come back without a word.
 */
class AskedToComeBack extends Error {}

function refusal(
  what: string,
  { code = 0, message = '' }: { readonly code?: number; readonly message?: string },
): Error {
  if (code === 429) return new AskedToComeBack(`${what}: ${code} ${message}`);
  return new RefusedError(what, { status: code, message });
}

/** No such kind, or no right to it. */
const OUT_OF_REACH: ReadonlySet<unknown> = new Set([403, 404]);

async function list(client: KubeClient, options: ListWatchOptions, state: State): Promise<void> {
  options.onRelist?.();
  options.to.listBegins();
  let version = '';
  for await (const page of listPagesOf((next) => readPageThatFits(client, options, state, next))) {
    ({ resourceVersion: version } = page.metadata);
    const isOlder = isNewer(state.latest, version);
    for (const object of page.items ?? []) options.to.listed(object, { isOlder });
  }
  await options.to.listEnds();
  state.version = version;
  state.latest = version;
  state.heardAt = performance.now();
}

/** Somebody may have made objects as large as they can be: where they are too much for one answer, the pages are smaller from then on. */
async function readPageThatFits(
  client: KubeClient,
  options: ListWatchOptions,
  state: State,
  next: string | undefined,
): Promise<Page> {
  for (;;) {
    const query = { limit: String(state.pageSize), ...(next === undefined ? {} : { continue: next }) };
    try {
      return await readPage(client, options, query, options.signal);
    } catch (error) {
      if (!(error instanceof AnswerTooLargeError) || state.pageSize === 1) throw error;
      state.pageSize = Math.ceil(state.pageSize / 2);
    }
  }
}

/** Whether an object is there, asked for by itself: a list of one, since who may list need not be allowed to get. */
export async function isThere(
  client: KubeClient,
  selection: Selection,
  key: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [name = '', namespace = selection.namespace] = key.split('/').toReversed();
  const one = { ...selection, namespace, fieldSelector: `metadata.name=${name}` };
  const { items } = await readPage(client, one, {}, signal);
  return items !== null && items.length > 0;
}

async function readPage(
  client: KubeClient,
  selection: Selection,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Page> {
  const path = collectionPath(selection, query);
  const as = selection.isMetadataOnly === true ? 'PartialObjectMetadataList' : undefined;
  const answer = await client.request<Page>({ method: 'GET', path, as, signal });
  if (answer.status === 404) {
    const message = 'the API server does not know this kind; apply crds/ of the version of this operator';
    throw refusal('cannot be listed', { code: 404, message });
  }
  // 410 in the middle: the first pages are too old to be continued; the caller lists anew
  if (!answer.ok) throw refusal('cannot be listed', { code: answer.status, message: answer.message });
  return answer.body;
}

async function follow(client: KubeClient, options: ListWatchOptions, state: State): Promise<void> {
  const path = collectionPath(options, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: state.version ?? '',
    timeoutSeconds: String(Math.round(WATCH_SECONDS * (1 + Math.random()))),
  });
  const as = options.isMetadataOnly === true ? 'PartialObjectMetadata' : undefined;
  const began = performance.now();
  for await (const event of client.watch(path, { as, signal: options.signal })) {
    state.heardAt = performance.now();
    handle(event, options, state);
    state.progressed = true;
  }
  // a server (or a proxy) that ends each watch at once would otherwise be asked in a tight loop
  if (performance.now() - began < WATCH_SHORTEST_MS)
    throw new Error('cannot be watched: the server, or a proxy before it, ends each watch at once');
}

function handle(event: WatchEvent, { to, optional }: ListWatchOptions, state: State): void {
  if (event.type === 'ERROR') {
    const { code } = event.object;
    // 410 Gone (and any answer that this version will never please): what we know is too old, list again
    if (code === 410 || code === 400) state.version = undefined;
    // the list says whether it is so
    if (optional !== undefined && OUT_OF_REACH.has(code)) state.version = undefined;
    throw refusal('cannot be watched any further', event.object);
  }
  const object = event.object as KubeObject;
  const { resourceVersion } = object.metadata;
  if (isNewer(state.version ?? '', resourceVersion)) {
    state.version = undefined;
    throw new Error(
      `are listed anew: the watch went back to version ${resourceVersion}, as after a backup was restored`,
    );
  }
  if (event.type === 'DELETED') to.deleted(object);
  else if (event.type !== 'BOOKMARK') to.changed(object);
  state.version = resourceVersion;
  state.latest = resourceVersion;
}

function collectionPath(selection: Selection, query: Readonly<Record<string, string>>): string {
  const selectors = {
    ...(selection.labelSelector === undefined ? {} : { labelSelector: selection.labelSelector }),
    ...(selection.fieldSelector === undefined ? {} : { fieldSelector: selection.fieldSelector }),
  };
  const parameters = new URLSearchParams({ ...selectors, ...query });
  return `${pathOf(selection.resource, { namespace: selection.namespace })}?${parameters.toString()}`;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
