/** The relays' configuration, put together from what each object comes to, in a fixed number of shards per class. */
import {
  SHARD_COUNT,
  shardOf,
  type ClassDocument,
  type DkimSigner,
  type ListConfig,
  type SenderRule,
  type ShardDocument,
  type UnusableUser,
  type UserConfig,
} from '../../relay/config/config.ts';
import { isEqual } from './equal.ts';
import type { ClassView } from './model.ts';
import { compareText } from './time.ts';

interface Sections {
  readonly lists: Map<string, ListConfig>;
  readonly users: Map<string, UserConfig>;
  readonly unusable: Map<string, UnusableUser>;
  readonly namespaces: Map<string, readonly SenderRule[]>;
  readonly dkim: Map<string, DkimSigner>;
}

/** Entries by class and shard, and which shards have changed since they were last taken. */
export interface RelayStore {
  readonly classes: Map<string, readonly Sections[]>;
  readonly changed: Map<string, Map<number, Change>>;
}

interface Change {
  readonly entries: Set<string>;
  takesAway: boolean;
}

export interface ChangedShard {
  readonly className: string;
  readonly shard: number;
  /** Keys of the entries that have changed. */
  readonly entries: ReadonlySet<string>;
  /** Whether something is taken away from somebody: that is to be in force soonest. */
  readonly takesAway: boolean;
}

export function createRelayStore(): RelayStore {
  return { classes: new Map(), changed: new Map() };
}

type Value<Section extends keyof Sections> = Sections[Section] extends Map<string, infer V> ? V : never;

/** Where an entry belongs. */
export interface EntryPlace<Section extends keyof Sections> {
  readonly className: string;
  readonly section: Section;
  readonly key: string;
}

/** Puts an entry in place of the one with its key, or takes that away (`undefined`). */
export function putEntry<Section extends keyof Sections>(
  store: RelayStore,
  { className, section, key }: EntryPlace<Section>,
  value: Value<Section> | undefined,
): void {
  const number = shardOf(key);
  const shard = shardsOf(store, className)[number];
  // TypeScript does not see that a section's map holds that section's values
  const entries = shard?.[section] as Map<string, Value<Section>> | undefined;
  const before = entries?.get(key);
  if (entries === undefined || isEqual(before, value)) return;
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
  const changes = store.changed.get(className) ?? new Map<number, Change>();
  store.changed.set(className, changes);
  const change = changes.get(number) ?? { entries: new Set<string>(), takesAway: false };
  changes.set(number, change);
  change.entries.add(key);
  if (before !== undefined && !onlyAdds(before, value)) change.takesAway = true;
}

/** Whether a user has got credentials and nothing else has changed, as with most changes of a first start. */
function onlyAdds(before: unknown, after: unknown): boolean {
  const [old, current] = [before, after] as readonly (Partial<UserConfig> | undefined)[];
  if (old?.credentials === undefined || current?.credentials === undefined) return false;
  const { credentials } = current;
  const keepsAll = old.credentials.every((one) => credentials.some((other) => isEqual(one, other)));
  return keepsAll && isEqual({ ...old, credentials }, current);
}

/** What stands at a place now. */
export function entryOf<Section extends keyof Sections>(
  store: RelayStore,
  { className, section, key }: EntryPlace<Section>,
): Value<Section> | undefined {
  const shard = shardsOf(store, className)[shardOf(key)];
  return (shard?.[section] as Map<string, Value<Section>> | undefined)?.get(key);
}

/** Whether an entry has changed since `takeChangedShards`: whoever is to bring it to relays does not know of it yet. */
export function isChanged({ changed }: RelayStore, className: string, entry: string): boolean {
  return changed.get(className)?.get(shardOf(entry))?.entries.has(entry) === true;
}

/** The shards that have changed since the last call. */
export function takeChangedShards(store: RelayStore): ChangedShard[] {
  const taken = [...store.changed].flatMap(([className, changes]) =>
    [...changes]
      .sort(([a], [b]) => a - b)
      .map(([shard, { entries, takesAway }]) => ({ className, shard, entries, takesAway })),
  );
  store.changed.clear();
  return taken;
}

/** All shards of a class, in their order. */
export function allShards(store: RelayStore, className: string): ShardDocument[] {
  return shardsOf(store, className).map((_, shard) => shardDocument(store, className, shard));
}

/** @param relays how many serve the class at present. */
export function classDocument(
  name: string,
  { settings, logKey, pageTokenHash, sharedCounters }: ClassView,
  relays = 1,
): ClassDocument {
  const { hostname, starttls, localPartCase, smtputf8, session, delivery, log, metrics, tracing } = settings;
  const { addresses } = log;
  return {
    version: 1,
    name,
    shards: SHARD_COUNT,
    hostname,
    starttls,
    localPartCase,
    smtputf8,
    session,
    delivery,
    relays,
    metrics,
    ...(tracing === undefined ? {} : { tracing }),
    ...(sharedCounters === undefined ? {} : { sharedCounters }),
    log: logKey === undefined ? { addresses } : { addresses, key: logKey },
    pages: pageTokenHash === undefined ? {} : { tokenHash: pageTokenHash },
  };
}

function shardsOf(store: RelayStore, className: string): readonly Sections[] {
  const known = store.classes.get(className);
  if (known !== undefined) return known;
  const shards = Array.from({ length: SHARD_COUNT }, () => ({
    lists: new Map<string, ListConfig>(),
    users: new Map<string, UserConfig>(),
    unusable: new Map<string, UnusableUser>(),
    namespaces: new Map<string, readonly SenderRule[]>(),
    dkim: new Map<string, DkimSigner>(),
  }));
  store.classes.set(className, shards);
  return shards;
}

export function shardDocument(store: RelayStore, className: string, shard: number): ShardDocument {
  const sections = shardsOf(store, className)[shard];
  return {
    version: 1,
    lists: sorted(sections?.lists),
    users: sorted(sections?.users),
    unusable: sorted(sections?.unusable),
    namespaces: Object.fromEntries(
      Object.entries(sorted(sections?.namespaces)).map(([name, rules]) => [name, [...rules]]),
    ),
    dkim: sorted(sections?.dkim),
  };
}

/** In a fixed order: the same entries must make the same bytes, or every restart would write all shards. */
function sorted<V>(entries: ReadonlyMap<string, V> = new Map<string, V>()): Record<string, V> {
  return Object.fromEntries([...entries].sort(([a], [b]) => compareText(a, b)));
}
