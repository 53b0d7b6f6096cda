import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackoff } from './backoff.ts';

test('a worker that keeps ending is started ever more rarely, and one that lived for long at once', () => {
  let time = 0;
  const backoff = createBackoff(() => time);
  const liveFor = (ms: number): number => {
    backoff.started();
    time += ms;
    return backoff.ended();
  };
  const waits = Array.from({ length: 11 }, () => liveFor(1000));
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  assert.equal(liveFor(30_000), 100);
  assert.equal(liveFor(1000), 200);
});
