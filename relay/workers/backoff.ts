/** How long to wait before a worker that ended is replaced: one that keeps ending is tried ever more rarely. */
const FIRST_MS = 100;
const MOST_MS = 30_000;
/** A worker that lived this long can live: its next end counts as its first. */
const STEADY_MS = 30_000;

export interface Backoff {
  /** A new one starts. */
  readonly started: () => void;
  /** It has ended: the time until the next one, in milliseconds. */
  readonly ended: () => number;
}

export function createBackoff(now: () => number = () => performance.now()): Backoff {
  let startedAt = 0;
  let inARow = 0;
  return {
    started: () => {
      startedAt = now();
    },
    ended: () => {
      inARow = now() - startedAt >= STEADY_MS ? 1 : inARow + 1;
      return Math.min(MOST_MS, FIRST_MS * 2 ** (inARow - 1));
    },
  };
}
