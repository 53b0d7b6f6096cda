/** The last event about a list that was deleted: whom that cuts off, and who has another list from now on. */
import { event } from '../events.ts';
import { keyOf, type ObjectMeta, type PlannedEvent } from '../model.ts';
import { named } from '../named.ts';
import { BUILT_IN_LIST } from '../names.ts';

export interface Farewell {
  readonly meta: ObjectMeta;
  /** Active users (`NAMESPACE/NAME`) who name it, and those of its namespace who name none. */
  readonly naming: readonly string[];
  readonly byDefault: readonly string[];
  /** The list that takes the latter now; undefined where none does. */
  readonly successor: string | undefined;
}

/** Names of users in it are as long as an Event has room for. */
const NAMED_MAX = 10;

/** Undefined where nobody notices. */
export function farewellOf({ meta, naming, byDefault, successor }: Farewell): PlannedEvent | undefined {
  const cutOff = [...naming, ...(successor === undefined ? byDefault : [])].sort();
  const moved = successor === undefined ? [] : [...byDefault].sort();
  const sentences = [
    cutOff.length > 0 &&
      `Deleted while ${users(cutOff)} could send through it. They are refused with 454 until there is a list ${keyOf(meta)} again, or their spec.listRef names another one.`,
    moved.length > 0 && `${users(moved)} without spec.listRef ${belong(moved)} to ${nameOf(successor)} from now on.`,
  ].filter((sentence) => sentence !== false);
  if (sentences.length === 0) return undefined;
  const reason = cutOff.length > 0 ? 'UsersCutOff' : 'UsersMoved';
  return event({ kind: 'SmtpPlusList', meta }, 'Warning', { reason, message: sentences.join(' ') });
}

function users(keys: readonly string[]): string {
  return `${keys.length} ${keys.length === 1 ? 'user' : 'users'} (${named(keys, NAMED_MAX)})`;
}

function belong(keys: readonly string[]): string {
  return keys.length === 1 ? 'belongs' : 'belong';
}

function nameOf(list: string | undefined): string {
  return list === BUILT_IN_LIST ? 'the built-in default list' : `SmtpPlusList ${list}`;
}
