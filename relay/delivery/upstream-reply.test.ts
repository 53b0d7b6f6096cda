import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { limitIn, type Place, readReply } from './upstream-reply.ts';
import { oneLine } from '../printable.ts';

const PLACES: readonly Place[] = ['MAIL', 'RCPT', 'DATA', 'content'];

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
    // about our session or our log-in, not about the message
    ['503 5.5.1 bad sequence', 'deferred', 503, '4.0.0'],
    ['530 5.7.0 log in first', 'deferred', 530, '4.0.0'],
    ['530 5.7.57 Client was not authenticated to send mail', 'deferred', 530, '4.0.0'],
    ['550 5.7.57 Client not authenticated', 'deferred', 550, '4.0.0'],
    ['535 5.7.8 credentials invalid', 'deferred', 535, '4.0.0'],
    ['554 5.7.8 credentials expired', 'deferred', 554, '4.0.0'],
    ['538 5.7.11 encryption required', 'deferred', 538, '4.0.0'],
    ['521 5.3.2 this host takes no mail', 'deferred', 521, '4.0.0'],
    ['421 4.3.2 going down', 'deferred', 421, '4.3.2'],
    ['354 what', 'deferred', 354, '4.0.0'],
    // the domain of the recipient takes none, which is final (RFC 7504)
    ['556 5.1.10 null MX', 'failed', 556, '5.1.10'],
    // a full disk, whatever the code
    ['452 4.3.1 insufficient system storage', 'deferred', 452, '4.3.1'],
    ['552 5.3.1 insufficient system storage', 'deferred', 552, '4.0.0'],
    // a full mailbox, or a message too large
    ['452 4.2.2 over quota', 'deferred', 452, '4.2.2'],
    ['552 5.2.2 over quota', 'failed', 552, '5.2.2'],
    ['552 5.3.4 message too large', 'failed', 552, '5.3.4'],
    // no reply at all
    ['999 x', 'deferred', undefined, '4.5.0'],
    ['55', 'deferred', undefined, '4.5.0'],
    ['5500 x', 'deferred', undefined, '4.5.0'],
    ['', 'deferred', undefined, '4.5.0'],
  ];
  for (const [reply, outcome, code, enhanced] of cases) {
    test(`${JSON.stringify(reply)} means ${outcome} with ${enhanced} at any place`, () => {
      for (const place of PLACES) {
        const { verdict, isTooMany } = readReply(reply, place);
        assert.deepEqual([verdict.outcome, verdict.code, verdict.enhanced], [outcome, code, enhanced]);
        assert.equal(isTooMany, false);
        assert.equal(verdict.at, code === undefined ? undefined : place);
      }
    });
  }

  const tooMany = ['too many: deferred', 'too many: failed'];
  for (const [reply, atMail, atRcpt, atContent] of [
    // without a word why: too large to MAIL (RFC 1870) and after the content, too many to RCPT (RFC 5321 section 4.5.3.1.10)
    ['552 exceeded', 'failed', tooMany[0], 'failed'],
    ['552 5.0.0 exceeded', 'failed', tooMany[0], 'failed'],
    ['452 exceeded', 'deferred', tooMany[0], 'deferred'],
    ['452 4.5.0 exceeded', 'deferred', tooMany[0], 'deferred'],
    // said outright
    ['452 4.5.3 Too many recipients', 'deferred', tooMany[0], tooMany[0]],
    ['552 5.5.3 Too many recipients', 'failed', tooMany[0], tooMany[0]],
    ['550 5.5.3 enough', 'failed', tooMany[1], tooMany[1]],
    ['451 4.7.1 Error: too many recipients', 'deferred', tooMany[0], tooMany[0]],
    ['554 Transaction failed: Recipient count exceeds 50.', 'failed', tooMany[1], tooMany[1]],
    ['451 4.7.1 greylisted', 'deferred', 'deferred', 'deferred'],
    ['250 too many recipients ever wrote to us', 'delivered', 'delivered', 'delivered'],
  ] as const) {
    test(`${JSON.stringify(reply)} means ${atMail} to MAIL, ${atRcpt} to RCPT, ${atContent} after the content`, () => {
      const meaning = (place: Place) => {
        const { verdict, isTooMany } = readReply(reply, place);
        return isTooMany ? `too many: ${verdict.outcome}` : verdict.outcome;
      };
      assert.deepEqual([meaning('MAIL'), meaning('RCPT'), meaning('content')], [atMail, atRcpt, atContent]);
    });
  }

  test('tells how many recipients may come at once, or half of those that were too many may', () => {
    assert.equal(limitIn('554 Transaction failed: Recipient count exceeds 50.', 100), 50);
    assert.equal(limitIn('554 Transaction failed: Recipient count exceeds 50.', 50), 25);
    assert.equal(limitIn('554 Recipient count exceeds 0', 10), 5);
    assert.equal(limitIn('452 4.5.3 Too many recipients', 3), 1);
  });

  test('becomes one bounded line of printable ASCII, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        assert.match(oneLine(text), /^[\x20-\x7e]{0,400}$/);
        assert.match(readReply(`550 ${text}`, 'MAIL').verdict.text, /^[\x20-\x7e]{0,400}$/);
      }),
    );
  });
});
