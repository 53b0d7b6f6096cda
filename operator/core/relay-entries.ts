/**
 * Keeps the relays' configuration in step with the verdicts: which entry belongs to which class, and who counts for
 * which list.
 */
import type { DkimSigner, ListConfig, SenderRule } from '../../relay/config/config.ts';
import { isEqual } from './equal.ts';
import type { UserCounts } from './lists/lists.ts';
import type { AcceptedPasswords } from './model.ts';
import { createRelayStore, entryOf, putEntry, type RelayStore } from './relay-config.ts';
import type { UnusableEntry } from './users/unusable.ts';
import type { UserEntry } from './users/user-plan.ts';

export interface RelayEntries {
  readonly store: RelayStore;
  /** Class of each list that relays know, by key. */
  readonly lists: Map<string, string>;
  /** By key of the user. */
  readonly users: Map<string, UserParts>;
  /** By key of the list. */
  readonly tallies: Map<string, UserCounts>;
  /** Number of a namespace's users by class: a relay is told the senders of namespaces whose users it serves. */
  readonly tenants: Map<string, Map<string, number>>;
  /** What mail of a VerifiedSender is signed with, by its key. */
  readonly signers: Map<string, DkimSigner>;
  /** By class and VerifiedSender, the namespaces whose users may send as it: a relay is told the keys of those alone. */
  readonly signees: Map<string, Map<string, Set<string>>>;
}

/** A user is served by a relay, or known as one that cannot be served at present, or neither. */
export interface UserParts {
  /** UID of the object that they are about. */
  readonly uid: string;
  readonly entry?: UserEntry | undefined;
  readonly unusable?: UnusableEntry | undefined;
}

export function createRelayEntries(): RelayEntries {
  return {
    store: createRelayStore(),
    lists: new Map(),
    users: new Map(),
    tallies: new Map(),
    tenants: new Map(),
    signers: new Map(),
    signees: new Map(),
  };
}

export function setListEntry(
  { store, lists }: RelayEntries,
  key: string,
  list: { readonly className: string; readonly config: ListConfig } | undefined,
): void {
  const before = lists.get(key);
  if (before !== undefined && before !== list?.className) {
    putEntry(store, { className: before, section: 'lists', key }, undefined);
  }
  if (list === undefined) {
    lists.delete(key);
    return;
  }
  lists.set(key, list.className);
  putEntry(store, { className: list.className, section: 'lists', key }, list.config);
}

type Parts = Omit<UserParts, 'uid'>;

const NO_PARTS: Parts = {};

/** Returns the keys of the lists whose count has changed. */
export function setUserParts(entries: RelayEntries, key: string, parts: UserParts | undefined): readonly string[] {
  const before = entries.users.get(key) ?? NO_PARTS;
  const after = parts ?? NO_PARTS;
  if (parts === undefined || (parts.entry === undefined && parts.unusable === undefined)) entries.users.delete(key);
  else entries.users.set(key, parts);
  removeParts(entries, key, before, after);
  putParts(entries, after);
  const [from, to] = [before.entry, after.entry];
  if (isEqual(from && placeOf(from), to && placeOf(to))) return [];
  return [...(from === undefined ? [] : count(entries, from, -1)), ...(to === undefined ? [] : count(entries, to, 1))];
}

/** What the relays are told to accept of a user. */
export function acceptedPasswords({ users }: RelayEntries, key: string): AcceptedPasswords | undefined {
  const parts = users.get(key);
  if (parts === undefined) return undefined;
  const { credentials } = parts.entry?.config ?? parts.unusable?.config ?? { credentials: [] };
  return { uid: parts.uid, credentials };
}

/** The senders of a namespace, for the relays of each class that serves one of its users. */
export function setNamespaceEntry(entries: RelayEntries, namespace: string, rules: readonly SenderRule[]): void {
  for (const [className, users] of entries.tenants.get(namespace) ?? []) {
    const place = { className, section: 'namespaces', key: namespace } as const;
    const [before, after] = [entryOf(entries.store, place), users > 0 ? rules : undefined];
    if (before === after) continue;
    putEntry(entries.store, place, after);
    setSignees(entries, { className, namespace }, [objectsOf(before), objectsOf(after)]);
  }
}

function objectsOf(rules: readonly SenderRule[] = []): ReadonlySet<string> {
  return new Set(rules.map(({ object }) => object));
}

/** A namespace of a class may use other senders than before. */
function setSignees(
  entries: RelayEntries,
  { className, namespace }: { readonly className: string; readonly namespace: string },
  [before, after]: readonly [ReadonlySet<string>, ReadonlySet<string>],
): void {
  const bySender = entries.signees.get(className) ?? new Map<string, Set<string>>();
  entries.signees.set(className, bySender);
  for (const sender of after) bySender.set(sender, (bySender.get(sender) ?? new Set()).add(namespace));
  for (const sender of before) {
    if (after.has(sender)) continue;
    bySender.get(sender)?.delete(namespace);
    if (bySender.get(sender)?.size === 0) bySender.delete(sender);
  }
  for (const sender of new Set([...before, ...after])) putSigner(entries, className, sender);
}

/** What mail of a VerifiedSender is signed with from now on. */
export function setSigner(entries: RelayEntries, sender: string, signer: DkimSigner | undefined): void {
  if (signer === undefined) entries.signers.delete(sender);
  else entries.signers.set(sender, signer);
  for (const className of entries.signees.keys()) putSigner(entries, className, sender);
}

function putSigner({ store, signers, signees }: RelayEntries, className: string, sender: string): void {
  const isUsed = signees.get(className)?.has(sender) === true;
  putEntry(store, { className, section: 'dkim', key: sender }, isUsed ? signers.get(sender) : undefined);
}

function placeOf({ className, isActive, config: { list, namespace } }: UserEntry): readonly unknown[] {
  return [className, isActive, list, namespace];
}

function putParts({ store }: RelayEntries, { entry, unusable }: Parts): void {
  if (entry !== undefined) {
    putEntry(store, { className: entry.className, section: 'users', key: entry.username }, entry.config);
  }
  for (const className of unusable?.classNames ?? []) {
    putEntry(store, { className, section: 'unusable', key: unusable?.username ?? '' }, unusable?.config);
  }
}

/** A user name may have passed to another object already: only an entry of this one goes. */
function removeParts({ store }: RelayEntries, object: string, before: Parts, after: Parts): void {
  const { entry, unusable } = before;
  const staysAt = [after.entry?.className, after.entry?.username].join(' ');
  if (entry !== undefined && [entry.className, entry.username].join(' ') !== staysAt) {
    const place = { className: entry.className, section: 'users', key: entry.username } as const;
    if (entryOf(store, place)?.object === object) putEntry(store, place, undefined);
  }
  for (const className of unusable?.classNames ?? []) {
    const place = { className, section: 'unusable', key: unusable?.username ?? '' } as const;
    const stays = after.unusable?.username === place.key && after.unusable.classNames.includes(className);
    if (!stays && entryOf(store, place)?.object === object) putEntry(store, place, undefined);
  }
}

function count({ tallies, tenants }: RelayEntries, { className, isActive, config }: UserEntry, step: 1 | -1): string[] {
  const { list, namespace } = config;
  const { total, active } = tallies.get(list) ?? { total: 0, active: 0 };
  tallies.set(list, { total: total + step, active: active + (isActive ? step : 0) });
  const byClass = tenants.get(namespace) ?? new Map<string, number>();
  tenants.set(namespace, byClass.set(className, (byClass.get(className) ?? 0) + step));
  return [list];
}
