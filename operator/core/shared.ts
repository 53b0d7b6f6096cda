/**
 * What crosses namespaces: lists that users elsewhere may name, senders that are shared, user names that are addresses.
 * Each namespace puts in what it has; the answer says what that has changed, so that whoever sees it is planned anew.
 */
import { isEqual } from './equal.ts';
import type { ListVerdict } from './lists/list-verdict.ts';
import type { NamespaceVerdicts } from './namespace.ts';
import { isOffered, isSharedWith } from './senders/sender-rules.ts';
import type { SenderVerdict } from './senders/sender-verdict.ts';
import type { Guest } from './selector.ts';
import type { UsernameClaim } from './users/usernames.ts';

export interface Shared {
  /** By `NAMESPACE/NAME`. All of them: that a list takes nobody else is something to be told, too. */
  readonly lists: Map<string, ListVerdict>;
  /** VerifiedSenders that other namespaces may use, or may have used before evidence was lost, by `NAMESPACE/NAME`. */
  readonly senders: Map<string, SenderVerdict>;
  /** By user name, and in there by user (`NAMESPACE/NAME`). */
  readonly claims: Map<string, Map<string, UsernameClaim>>;
}

export function createShared(): Shared {
  return { lists: new Map(), senders: new Map(), claims: new Map() };
}

export interface SharedChanges {
  /** Keys of lists whose users are concerned. */
  readonly lists: readonly string[];
  /** Shared senders as they were and as they are: whoever may use either is concerned. */
  readonly senders: readonly SenderVerdict[];
}

/** Replaces what a namespace shares. */
export function shareVerdicts(
  shared: Shared,
  before: NamespaceVerdicts | undefined,
  after: NamespaceVerdicts,
): SharedChanges {
  const lists = replace(shared.lists, before?.lists ?? new Map<string, ListVerdict>(), after.lists);
  const offered = onlyShared(after.senders);
  const offeredBefore = onlyShared(before?.senders ?? new Map<string, SenderVerdict>());
  const senders = replace(shared.senders, offeredBefore, offered);
  return {
    lists,
    senders: senders.flatMap((key) => [offeredBefore.get(key), offered.get(key)]).filter((one) => one !== undefined),
  };
}

/** Replaces what a user claims about its user name. Returns whether anything has changed. */
export function shareClaim(
  { claims }: Shared,
  { username, user }: { readonly username: string; readonly user: string },
  claim: UsernameClaim | undefined,
): boolean {
  const all = claims.get(username) ?? new Map<string, UsernameClaim>();
  if (isEqual(all.get(user), claim)) return false;
  if (claim === undefined) all.delete(user);
  else all.set(user, claim);
  if (all.size === 0) claims.delete(username);
  else claims.set(username, all);
  return true;
}

/** Whether one of these senders is, or was, of use to the namespace. */
export function concerns(senders: readonly SenderVerdict[], guest: Guest): boolean {
  return senders.some((sender) => isSharedWith(sender, guest));
}

function onlyShared(senders: ReadonlyMap<string, SenderVerdict>): ReadonlyMap<string, SenderVerdict> {
  return new Map([...senders].filter(([, verdict]) => isOffered(verdict)));
}

/** Returns the keys of what has changed. */
function replace<Value>(
  all: Map<string, Value>,
  before: ReadonlyMap<string, Value>,
  after: ReadonlyMap<string, Value>,
): string[] {
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => !isEqual(before.get(key), after.get(key)),
  );
  for (const key of changed) {
    const value = after.get(key);
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  }
  return changed;
}
