import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetPastSenders } from './past-senders.ts';

const MINUTE_MS = 60_000;

test('senders are forgotten that have been gone for an hour, and none that has come back meanwhile', (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const known = new Map([
    ['shop/stays', 1],
    ['shop/gone', 2],
    ['shop/back', 3],
  ]);
  const there = new Set(['shop/stays']);
  const past = forgetPastSenders({
    store: () => ({
      all: () => known,
      forget: async (senders) => senders.forEach((sender) => known.delete(sender)),
    }),
    isThere: (sender) => there.has(sender),
    onError: (error) => assert.fail(String(error)),
    now: () => new Date(),
  });
  t.after(past.close);
  const pass = (minutes: number): void => {
    for (let i = 0; i < minutes; i++) t.mock.timers.tick(MINUTE_MS);
  };
  pass(60);
  there.add('shop/back');
  assert.equal(known.size, 3);
  pass(10);
  assert.deepEqual([...known.keys()], ['shop/stays', 'shop/back']);
  there.delete('shop/back');
  pass(60);
  assert.deepEqual([...known.keys()], ['shop/stays', 'shop/back']);
  pass(10);
  assert.deepEqual([...known.keys()], ['shop/stays']);
});
