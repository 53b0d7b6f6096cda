import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DnsEvidence } from '../core/model.ts';
import type { Lookup } from '../core/senders/look-ups.ts';
import { afterLookup, evidenceSchema } from './evidence.ts';
import type { Observation } from './look-up.ts';

const lookup: Lookup = { sender: 'shop/shop', recordName: '_c.shop.example', recordValue: 'v', due: at(0) };
const found: Observation = { outcome: 'found', detail: 'it is there' };
const absent: Observation = { outcome: 'absent', detail: 'gone' };
const failed: Observation = { outcome: 'failed', detail: 'no answer' };

function at(minute: number): string {
  return `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
}

/** One look-up a minute. */
function after(observations: readonly Observation[], asked: (minute: number) => Lookup = () => lookup): DnsEvidence {
  const none: DnsEvidence | undefined = undefined;
  const last = observations.reduce<DnsEvidence | undefined>(
    (before, seen, minute) => afterLookup(before, asked(minute), { ...seen, time: at(minute), jitter: 0.5 }),
    none,
  );
  assert.ok(last !== undefined);
  return last;
}

describe('the evidence after a look-up', () => {
  test('remembers when the record was last there, and since when it is missing', () => {
    const { foundTime, missingSince, since, attempts } = after([found, found, absent, absent]);
    assert.deepEqual(
      { foundTime, missingSince, since, attempts },
      { foundTime: at(1), missingSince: at(2), since: at(2), attempts: 2 },
    );
  });

  test('does not take a look-up that failed for one that missed it', () => {
    assert.equal(after([found, failed, failed]).missingSince, undefined);
    assert.equal(after([found, failed, absent]).missingSince, at(2));
    assert.equal(after([found, absent, failed]).missingSince, at(1));
    assert.equal(after([{ ...found, seen: 'v=spf1 -all' }, failed]).seen, 'v=spf1 -all');
    assert.equal(after([{ ...found, seen: 'v=spf1 -all' }, absent]).seen, undefined);
  });

  test('knows whether there ever was an answer', () => {
    assert.equal(after([failed, failed]).isAnswered, undefined);
    assert.equal(after([failed, absent, failed]).isAnswered, true);
  });

  test('remembers that what was known before is lost, until the record is found', () => {
    const lost: Lookup = { ...lookup, isLost: true };
    assert.equal(after([failed, absent, failed], (minute) => (minute === 0 ? lost : lookup)).lostTime, at(0));
    assert.equal(after([failed, found, absent], (minute) => (minute === 0 ? lost : lookup)).lostTime, undefined);
    assert.equal(after([absent, failed], (minute) => (minute === 1 ? lost : lookup)).lostTime, undefined);
  });

  test('is as good as new when the record is back', () => {
    const { foundTime, missingSince, attempts } = after([found, absent, failed, found]);
    assert.deepEqual({ foundTime, missingSince, attempts }, { foundTime: at(3), missingSince: undefined, attempts: 0 });
  });

  test('never calls a record missing that was never there', () => {
    const { foundTime, missingSince, since, attempts } = after([absent, failed, absent]);
    assert.deepEqual(
      { foundTime, missingSince, since, attempts },
      { foundTime: undefined, missingSince: undefined, since: at(0), attempts: 3 },
    );
  });

  test('inherits nothing from another record, or another value', () => {
    for (const other of [{ recordName: '_c.other.example' }, { recordValue: 'w' }]) {
      const seen = after([found, absent], (minute) => (minute === 0 ? { ...lookup, ...other } : lookup));
      assert.deepEqual([seen.foundTime, seen.missingSince, seen.attempts], [undefined, undefined, 1]);
    }
  });

  test('counts anew when somebody has asked for the look-up, and forgets no proof', () => {
    const seen = after([found, absent, absent, absent], (minute) =>
      minute === 3 ? { ...lookup, touched: '1' } : lookup,
    );
    assert.deepEqual(
      [seen.attempts, seen.since, seen.foundTime, seen.missingSince, seen.touched],
      [1, at(3), at(0), at(1), '1'],
    );
  });

  test('can be kept as JSON', () => {
    const seen = after([found, absent]);
    assert.deepEqual(evidenceSchema.parse({ dns: JSON.parse(JSON.stringify(seen)) }), { dns: seen });
  });
});
