/** Mail that waits for an upstream and has come to the age of a notice, or to the end of its life. */
import { ageLimitsOf } from './attempt.ts';
import type { RelayConfig } from '../config.ts';
import type { Lanes } from './lanes.ts';
import type { SpoolEntry } from '../spool/entries.ts';

export interface Overdue {
  readonly overdue: readonly { readonly entry: SpoolEntry; readonly reason: string }[];
  /** Others wait for the next look. */
  readonly isMore: boolean;
}

/** Each of them is a write and perhaps a report. */
const AT_ONCE = 500;

/** Takes them out of their lanes. */
export function takeOverdue(
  lanes: Pick<Lanes, 'inTurn'>,
  { config, now }: { config: RelayConfig; now: number },
): Overdue {
  let count = 0;
  const soonest = soonestOf(config);
  const isDue = (entry: SpoolEntry) =>
    isPast(entry, soonest, now) && isPast(entry, ageLimitsOf(entry.list, config), now);
  const overdue = lanes.inTurn().flatMap(({ waiting, transport }) => {
    const reason = `${transport.label} has not been reachable`;
    return waiting.takeWhere((entry) => isDue(entry) && count++ < AT_ONCE).map((entry) => ({ entry, reason }));
  });
  return { overdue, isMore: count > AT_ONCE };
}

type AgeLimits = ReturnType<typeof ageLimitsOf>;

function isPast(entry: SpoolEntry, { maxAgeSeconds, delayNoticeAfterSeconds }: AgeLimits, now: number): boolean {
  const seconds = entry.delayNoticeSent ? maxAgeSeconds : Math.min(delayNoticeAfterSeconds, maxAgeSeconds);
  return now - entry.received >= seconds * 1000;
}

/** What no list undercuts: asked first, for most of what waits is young, and there may be a million of it. */
function soonestOf({ lists }: RelayConfig): AgeLimits {
  const all = [ageLimitsOf('', undefined), ...[...lists.values()].map(({ delivery }) => delivery)];
  return all.reduce<AgeLimits>(
    (least, one) => ({
      maxAgeSeconds: Math.min(least.maxAgeSeconds, one.maxAgeSeconds),
      delayNoticeAfterSeconds: Math.min(least.delayNoticeAfterSeconds, one.delayNoticeAfterSeconds),
    }),
    ageLimitsOf('', undefined),
  );
}
