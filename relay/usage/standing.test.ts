import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMonths } from './months.ts';
import { createPauses } from './pauses.ts';

describe('the month of a quota', () => {
  test('is that of the calendar, and what was counted in the last one is not given back in this one', () => {
    let now = Date.UTC(2026, 10, 30, 23, 59, 59);
    const months = createMonths(() => now);
    const counted = months.add('shop/app', 0);
    months.add('shop/app', 0);
    assert.equal(months.used('shop/app', 0), 2);
    assert.equal(months.remainingMs('shop/app', 0), 1000);
    now += 1000;
    assert.equal(months.used('shop/app', 0), 0);
    months.add('shop/app', 0);
    months.giveBack('shop/app', counted);
    assert.deepEqual(months.all(), { month: '2026-12', messages: { 'shop/app': 1 } });
    assert.equal(months.remainingMs('shop/app', 0), 31 * 24 * 3_600_000);
  });

  test('that was written down counts only while it lasts', () => {
    const months = createMonths(() => Date.UTC(2026, 10, 30));
    months.restore({ month: '2026-10', messages: { 'shop/app': 5 } });
    assert.equal(months.used('shop/app', 0), 0);
    months.restore({ month: '2026-11', messages: { 'shop/app': 5 } });
    assert.equal(months.used('shop/app', 0), 5);
  });
});

describe('a user whose mail bounces', () => {
  const terms = { bounceRate: 10, of: 100, resume: '' };

  test('is paused with the first recipient too many, not with the last that may bounce', () => {
    const pauses = createPauses(() => 0);
    pauses.see('shop/app', terms, { judged: 10, bounced: 10 });
    assert.equal(pauses.isPaused('shop/app', terms), false);
    pauses.see('shop/app', terms, { judged: 1, bounced: 1 });
    assert.equal(pauses.isPaused('shop/app', terms), true);
    assert.equal(pauses.isPaused('shop/other', terms), false);
  });

  test('begins a new batch once it was well with the last one', () => {
    const pauses = createPauses(() => 0);
    for (let i = 0; i < 10; i++) {
      pauses.see('shop/app', terms, { judged: 90, bounced: 0 });
      pauses.see('shop/app', terms, { judged: 10, bounced: 10 });
    }
    assert.equal(pauses.isPaused('shop/app', terms), false);
  });

  test('is judged by the share where one message has more recipients than a batch', () => {
    const pauses = createPauses(() => 0);
    pauses.see('shop/app', terms, { judged: 1000, bounced: 90 });
    assert.equal(pauses.isPaused('shop/app', terms), false);
    pauses.see('shop/app', terms, { judged: 1000, bounced: 101 });
    assert.equal(pauses.isPaused('shop/app', terms), true);
  });

  test('stays paused whatever is delivered then, and starts afresh under another mark', () => {
    const pauses = createPauses(() => 0);
    pauses.see('shop/app', terms, { judged: 11, bounced: 11 });
    pauses.see('shop/app', terms, { judged: 1000, bounced: 0 });
    assert.equal(pauses.isPaused('shop/app', terms), true);
    const resumed = { ...terms, resume: 'once' };
    assert.equal(pauses.isPaused('shop/app', resumed), false);
    pauses.see('shop/app', resumed, { judged: 10, bounced: 10 });
    assert.equal(pauses.isPaused('shop/app', resumed), false);
  });
});
