import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { forgetPastSenders } from './past-senders.ts';

const MINUTE_MS = 60_000;

function start(t: TestContext, senders: readonly string[]) {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const known = new Map(senders.map((sender) => [sender, 1]));
  const there = new Set<string>();
  const past = forgetPastSenders({
    store: () => ({
      all: () => known,
      forget: async (forgotten) => forgotten.forEach((sender) => known.delete(sender)),
    }),
    isThere: (sender) => there.has(sender),
    onError: (error) => assert.fail(String(error)),
    now: () => new Date(),
  });
  t.after(past.close);
  const pass = (minutes: number): void => {
    for (let i = 0; i < minutes; i++) t.mock.timers.tick(MINUTE_MS);
  };
  return { known, there, pass };
}

describe('senders are forgotten', () => {
  test('that have been gone for an hour, and none that has come back meanwhile', (t) => {
    const { known, there, pass } = start(t, ['shop/stays', 'shop/gone', 'shop/back']);
    there.add('shop/stays');
    pass(60);
    there.add('shop/back');
    assert.equal(known.size, 3);
    pass(1);
    assert.deepEqual([...known.keys()], ['shop/stays', 'shop/back']);
    there.delete('shop/back');
    pass(60);
    assert.deepEqual([...known.keys()], ['shop/stays', 'shop/back']);
    pass(1);
    assert.deepEqual([...known.keys()], ['shop/stays']);
  });

  test('of a namespace that makes and deletes them on and on, and of no other', (t) => {
    const { known, there, pass } = start(t, ['quiet/one']);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 500; i++) known.set(`busy/${round}-${i}`, 1);
      pass(1);
    }
    assert.equal(known.size, 1001);
    assert.deepEqual([known.has('quiet/one'), known.has('busy/0-0'), known.has('busy/3-499')], [true, false, true]);
    assert.equal(there.size, 0);
  });
});
