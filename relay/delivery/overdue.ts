/** Waiting mail that has reached the age for a delay notice, or the end of its life. */
import { type AgeLimits, LIMITS_OF_GONE_LISTS } from './age-limits.ts';
import type { RelayConfig } from '../config/config.ts';
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
  { config, limitsOf, now }: { config: RelayConfig; limitsOf: (entry: SpoolEntry) => AgeLimits; now: number },
): Overdue {
  let count = 0;
  const { lists } = config;
  const soonest = soonestOf(config);
  const overdue = lanes.inTurn().flatMap(({ waiting, transport }) => {
    // where a list is gone, the end may come sooner than any list says
    const hasGone = [...waiting.lists()].some((list) => !lists.has(list));
    const isDue = (entry: SpoolEntry) =>
      (hasGone || isPast(entry, soonest, now)) && isPast(entry, limitsOf(entry), now);
    return waiting
      .takeWhere((entry) => isDue(entry) && count++ < AT_ONCE)
      .map((entry) => {
        const isOfGone = !lists.has(entry.list);
        return {
          entry,
          reason: isOfGone ? `list ${entry.list} is gone` : `${transport.label} has not been reachable`,
        };
      });
  });
  return { overdue, isMore: count > AT_ONCE };
}

function isPast(entry: SpoolEntry, { maxAgeSeconds, delayNoticeAfterSeconds }: AgeLimits, now: number): boolean {
  const seconds = entry.delayNoticeSent ? maxAgeSeconds : Math.min(delayNoticeAfterSeconds, maxAgeSeconds);
  return now - entry.received >= seconds * 1000;
}

/** What no list undercuts: asked first, for most of what waits is young, and there may be a million of it. */
function soonestOf({ lists }: RelayConfig): AgeLimits {
  return [...lists.values()].reduce<AgeLimits>(
    (least, { delivery }) => ({
      maxAgeSeconds: Math.min(least.maxAgeSeconds, delivery.maxAgeSeconds),
      delayNoticeAfterSeconds: Math.min(least.delayNoticeAfterSeconds, delivery.delayNoticeAfterSeconds),
    }),
    LIMITS_OF_GONE_LISTS,
  );
}
