/**
 * Counters that sessions share: connections, failed log-ins, sending rates. In memory, of one relay with all its workers. Limits are
 * those of a whole fleet: where its relays count together (counters/shared-counters.ts) their store has the word, else each relay
 * allows its share (fleet-share.ts). It counts for itself all along, so that it is ready to do without the store at any moment.
 * Settings are passed at each question, so that a changed one is in force at once. Whoever counts may be another process: hence the
 * promises.
 */
import type { SharedCounters } from '../counters/shared-counters.ts';
import { createMonths, type Months } from '../usage/months.ts';
import { type ConnectionLimits, createConnectionLimits } from './connection-limits.ts';
import { createLoginLimits, type LoginLimits } from './login-limits.ts';
import { createRateLimits, type RateLimiter } from './rate-limits.ts';

export interface SharedLimits {
  readonly connections: ConnectionLimits;
  readonly logins: LoginLimits;
  readonly rates: Pick<RateLimiter, 'spend'>;
}

interface SharedLimitsOptions {
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number;
  /** Default: of this process, and forgotten with it. */
  readonly months?: Months;
  /** Default: there are none. */
  readonly counters?: SharedCounters;
}

export function createSharedLimits({
  now = () => performance.now(),
  months = createMonths(Date.now),
  counters,
}: SharedLimitsOptions = {}) {
  return {
    connections: createConnectionLimits(counters),
    logins: createLoginLimits(now, counters),
    rates: createRateLimits(now, months, counters),
  } satisfies SharedLimits;
}
