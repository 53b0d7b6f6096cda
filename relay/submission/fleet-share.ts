/**
 * What a user may do holds for all relays of a class together. Where each relay counts for itself, it allows its share. Rounded up,
 * so that even a limit of 1 lets something through at whichever relay a client reaches; N relays together may so allow up to
 * N - 1 more than the limit says.
 */
export function limitPerRelay(limit: number, relays: number): number {
  return Math.ceil(limit / relays);
}

/** Whoever mistypes a password once or twice is not to be locked out, however many relays there are. */
const FAILURES_LEAST = 3;

/** Failed log-ins that lead to a lock-out at one of so many relays. */
export function failuresAt(limit: number, relays: number): number {
  return Math.max(limitPerRelay(limit, relays), Math.min(limit, FAILURES_LEAST));
}

/**
 * Where relays count together, one may allow a whole limit, and twice within the time of one window, at the end of one and the
 * beginning of the next. Past that, no honest store can have said yes: one that forgets, or lies, lets through no more.
 */
export const HONEST_FACTOR = 2;

/** 100,000 keys of some 100 octets: 10 MB at worst, and more sources than any honest lock-out needs. */
export const KEYS_MAX = 100_000;
