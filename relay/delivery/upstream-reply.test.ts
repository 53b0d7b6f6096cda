import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { printable, readReply } from './upstream-reply.ts';

describe('reply of an upstream', () => {
  const cases: readonly [string, string, number | undefined, string][] = [
    ['250 2.0.0 Ok', 'delivered', 250, '2.0.0'],
    ['250 Ok', 'delivered', 250, '2.0.0'],
    ['250', 'delivered', 250, '2.0.0'],
    ['550 5.1.1 no', 'failed', 550, '5.1.1'],
    ['550-5.1.1 no\n550 5.1.1 more', 'failed', 550, '5.1.1'],
    ['550 no', 'failed', 550, '5.0.0'],
    ['451 4.7.1 later', 'deferred', 451, '4.7.1'],
    // a code of another class contradicts the reply
    ['451 5.1.1 later', 'deferred', 451, '4.0.0'],
    ['550 4.1.1 no', 'failed', 550, '5.0.0'],
    // an enhanced code that only begins like one
    ['550 5.1.1000 no', 'failed', 550, '5.0.0'],
    ['550 5.1.1x no', 'failed', 550, '5.0.0'],
    // about the session, not about the message
    ['503 5.5.1 bad sequence', 'deferred', 503, '4.0.0'],
    ['530 5.7.0 log in first', 'deferred', 530, '4.0.0'],
    ['354 what', 'deferred', 354, '4.0.0'],
    // no reply at all
    ['999 x', 'deferred', undefined, '4.5.0'],
    ['55', 'deferred', undefined, '4.5.0'],
    ['5500 x', 'deferred', undefined, '4.5.0'],
    ['', 'deferred', undefined, '4.5.0'],
  ];
  for (const [reply, outcome, code, enhanced] of cases) {
    test(`${JSON.stringify(reply)} means ${outcome} with ${enhanced}`, () => {
      const verdict = readReply(reply);
      assert.deepEqual([verdict.outcome, verdict.code, verdict.enhanced], [outcome, code, enhanced]);
    });
  }

  test('becomes one bounded line of printable ASCII, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        assert.match(printable(text), /^[\x20-\x7e]{0,400}$/);
        assert.match(readReply(`550 ${text}`).text, /^[\x20-\x7e]{0,400}$/);
      }),
    );
  });
});
