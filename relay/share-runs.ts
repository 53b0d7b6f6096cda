import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One run at a time. Calls that come while one is under way share the run after it: it begins after whatever they did
 * before. @param intervalMs shortest time from the start of one run to the start of the next.
 */
export function shareRuns(run: () => Promise<void>, { intervalMs = 0 } = {}): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let startedAt = -Infinity;

  async function runAfter(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined);
    const pauseMs = startedAt + intervalMs - performance.now();
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false });
    next = undefined;
    startedAt = performance.now();
    running = run();
    await running;
  }

  return () => {
    next ??= runAfter(running);
    return next;
  };
}
