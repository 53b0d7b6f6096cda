/** A clock that goes on by itself, and is moved ahead. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface Clock {
  readonly now: () => Date;
  readonly pass: (ms: number) => void;
}

export function createClock(): Clock {
  let ahead = 0;
  return { now: () => new Date(Date.now() + ahead), pass: (ms) => (ahead += ms) };
}
