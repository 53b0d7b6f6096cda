import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NOBODY } from './counter.ts';
import { createRecentRefusals } from './recent-refusals.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-28T08:02:00Z');

function begin() {
  let time = START;
  const recentRefusals = createRecentRefusals(() => time);
  return { ...recentRefusals, pass: (minutes: number) => void (time += minutes * MINUTE) };
}

describe('what was refused lately', () => {
  test('is added up by user and reason, and of those whom nobody knows by reason alone', () => {
    const { add, report } = begin();
    add('user shop/orders', { refused: { auth_failed: 2 } });
    add('user shop/orders', { refused: { auth_failed: 1, too_large: 1 } });
    add('list shop/letters', { refused: { auth_failed: 3 } });
    add('user shop/orders', { accepted: 5 });
    add(NOBODY, { refused: { tls_required: 1 } });
    assert.deepEqual(report(), {
      since: '2026-11-28T08:02:00.000Z',
      users: { 'shop/orders': { auth_failed: 3, too_large: 1 } },
      nobody: { tls_required: 1 },
    });
  });

  test('is forgotten after an hour, and says from when it counts', () => {
    const { add, report, pass } = begin();
    add('user shop/orders', { refused: { auth_failed: 1 } });
    pass(54);
    add('user shop/orders', { refused: { auth_failed: 1 } });
    assert.equal(report()?.users['shop/orders']?.['auth_failed'], 2);
    pass(5);
    assert.equal(report()?.users['shop/orders']?.['auth_failed'], 1);
    assert.equal(report()?.since, '2026-11-28T08:05:00.000Z');
    pass(60);
    assert.deepEqual(report()?.users, {});
  });

  test('does not keep what a clock that was ahead has left in the future', () => {
    const { add, report, pass } = begin();
    pass(600);
    add('user shop/orders', { refused: { auth_failed: 1 } });
    pass(-600);
    assert.deepEqual(report()?.users, {});
  });
});
