import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoop } from './loop.ts';
import type { Loop, LoopParts, LoopTimes } from './loop.ts';

/** A loop over a counter, which resolves `rounds(n)` when round n has acted. */
function counting(
  parts: Partial<Omit<LoopParts<number, number>, 'act'>> & { readonly act?: (plan: number) => Promise<unknown> } = {},
  times: Partial<LoopTimes> = {},
): { loop: Loop; rounds: (n: number) => Promise<void>; count: () => number; errors: unknown[] } {
  let count = 0;
  const errors: unknown[] = [];
  const waiting: { n: number; done: () => void }[] = [];
  const loop = startLoop<number, number>(
    {
      gather: async () => count,
      decide: (snapshot) => snapshot + 1,
      nextLook: () => undefined,
      onError: (error) => errors.push(error),
      ...parts,
      act: async (plan) => {
        const outcome = await parts.act?.(plan);
        count = plan;
        for (const { n, done } of waiting) if (count >= n) done();
        return outcome === 'again' ? 'again' : 'settled';
      },
    },
    { settleMs: 1, retryFirstMs: 1, ...times },
  );
  const rounds = (n: number): Promise<void> =>
    new Promise((done) => (count >= n ? done() : void waiting.push({ n, done })));
  return { loop, rounds, count: () => count, errors };
}

describe('the loop', () => {
  test('makes a round at once, and one for each trigger', async () => {
    const { loop, rounds } = counting();
    await rounds(1);
    loop.trigger();
    await rounds(2);
    await loop.close();
  });

  test('makes one more round for any number of triggers during a round', async () => {
    const gate = Promise.withResolvers<void>();
    const { loop, rounds, count } = counting({ act: () => gate.promise });
    for (let i = 0; i < 100; i++) loop.trigger();
    gate.resolve();
    await rounds(2);
    await sleep(30);
    assert.equal(count(), 2);
    await loop.close();
  });

  test('tries again after a failure without a trigger', async () => {
    let broken = true;
    const { loop, rounds, errors } = counting({
      gather: async () => {
        if (!broken) return 0;
        broken = false;
        throw new Error('disk');
      },
    });
    await rounds(1);
    assert.match(String(errors), /disk/);
    await loop.close();
  });

  test('makes the next round at once where one asks for it, and forgets no trigger over it', async () => {
    const { loop, rounds, count } = counting({
      act: async (plan) => {
        if (plan > 1) return 'settled';
        loop.trigger();
        return 'again';
      },
    });
    await rounds(3);
    await sleep(30);
    assert.equal(count(), 3);
    await loop.close();
  });

  test('looks again when the plan says so', async () => {
    const { loop, rounds } = counting({ nextLook: () => new Date() });
    await rounds(2);
    await loop.close();
  });

  test('ends after the round under way and makes no other', async () => {
    const gate = Promise.withResolvers<void>();
    const { loop, count } = counting({ act: () => gate.promise });
    loop.trigger();
    const closing = loop.close();
    gate.resolve();
    await closing;
    assert.equal(count(), 1);
  });
});
