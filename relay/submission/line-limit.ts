/**
 * Limits the lines of the log that anybody who can reach a port can cause: so many a minute per source, and so many in
 * all. When the minute is over, one line says how many were left out; the metrics count them all.
 */
import { sourceKey } from './client-address.ts';
import type { Log } from '../observe/log.ts';
import { createWindowCounter } from './window-counter.ts';

/** A person who tries things out writes fewer, one who reads a log needs no more. */
const PER_SOURCE = 60;
/** Ten a second, some 200 MB a day: less than any collector of logs is troubled by. */
const IN_ALL = 600;
const MINUTE_MS = 60_000;
/** Past `IN_ALL` sources in a minute nothing is logged anyhow. */
const SOURCES_MAX = 1000;
const ALL = '*';

export interface LineLimit {
  /** Whether a line about the client at this address may be written; counts it. */
  allows(address: string): boolean;
  /** To be called now and then: tells what was left out once its minute is over. */
  tell(): void;
}

/** `now`: milliseconds of a clock that is never set back. */
export function createLineLimit({ log, now }: { log: Log; now: () => number }): LineLimit {
  const lines = createWindowCounter({ maxKeys: SOURCES_MAX, now });
  let leftOut = 0;
  let firstLeftOut = 0;

  function allows(address: string): boolean {
    const source = sourceKey(address);
    const isOver = lines.used(source, MINUTE_MS) >= PER_SOURCE || lines.used(ALL, MINUTE_MS) >= IN_ALL;
    if (!isOver) {
      lines.add(source, MINUTE_MS);
      lines.add(ALL, MINUTE_MS);
      return true;
    }
    if (leftOut === 0) firstLeftOut = now();
    leftOut++;
    return false;
  }

  function tell(): void {
    if (leftOut === 0 || now() - firstLeftOut < MINUTE_MS) return;
    log.warn(
      { event: 'connections', leftOut },
      'too many lines about clients without a log-in: the rest is only counted',
    );
    leftOut = 0;
  }

  return { allows, tell };
}
