import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { retryDelaySeconds } from './retry.ts';

const settings = { firstSeconds: 60, mostSeconds: 3600 };

describe('time until the next attempt', () => {
  test('never falls below the first wait nor above the longest', () => {
    for (const attempts of [1, 2, 5, 10, 100, 100_000]) {
      assert.equal(
        retryDelaySeconds(attempts, settings, () => 0),
        60,
      );
      assert.ok(retryDelaySeconds(attempts, settings, () => 0.999_999) <= 3600);
    }
  });

  test('doubles its ceiling with each attempt', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7].map((attempts) => retryDelaySeconds(attempts, settings, () => 1));
    assert.deepEqual(ceilings, [120, 240, 480, 960, 1920, 3600, 3600]);
  });

  test('is spread over the whole range', () => {
    assert.equal(
      retryDelaySeconds(2, settings, () => 0.5),
      150,
    );
  });

  test('keeps to the longest wait where that is shorter than the first', () => {
    assert.equal(
      retryDelaySeconds(1, { firstSeconds: 60, mostSeconds: 10 }, () => 0.5),
      10,
    );
  });
});
