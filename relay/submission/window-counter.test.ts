import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWindowCounter } from './window-counter.ts';

describe('the window counter', () => {
  test('counts within a window and begins anew after it', () => {
    let time = 1000;
    const counter = createWindowCounter({ maxKeys: 10, now: () => time });
    counter.add('a', 100);
    time = 1099;
    assert.equal(counter.add('a', 100).count, 2);
    assert.equal(counter.remainingMs('a', 100), 1);
    time = 1100;
    assert.equal(counter.used('a', 100), 0);
    assert.equal(counter.add('a', 100).count, 1);
  });

  test('what is given back was never used', () => {
    const counter = createWindowCounter({ maxKeys: 10, now: () => 0 });
    const first = counter.add('a', 100);
    counter.add('a', 100);
    counter.giveBack('a', first);
    assert.equal(counter.used('a', 100), 1);
    counter.giveBack('unknown', first);
    assert.equal(counter.used('unknown', 100), 0);
  });

  test('what is given back late takes nothing from a window that began since', () => {
    let time = 0;
    const counter = createWindowCounter({ maxKeys: 10, now: () => time });
    const late = counter.add('a', 100);
    time = 150;
    counter.add('a', 100);
    counter.giveBack('a', late);
    assert.equal(counter.used('a', 100), 1);
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
