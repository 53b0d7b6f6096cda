import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until the assertion holds; after the time-out its last error is the test's. */
export async function eventually<T>(check: () => T | Promise<T>, timeoutMs = 60_000): Promise<T> {
  // not `Date`: a test may have stopped that clock
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(25);
  }
}

/** As `eventually`, for a condition without more to say. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, timeoutMs = 60_000): Promise<void> {
  await eventually(async () => assert.ok(await holds(), what), timeoutMs);
}
