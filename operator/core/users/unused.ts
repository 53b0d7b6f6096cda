/** Whether somebody still needs a credential: one that nobody uses would be missed by nobody but a thief. */
import { previousConditions, type Judgement, type Subject } from '../conditions.ts';
import { after, parseTime } from '../time.ts';
import type { UsageFact } from '../usage.ts';

const DAYS = 90;
const TYPE = 'Unused';

export interface Unused {
  /** The condition `Unused`; absent until relays have told what they count. */
  readonly judgement: Judgement | undefined;
  /** When it becomes so, if nobody uses it. */
  readonly until: Date | undefined;
}

const UNKNOWN: Unused = { judgement: undefined, until: undefined };

/**
 * The time is counted from the last use, or from when the status first said that it is counted: users of an installation that
 * did not count before are not unused at once.
 */
export function judgeUnused(subject: Subject, isCounted: boolean, { lastUsedTime }: UsageFact, now: Date): Unused {
  const before = previousConditions(subject).get(TYPE);
  if (before === undefined && !isCounted) return UNKNOWN;
  const lastUsed = parseTime(lastUsedTime);
  const begun =
    before === undefined ? now : before.status === 'False' ? parseTime(before.lastTransitionTime) : undefined;
  const since = latest(lastUsed, begun);
  const end = since && after(since, DAYS * 24 * 3600);
  if (end !== undefined && end > now) return { judgement: USED, until: end };
  const last = lastUsedTime === undefined ? '' : `, the last time at ${lastUsedTime}`;
  const message = `Nobody has logged in with it or sent anything for ${DAYS} days${last}; delete it if no application needs it any more.`;
  return { judgement: { type: TYPE, status: 'True', reason: 'Unused', message }, until: undefined };
}

const USED: Judgement = {
  type: TYPE,
  status: 'False',
  reason: 'Counted',
  message: `Used within the last ${DAYS} days, or not watched for that long yet; see status.lastUsedTime.`,
};

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
