/**
 * Which objects of a namespace are served, where it has more of a kind than the platform owner allows. The oldest have a
 * place, and whoever has been given one keeps it: neither a newcomer that looks older (as objects do that are brought back
 * from a backup) nor a bound that was lowered stops what runs. That an object has a place is read from its own status,
 * which the operator alone writes; where statuses are lost, age decides anew.
 */
import { asRecord } from '../api/plain-data.ts';
import type { NamespaceLimits } from '../settings/settings.ts';
import type { Judgement } from './conditions.ts';
import { keyOf, type Kind, type RawObject } from './model.ts';
import type { ConditionReason } from './reasons.ts';
import { byAge } from './time.ts';

/** Those of one kind in one namespace who have to wait for a place. */
export interface Overflow {
  /** By `NAMESPACE/NAME`. */
  readonly waiting: ReadonlySet<string>;
  /** What is to be said of each. */
  readonly judgement: Judgement;
}

interface LimitOfKind {
  readonly setting: 'users' | 'lists' | 'senders';
  readonly condition: 'Accepted' | 'Verified';
  readonly reason: ConditionReason;
}

const LIMITS: Readonly<Record<Kind, LimitOfKind>> = {
  SmtpPlusUser: { setting: 'users', condition: 'Accepted', reason: 'TooManyUsers' },
  SmtpPlusList: { setting: 'lists', condition: 'Accepted', reason: 'TooManyLists' },
  VerifiedSender: { setting: 'senders', condition: 'Verified', reason: 'TooManySenders' },
};

/** Where more than this many wait, the number is not told: each newcomer would change the statuses of all of them. */
const COUNTED_MAX = 10;

/** How many objects of a kind a namespace may have served. Absent limits: any number. */
export function namespaceLimit(limits: NamespaceLimits | undefined, kind: Kind, namespace: string): number {
  if (limits === undefined) return Infinity;
  const { setting } = LIMITS[kind];
  return limits.namespaces[namespace]?.[setting] ?? limits[setting];
}

/**
 * Who has to wait for a place; undefined: nobody.
 *
 * @param objects all of one kind in one namespace, those aside that are being deleted
 */
export function overflowAmong(
  objects: readonly RawObject[],
  { namespaceLimits }: { readonly namespaceLimits?: NamespaceLimits },
): Overflow | undefined {
  const [first] = objects;
  if (first === undefined) return undefined;
  const { kind, meta } = first;
  const places = namespaceLimit(namespaceLimits, kind, meta.namespace);
  if (objects.length <= places) return undefined;
  const newcomers = objects.filter((object) => !wasServed(object)).map((object) => object.meta);
  const free = Math.max(0, places - (objects.length - newcomers.length));
  const waiting = new Set(newcomers.sort(byAge).slice(free).map(keyOf));
  if (waiting.size === 0) return undefined;
  const total = waiting.size > COUNTED_MAX ? `more than ${places + COUNTED_MAX}` : String(objects.length);
  const { condition: type, setting, reason } = LIMITS[kind];
  const message = `Namespace ${meta.namespace} has ${total} objects of kind ${kind}, and ${places} are served: the oldest, and this one is not among them. Delete some that nobody needs, or ask the platform owner to raise namespaceLimits (${setting}) in the settings.`;
  return { waiting, judgement: { type, status: 'False', reason, message } };
}

/** What is to be said of an object that has to wait; undefined where it need not. */
export function whyWaiting(overflow: Overflow | undefined, { meta }: Pick<RawObject, 'meta'>): Judgement | undefined {
  return overflow?.waiting.has(keyOf(meta)) === true ? overflow.judgement : undefined;
}

/** Whether an object was served before, or would have been if nothing else had been wrong with it. */
export function wasServed({ kind, status }: Pick<RawObject, 'kind' | 'status'>): boolean {
  const { condition, reason } = LIMITS[kind];
  const conditions = asRecord(status)['conditions'];
  if (!Array.isArray(conditions)) return false;
  const known = (conditions as unknown[]).map(asRecord).find(({ type }) => type === condition);
  return known !== undefined && known['reason'] !== reason;
}
