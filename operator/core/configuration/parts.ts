/** Keeps the relays' configuration in step with the plans: which entry belongs to which class. */
import type { ListConfig, SenderRule, UnusableUser } from '../../../relay/config.ts';
import { isEqual } from '../equal.ts';
import { tallies, type Tally } from '../facts.ts';
import { listVerdicts } from '../lists/lists.ts';
import type { Plans } from '../model.ts';
import { BUILT_IN_LIST } from '../names.ts';
import { createRelayStore, putEntry, type RelayStore } from './documents.ts';
import { namespaceRules } from '../senders/sender-rules.ts';
import type { UnusableEntry } from '../users/unusable.ts';
import type { UserEntry, UserPlan } from '../users/user-plan.ts';
import { conclude, read, setFact, takeStale, type Result, type World } from '../world.ts';

export interface RelayParts {
  readonly store: RelayStore;
  readonly lists: Map<string, ListEntry>;
  /** By key of the object. */
  readonly users: Map<string, UserEntry>;
  /** By key of the object. */
  readonly unusable: Map<string, UnusableEntry>;
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
  return {
    store: createRelayStore(),
    lists: new Map(),
    users: new Map(),
    unusable: new Map(),
    tallies: new Map(),
    tenants: new Map(),
    moved: new Set(),
  };
}

export function replanUserEntries(world: World, parts: RelayParts, plans: Plans<UserPlan>): void {
  replanUnusable(parts, plans);
  const changes = [...plans]
    .map(([key, plan]) => ({ key, before: parts.users.get(key), after: plan?.entry }))
    .filter(({ before, after }) => !isEqual(before, after));
  const counted = new Set<string>();
  for (const { key, after } of changes.filter(staysInPlace)) putUser(parts, key, after);
  const moves = changes.filter((change) => !staysInPlace(change));
  // all that goes before all that comes: a user name may pass from one object to another
  for (const { key, before } of moves) {
    if (before === undefined) continue;
    removeUser(parts, key, before);
    countEntry(parts, before, -1, counted);
  }
  for (const { key, after } of moves) {
    if (after === undefined) continue;
    putUser(parts, key, after);
    countEntry(parts, after, 1, counted);
  }
  for (const list of counted) setFact(world, tallies, list, parts.tallies.get(list));
}

function replanUnusable(parts: RelayParts, plans: Plans<UserPlan>): void {
  const changes = [...plans]
    .map(([key, plan]) => ({ key, before: parts.unusable.get(key), after: plan?.unusable }))
    .filter(({ before, after }) => !isEqual(before, after));
  // all that goes before all that comes, here too
  for (const { key, before } of changes) {
    parts.unusable.delete(key);
    if (before !== undefined) putUnusable(parts, before, undefined);
  }
  for (const { key, after } of changes) {
    if (after === undefined) continue;
    parts.unusable.set(key, after);
    putUnusable(parts, after, after.config);
  }
}

function putUnusable(
  { store }: RelayParts,
  { classNames, username }: UnusableEntry,
  config: UnusableUser | undefined,
): void {
  for (const className of classNames) putEntry(store, { className, section: 'unusable', key: username }, config);
}

interface Change {
  readonly key: string;
  readonly before: UserEntry | undefined;
  readonly after: UserEntry | undefined;
}

/** Most changes are about the user alone, and concern neither the count of its list nor its namespace: that is cheaper. */
function staysInPlace(change: Change): change is Change & { readonly after: UserEntry } {
  const { before, after } = change;
  return before !== undefined && after !== undefined && isEqual(placeOf(before), placeOf(after));
}

function placeOf({ className, username, isActive, config: { list, namespace } }: UserEntry): readonly unknown[] {
  return [className, username, isActive, list, namespace];
}

function putUser({ store, users }: RelayParts, key: string, entry: UserEntry): void {
  users.set(key, entry);
  putEntry(store, { className: entry.className, section: 'users', key: entry.username }, entry.config);
}

function removeUser({ store, users }: RelayParts, key: string, { className, username }: UserEntry): void {
  users.delete(key);
  putEntry(store, { className, section: 'users', key: username }, undefined);
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

const listEntries: Result<ListEntry | undefined> = {
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
    const after = conclude(world, listEntries, key);
    if (isEqual(before, after)) continue;
    if (before) putEntry(store, { className: before.className, section: 'lists', key }, undefined);
    if (after) putEntry(store, { className: after.className, section: 'lists', key }, after.config);
    if (after) lists.set(key, after);
    else lists.delete(key);
  }
}

const namespaceEntries: Result<readonly SenderRule[]> = {
  name: 'namespace entry',
  formula: (world, namespace) => read(world, namespaceRules, namespace).rules,
  isResult: true,
};

export function replanNamespaces(world: World, { store, tenants, moved }: RelayParts): void {
  for (const namespace of new Set([...moved, ...takeStale(world, namespaceEntries)])) {
    for (const [className, users] of tenants.get(namespace) ?? []) {
      const rules = users > 0 ? conclude(world, namespaceEntries, namespace) : undefined;
      putEntry(store, { className, section: 'namespaces', key: namespace }, rules);
    }
  }
  moved.clear();
}
