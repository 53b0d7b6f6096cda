/**
 * The end of a user, named by `spec.expiresAt`: from then on relays refuse it by themselves; people are told a week
 * ahead.
 */
import type { UserSpec } from '../../api/user.ts';
import type { Judgement } from '../conditions.ts';
import { after, earliestAfter, formatTime, parseTime } from '../time.ts';

export interface Expiry {
  /** In UTC, whatever it was written in. */
  readonly time: string;
  readonly isOver: boolean;
  /** The condition `Expiring`, from a week before to the end. */
  readonly warning: Judgement | undefined;
  /** When that changes. */
  readonly until: Date | undefined;
}

const WARN_SECONDS = 7 * 24 * 3600;

export function judgeExpiry({ expiresAt }: Pick<UserSpec, 'expiresAt'>, now: Date): Expiry | undefined {
  const end = parseTime(expiresAt);
  if (end === undefined) return undefined;
  const [time, warnFrom, isOver] = [formatTime(end), after(end, -WARN_SECONDS), end <= now];
  const until = earliestAfter(now, [warnFrom, end]);
  if (isOver || warnFrom > now) return { time, isOver, warning: undefined, until };
  const message = `The user expires at ${time}, as spec.expiresAt says; to keep it, set a later time or remove the field.`;
  return { time, isOver, warning: { type: 'Expiring', status: 'True', reason: 'ExpiresSoon', message }, until };
}
