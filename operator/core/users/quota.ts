/** The monthly quota of a user: how much of it is used up, and what people are told about it. */
import type { QuotaStatus } from '../../api/sending.ts';
import type { Judgement } from '../conditions.ts';
import type { UsageFact } from '../usage.ts';

export interface Quota {
  readonly status: QuotaStatus;
  readonly isUsed: boolean;
  /** The condition `QuotaNearlyUsed`; absent while there is enough. */
  readonly warning: Judgement | undefined;
}

const WARN_PERCENT = 80;

/**
 * Each relay keeps to the quota by what it has counted itself; this is for all of them together. What the status has said of
 * this month counts too, where a relay has lost what it knew with its disk.
 *
 * @param before what the status said last.
 */
export function judgeQuota(
  limit: number | undefined,
  fact: UsageFact['month'],
  before: QuotaStatus | undefined,
): Quota | undefined {
  const month = fact?.name ?? before?.month;
  if (limit === undefined || month === undefined) return undefined;
  const messages = Math.max(fact?.messages ?? 0, before?.month === month ? before.messages : 0);
  if (messages === 0) return undefined;
  const isUsed = messages >= limit;
  const status = { month, messages, limit };
  if (messages * 100 < limit * WARN_PERCENT) return { status, isUsed, warning: undefined };
  return { status, isUsed, warning: warningOf(status, isUsed) };
}

function warningOf({ month, limit }: QuotaStatus, isUsed: boolean): Judgement {
  const type = 'QuotaNearlyUsed';
  const mend =
    'a higher spec.limits.messagesPerMonth of the user, and of its list where that has one, takes effect at once';
  if (isUsed) {
    const message = `The quota of ${limit} messages for ${month} is used up: further ones are refused with 450 until the month ends; ${mend}.`;
    return { type, status: 'True', reason: 'QuotaUsed', message };
  }
  const message = `At least ${WARN_PERCENT} % of the quota of ${limit} messages for ${month} is used up; ${mend}.`;
  return { type, status: 'True', reason: 'QuotaNearlyUsed', message };
}
