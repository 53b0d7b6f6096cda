import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shareRuns } from './share-runs.ts';

describe('shared runs', () => {
  test('never overlap, and all calls made during one share the one after it', async () => {
    const ends: (() => void)[] = [];
    const run = shareRuns(() => new Promise<void>((resolve) => void ends.push(resolve)));
    const first = run();
    await new Promise(setImmediate);
    const [second, third] = [run(), run()];
    assert.equal(ends.length, 1);
    ends[0]?.();
    await first;
    await new Promise(setImmediate);
    assert.equal(ends.length, 2);
    ends[1]?.();
    await Promise.all([second, third]);
    assert.equal(ends.length, 2);
  });

  test('go on after one that failed, which fails for those who waited for it', async () => {
    let count = 0;
    const run = shareRuns(async () => {
      count += 1;
      if (count === 1) throw new Error('once');
    });
    await assert.rejects(run(), /once/);
    await run();
    assert.equal(count, 2);
  });

  test('begin no sooner after one another than they may', async () => {
    const starts: number[] = [];
    const run = shareRuns(async () => void starts.push(performance.now()), { intervalMs: 50 });
    await run();
    const alive = setTimeout(() => undefined, 1000);
    await run();
    clearTimeout(alive);
    assert.ok((starts[1] ?? 0) - (starts[0] ?? 0) >= 45);
  });
});
