/** Mail that waits for an upstream and has come to the age of a notice, or to the end of its life. */
import { ageLimitsOf } from './attempt.ts';
import type { RelayConfig } from '../config.ts';
import type { Lanes } from './lanes.ts';
import type { SpoolEntry } from '../spool/entries.ts';

export interface Aged {
  readonly aged: readonly { readonly entry: SpoolEntry; readonly reason: string }[];
  /** Others wait for the next look. */
  readonly isMore: boolean;
}

/** Each of them is a write and perhaps a report. */
const AT_ONCE = 500;

/** Takes them out of their lanes. */
export function takeAged(lanes: Lanes, { config, now }: { config: RelayConfig; now: number }): Aged {
  let count = 0;
  const aged = lanes.inTurn().flatMap(({ waiting, transport }) => {
    const reason = `${transport.label} has not been reachable`;
    return waiting
      .take((entry) => isAged(entry, { config, now }) && count++ < AT_ONCE)
      .map((entry) => ({ entry, reason }));
  });
  return { aged, isMore: count > AT_ONCE };
}

function isAged(entry: SpoolEntry, { config, now }: { config: RelayConfig; now: number }): boolean {
  const { maxAgeSeconds, delayNoticeAfterSeconds } = ageLimitsOf(entry.list, config);
  const seconds = entry.delayNoticeSent ? maxAgeSeconds : Math.min(delayNoticeAfterSeconds, maxAgeSeconds);
  return now - entry.received >= seconds * 1000;
}
