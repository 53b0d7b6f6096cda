/** Waits; rejects when the signal aborts. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** Waits for its turn; rejects only when the signal aborts. */
export type RateLimit = (signal?: AbortSignal) => Promise<void>;

/** Token bucket: `burst` requests at once, `perSecond` in the long run, first come first served. */
export function tokenBucket(perSecond: number, burst: number, pause: Sleep): RateLimit {
  // the moment at which the bucket would be full again; each request pushes it on by the time of one token
  let fullAt = performance.now();
  return async (signal) => {
    const now = performance.now();
    fullAt = Math.max(fullAt, now) + 1000 / perSecond;
    const wait = fullAt - now - (burst * 1000) / perSecond;
    if (wait > 0) await pause(wait, signal);
  };
}
