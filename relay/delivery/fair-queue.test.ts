import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFairQueue } from './fair-queue.ts';

describe('fair queue', () => {
  test('serves lists in turns and each in order of arrival', () => {
    const queue = createFairQueue<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item.charAt(0), item);
    const served = Array.from({ length: 7 }, () => queue.shift());
    assert.deepEqual(served, ['a1', 'b1', 'c1', 'a2', 'c2', 'a3', undefined]);
  });

  test('a list that comes back after it was empty waits for its turn', () => {
    const queue = createFairQueue<string>();
    queue.push('a', 'a1');
    queue.push('b', 'b1');
    assert.equal(queue.shift(), 'a1');
    queue.push('a', 'a2');
    assert.deepEqual([queue.shift(), queue.shift()], ['b1', 'a2']);
  });

  test('keeps its order over a long backlog', () => {
    const queue = createFairQueue<number>();
    for (let i = 0; i < 10_000; i++) queue.push('a', i);
    for (let i = 0; i < 10_000; i++) assert.equal(queue.shift(), i);
    assert.equal(queue.size(), 0);
  });

  test('takes out what is asked for and leaves the rest in order', () => {
    const queue = createFairQueue<number>();
    for (let i = 0; i < 6; i++) queue.push(i % 2 === 0 ? 'even' : 'odd', i);
    queue.shift();
    assert.deepEqual(
      queue.takeWhere((item) => item >= 3),
      [3, 5, 4],
    );
    assert.equal(queue.size(), 2);
    assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], [1, 2, undefined]);
  });
});
