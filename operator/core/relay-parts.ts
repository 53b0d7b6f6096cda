/** Keeps the relays' configuration in step with the plans: which entry belongs to which class. */
import type { ListConfig, SenderRule } from '../../relay/config.ts';
import { setFact, read, takeStale, type Table, type World } from './world.ts';
import { tallies, type Tally } from './facts.ts';
import { listVerdicts } from './lists.ts';
import { BUILT_IN_LIST } from './names.ts';
import { createRelayStore, putEntry, type RelayStore } from './relay-documents.ts';
import { namespaceRules } from './sender-rules.ts';
import type { UserEntry, UserPlan } from './user-plan.ts';

export interface RelayParts {
  readonly store: RelayStore;
  readonly lists: Map<string, ListEntry>;
  readonly tallies: Map<string, Tally>;
  /** Number of a namespace's users by class: a relay is told the senders of namespaces whose users it serves. */
  readonly tenants: Map<string, Map<string, number>>;
  /** Namespaces whose tenancy has changed. */
  readonly moved: Set<string>;
}

interface ListEntry {
  readonly className: string;
  readonly config: ListConfig;
}

export function createRelayParts(): RelayParts {
  return { store: createRelayStore(), lists: new Map(), tallies: new Map(), tenants: new Map(), moved: new Set() };
}

interface UserChange {
  readonly before?: UserPlan;
  readonly after?: UserPlan;
}

export function replanUserEntries(world: World, parts: RelayParts, changes: readonly UserChange[]): void {
  const counted = new Set<string>();
  // all that goes before all that comes: a user name may pass from one object to another
  for (const { before } of changes) if (before?.entry) countEntry(parts, before.entry, -1, counted);
  for (const { before } of changes) if (before?.entry) putUser(parts, before.entry, undefined);
  for (const { after } of changes) if (after?.entry) putUser(parts, after.entry, after.entry.config);
  for (const { after } of changes) if (after?.entry) countEntry(parts, after.entry, 1, counted);
  for (const list of counted) setFact(world, tallies, list, parts.tallies.get(list));
}

function putUser(
  { store }: RelayParts,
  { className, username }: UserEntry,
  config: UserEntry['config'] | undefined,
): void {
  putEntry(store, { className, section: 'users', key: username }, config);
}

function countEntry(parts: RelayParts, entry: UserEntry, step: 1 | -1, counted: Set<string>): void {
  const { list, namespace } = entry.config;
  const { total, active } = parts.tallies.get(list) ?? { total: 0, active: 0 };
  parts.tallies.set(list, { total: total + step, active: active + (entry.isActive ? step : 0) });
  counted.add(list);
  const byClass = parts.tenants.get(namespace) ?? new Map<string, number>();
  parts.tenants.set(namespace, byClass.set(entry.className, (byClass.get(entry.className) ?? 0) + step));
  parts.moved.add(namespace);
}

const listEntries: Table<ListEntry | undefined> = {
  name: 'list entry',
  formula: (world, key) => {
    const terms = read(world, listVerdicts, key)?.terms;
    return terms && { className: terms.className, config: terms.config };
  },
  isResult: true,
};

export function replanLists(world: World, { store, lists }: RelayParts, named: ReadonlySet<string>): void {
  for (const key of new Set([BUILT_IN_LIST, ...named, ...takeStale(world, listEntries)])) {
    const before = lists.get(key);
    const after = read(world, listEntries, key);
    if (before === after) continue;
    if (before) putEntry(store, { className: before.className, section: 'lists', key }, undefined);
    if (after) putEntry(store, { className: after.className, section: 'lists', key }, after.config);
    if (after) lists.set(key, after);
    else lists.delete(key);
  }
}

const namespaceEntries: Table<readonly SenderRule[]> = {
  name: 'namespace entry',
  formula: (world, namespace) => read(world, namespaceRules, namespace).rules,
  isResult: true,
};

export function replanNamespaces(world: World, { store, tenants, moved }: RelayParts): void {
  for (const namespace of new Set([...moved, ...takeStale(world, namespaceEntries)])) {
    for (const [className, users] of tenants.get(namespace) ?? []) {
      const rules = users > 0 ? read(world, namespaceEntries, namespace) : undefined;
      putEntry(store, { className, section: 'namespaces', key: namespace }, rules);
    }
  }
  moved.clear();
}
