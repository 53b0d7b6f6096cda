import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWindowCounter } from './window-counter.ts';

describe('the window counter', () => {
  test('counts within a window and begins anew after it', () => {
    let time = 1000;
    const counter = createWindowCounter({ maxKeys: 10, now: () => time });
    counter.add('a', 100);
    time = 1099;
    assert.equal(counter.add('a', 100), 2);
    assert.equal(counter.remainingMs('a', 100), 1);
    time = 1100;
    assert.equal(counter.used('a', 100), 0);
    assert.equal(counter.add('a', 100), 1);
  });

  test('what is given back was never used', () => {
    const counter = createWindowCounter({ maxKeys: 10, now: () => 0 });
    counter.add('a', 100, 3);
    counter.giveBack('a', 2);
    assert.equal(counter.used('a', 100), 1);
    counter.giveBack('a', 5);
    assert.equal(counter.used('a', 100), 0);
    counter.giveBack('unknown');
    assert.equal(counter.used('unknown', 100), 0);
  });

  test('holds no more keys than allowed, and forgets the oldest window first', () => {
    const counter = createWindowCounter({ maxKeys: 2, now: () => 0 });
    counter.add('a', 100);
    counter.add('b', 100);
    counter.restart('a');
    counter.add('c', 100);
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => counter.used(key, 100)),
      [1, 0, 1],
    );
  });
});
