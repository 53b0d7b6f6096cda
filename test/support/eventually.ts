/** Two ways to wait for something that happens by itself. Both fail only after longer than any test should take. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;
const LOOK_MS = 10;

/** Tries until `check` no longer throws, and resolves with what it returns. Its last error is the test's. */
export async function eventually<T>(check: () => T | Promise<T>, { ms = PATIENCE_MS } = {}): Promise<T> {
  // not `Date`: a test may have stopped that clock
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(LOOK_MS);
  }
}

type NotYet = undefined | false;

/** Looks until there is something to see, or something holds: resolves with anything but `undefined` and `false`. */
export async function until<T>(
  look: () => T | NotYet | Promise<T | NotYet>,
  { what = look.toString(), ms = PATIENCE_MS }: { readonly what?: string; readonly ms?: number } = {},
): Promise<Exclude<T, NotYet>> {
  return eventually(
    async () => {
      const found = await look();
      assert(found !== undefined && found !== false, `not so within ${ms} ms: ${what}`);
      return found as Exclude<T, NotYet>;
    },
    { ms },
  );
}
