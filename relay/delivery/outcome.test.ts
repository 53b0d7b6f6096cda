import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { conclude, type OutcomeOptions } from './outcome.ts';
import type { PendingRecipient, QueuedMessage, Verdict } from '../spool/record.ts';

const HOUR_MS = 3600 * 1000;
const RECEIVED = Date.parse('2026-01-01T00:00:00Z');

const taken: Verdict = { outcome: 'delivered', code: 250, enhanced: '2.0.0', text: '250 ok' };
const later: Verdict = { outcome: 'deferred', code: 451, enhanced: '4.2.0', text: '451 later' };
const never: Verdict = { outcome: 'failed', code: 550, enhanced: '5.1.1', text: '550 no' };

function queued(pending: readonly PendingRecipient[], overrides: Partial<QueuedMessage> = {}): QueuedMessage {
  return {
    id: 'ID',
    user: 'orders.shop',
    namespace: 'shop',
    list: 'shop/transactional',
    size: 100,
    received: new Date(RECEIVED).toISOString(),
    receivedMs: RECEIVED,
    envelope: { from: 'orders@shop.example', eightBit: false },
    pending,
    attempts: 0,
    due: RECEIVED,
    delayNoticeSent: false,
    reports: 0,
    isFile: false,
    ...overrides,
  };
}

function after(hours: number, overrides: Partial<OutcomeOptions> = {}): OutcomeOptions {
  return {
    now: RECEIVED + hours * HOUR_MS,
    random: () => 0,
    retry: { firstSeconds: 60, mostSeconds: 3600 },
    maxAgeSeconds: 120 * 3600,
    delayNoticeAfterSeconds: 4 * 3600,
    dsnPassedOn: false,
    isPartial: false,
    ...overrides,
  };
}

const A = { address: 'a@x.example' };
const B = { address: 'b@x.example' };
const C = { address: 'c@x.example' };

function kinds(outcome: ReturnType<typeof conclude>): Record<string, string[]> {
  return Object.fromEntries(
    outcome.reports.map(({ kind, recipients }) => [kind, recipients.map(({ address }) => address)]),
  );
}

describe('what becomes of a message', () => {
  test('it is done when everybody has it', () => {
    const outcome = conclude(
      queued([A, B]),
      new Map([
        ['a@x.example', taken],
        ['b@x.example', taken],
      ]),
      after(0),
    );
    assert.equal(outcome.next, undefined);
    assert.deepEqual(kinds(outcome), {});
  });

  test('only who was deferred stays, with the reason, and the next time is after the first wait', () => {
    const verdicts = new Map([
      ['a@x.example', taken],
      ['b@x.example', later],
      ['c@x.example', never],
    ]);
    const outcome = conclude(queued([A, B, C]), verdicts, after(0));
    assert.deepEqual(outcome.next?.pending, [{ ...B, last: later }]);
    assert.deepEqual([outcome.next?.attempts, outcome.next?.due], [1, RECEIVED + 60_000]);
    assert.deepEqual(kinds(outcome), { failed: ['c@x.example'] });
    assert.equal(outcome.next?.reports, 1);
  });

  test('recipients that were not tried wait without a verdict', () => {
    const outcome = conclude(queued([A, B]), new Map([['a@x.example', taken]]), after(0, { isPartial: true }));
    assert.deepEqual(outcome.next?.pending, [B]);
    assert.deepEqual([outcome.next?.attempts, outcome.next?.due], [0, RECEIVED]);
    assert.deepEqual(
      outcome.judged.map(({ address }) => address),
      ['a@x.example'],
    );
  });

  test('NOTIFY decides who hears of a failure', () => {
    const pending = [
      A,
      { ...B, notify: ['NEVER'] },
      { ...C, notify: ['SUCCESS', 'DELAY'] },
      { address: 'd@x.example', notify: ['FAILURE'] },
    ];
    const outcome = conclude(queued(pending), new Map(pending.map(({ address }) => [address, never])), after(0));
    assert.deepEqual(kinds(outcome), { failed: ['a@x.example', 'd@x.example'] });
  });

  test('nobody hears of a report that failed', () => {
    const outcome = conclude(
      queued([A], { envelope: { from: '', eightBit: false } }),
      new Map([['a@x.example', never]]),
      after(0),
    );
    assert.deepEqual(kinds(outcome), {});
    assert.equal(outcome.next, undefined);
  });

  test('an unverified sender hears of nothing, and what it would have heard is known', () => {
    const message = queued([{ ...A, notify: ['SUCCESS'] }, B, C], { unverifiedSender: true });
    const verdicts = new Map([
      ['a@x.example', taken],
      ['b@x.example', never],
      ['c@x.example', later],
    ]);
    const outcome = conclude(message, verdicts, after(4));
    assert.deepEqual(kinds(outcome), {});
    assert.deepEqual(
      outcome.withheld.map(({ kind, recipients }) => [kind, recipients.length]),
      [
        ['failed', 1],
        ['delayed', 1],
        ['relayed', 1],
      ],
    );
    assert.deepEqual([outcome.next?.reports, outcome.next?.delayNoticeSent], [0, true]);
    assert.equal(outcome.next?.unverifiedSender, true);
  });

  test('success is told where it was asked for and the upstream does not tell it', () => {
    const message = queued([{ ...A, notify: ['SUCCESS'] }, B]);
    const verdicts = new Map([
      ['a@x.example', taken],
      ['b@x.example', taken],
    ]);
    assert.deepEqual(kinds(conclude(message, verdicts, after(0))), { relayed: ['a@x.example'] });
    assert.deepEqual(kinds(conclude(message, verdicts, after(0, { dsnPassedOn: true }))), {});
  });

  test('a delay is told once', () => {
    const verdicts = new Map([['a@x.example', later]]);
    assert.deepEqual(kinds(conclude(queued([A]), verdicts, after(3.99))), {});
    const outcome = conclude(queued([A]), verdicts, after(4));
    assert.deepEqual(kinds(outcome), { delayed: ['a@x.example'] });
    assert.equal(outcome.next?.delayNoticeSent, true);
    assert.deepEqual(kinds(conclude(queued([A], { delayNoticeSent: true }), verdicts, after(5))), {});
  });

  test('a message too old is given up with its last reply', () => {
    const outcome = conclude(queued([A]), new Map([['a@x.example', later]]), after(120));
    assert.equal(outcome.next, undefined);
    assert.deepEqual(kinds(outcome), { failed: ['a@x.example'] });
    assert.equal(outcome.reports[0]?.recipients[0]?.last.enhanced, '4.4.7');
    assert.match(outcome.reports[0]?.recipients[0]?.last.text ?? '', /expired.*451 later/);
  });

  test('attempts fall on the time of the notice and on the end, neither is late', () => {
    const message = queued([A], { attempts: 20 });
    const options = { random: () => 1 };
    const beforeNotice = conclude(message, new Map([['a@x.example', later]]), after(3.5, options));
    assert.equal(beforeNotice.next?.due, RECEIVED + 4 * HOUR_MS);
    const beforeEnd = conclude(message, new Map([['a@x.example', later]]), after(119.5, options));
    assert.equal(beforeEnd.next?.due, RECEIVED + 120 * HOUR_MS);
  });
});
