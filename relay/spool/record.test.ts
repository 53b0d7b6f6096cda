import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aMessage } from '../../test/support/queued.ts';
import { decodeEntry, decodeRecord, encodeRecord, newRecord, type QueuedMessage } from './record.ts';

const VERDICT = { outcome: 'deferred', code: 451, enhanced: '4.2.0', text: 'not "now"\\', at: 'RCPT' } as const;

function aRecord(text: string): QueuedMessage {
  const recipients = [{ address: text }, { address: 'b@x.example', notify: ['NEVER'], originalRecipient: 'rfc822;b' }];
  const queued = newRecord(
    aMessage({ user: text, envelope: { from: text, recipients, ret: 'HDRS' }, unverifiedSender: true }),
    { isFile: true },
  );
  const pending = queued.pending.map((recipient) => ({ ...recipient, last: VERDICT }));
  return { ...queued, pending, attempts: 7, due: queued.due + 12.5, delayNoticeSent: true };
}

describe('the record of a message', () => {
  test('is read as it was written, whatever its words are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const queued = aRecord(text);
        assert.deepEqual(decodeRecord(encodeRecord(queued).toString()), queued);
      }),
    );
  });

  test('gives what an entry needs without the rest', () => {
    const queued = aRecord('orders.shop');
    const { due, receivedMs, size, isFile, delayNoticeSent, namespace, user, list } = queued;
    const entry = { due, receivedMs, size, isFile, delayNoticeSent, namespace, user, list };
    assert.deepEqual(decodeEntry(encodeRecord(queued).toString()), entry);
  });

  test('is broken where any octet is another one, or some are missing', () => {
    const whole = encodeRecord(aRecord('orders.shop'));
    fc.assert(
      fc.property(
        fc.nat({ max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, change, cut) => {
          const damaged = Buffer.from(cut ? whole.subarray(0, at) : whole);
          if (!cut) damaged[at] = (damaged[at] ?? 0) ^ change;
          for (const decode of [decodeRecord, decodeEntry])
            assert.ok('broken' in decode(damaged.toString()), String(at));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('of the first version, without a checksum, is read too: the namespace is that of its list', () => {
    const { namespace: _, receivedMs: __, ...fields } = newRecord(aMessage(), { isFile: false });
    const record = decodeRecord(JSON.stringify({ version: 1, ...fields }));
    assert.ok(!('broken' in record));
    assert.deepEqual(
      [record.id, record.namespace, record.receivedMs],
      [fields.id, 'shop', Date.parse(fields.received)],
    );
    assert.ok('broken' in decodeRecord(JSON.stringify({ version: 1, ...fields, pending: [] })));
  });

  test('of a version to come is not guessed at', () => {
    assert.match((decodeRecord('3 whatever') as { broken: string }).broken, /newer version/);
  });
});
