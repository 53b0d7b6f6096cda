/** Keeps a line about a user to one an hour: it is worth a look, and would fill the log if it were written at each log-in. */
import { createWindowCounter } from './window-counter.ts';

export interface OncePerHour {
  /** Whether it is the user's first time in an hour; counts it. */
  isFirst(user: string): boolean;
}

const HOUR_MS = 3_600_000;
/** Beyond so many users, those whose line is oldest may get another one early. */
const USERS_MAX = 10_000;

/** `now`: milliseconds of a clock that is never set back. */
export function createOncePerHour({ now }: { now: () => number }): OncePerHour {
  const times = createWindowCounter({ maxKeys: USERS_MAX, now });
  return { isFirst: (user) => times.add(user, HOUR_MS).count === 1 };
}
