import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aMessage, inMemory } from '../../test/support/queued.ts';
import { createFreshMessages, type Fresh } from './fresh.ts';
import { newRecord } from './record.ts';

function aFresh(id: string): Fresh {
  return { queued: newRecord(aMessage({ id }), { isFile: false }), content: inMemory() };
}

test('a message is handed out once', () => {
  const fresh = createFreshMessages();
  const one = aFresh('A');
  fresh.keep(one, 10);
  assert.deepEqual(fresh.remove('A'), one);
  assert.equal(fresh.remove('A'), undefined);
});

test('the oldest are forgotten, so that no more than the bound is held', () => {
  const fresh = createFreshMessages(10_000);
  for (const id of ['A', 'B', 'C', 'D']) fresh.keep(aFresh(id), 3000);
  assert.deepEqual(
    ['A', 'B', 'C', 'D'].map((id) => fresh.remove(id) !== undefined),
    [false, true, true, true],
  );
});

test('what is handed out makes room', () => {
  const fresh = createFreshMessages(10_000);
  for (let i = 0; i < 100; i++) {
    fresh.keep(aFresh(`ID${i}`), 2000);
    assert.ok(fresh.remove(`ID${i}`) !== undefined);
  }
  for (const id of ['A', 'B', 'C']) fresh.keep(aFresh(id), 3000);
  assert.ok(['A', 'B', 'C'].every((id) => fresh.remove(id) !== undefined));
});

test('one that is larger than the bound is not held', () => {
  const fresh = createFreshMessages(10_000);
  fresh.keep(aFresh('A'), 20_000);
  assert.equal(fresh.remove('A'), undefined);
});
