import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import emailAddresses from 'email-addresses';
import fc from 'fast-check';
import addressparser from 'nodemailer/lib/addressparser';
import { parseMailboxList } from './mailbox-list.ts';

const addressesIn = (text: string) => parseMailboxList(text)?.map(({ address }) => address);

/** By the RFC's grammar, obsolete forms included. */
function strictly(text: string): unknown {
  const found = emailAddresses({ input: text, startAt: 'mailbox-list', rfc6532: true })?.addresses;
  return found?.map((one) => (one.type === 'mailbox' ? one.address.trim() : one.type));
}

/** As most programs on Node do, whatever they are given. */
function leniently(text: string): unknown {
  return addressparser(text).map(({ address, group }) => address ?? group);
}

describe('a list of mailboxes', () => {
  test('has each address as written and in canonical form, with its name', () => {
    assert.deepEqual(parseMailboxList('"Shop, Inc." <Orders@Shop.example>, x@y.example (office)'), [
      {
        mailbox: { local: 'orders', domain: 'shop.example' },
        address: 'Orders@Shop.example',
        name: 'Shop, Inc.',
      },
      { mailbox: { local: 'x', domain: 'y.example' }, address: 'x@y.example', name: '(office)' },
    ]);
  });

  test('is refused with a name that begins with a dot, which some readers take for no name', () => {
    for (const text of ['.x <a@b.example>', '(x) ..x <a@b.example>', 'c@d.example, . <a@b.example>']) {
      assert.equal(parseMailboxList(text), undefined, text);
    }
    assert.deepEqual(addressesIn('x . y <a@b.example>'), ['a@b.example']);
  });

  test('that is taken has the same addresses for parsers of others', () => {
    const piece = fc.oneof(
      fc.constantFrom(...`< > @ " ( ) , ; : \\ . .. [ ] ' "" () =? ?= (x) Orders Dr. a.b 1 + ! # % | ~`.split(' ')),
      fc.constantFrom('a@b.example', '<a@b.example>', '<c@d.example>', ' ', '\t', ', ', '"a, b"', '"a\\""', '(a@b.c)'),
      fc.constantFrom('"a@b.example"', "'a@b.example'", '(c (d))', 'Team: ', '<@a.example:', '=?utf-8?q?a=2Cb?='),
      fc.constantFrom(
        ...'ü ж @ж.рф <ж@b.рф> 佐藤 אב 😀 ＠ ＜ ， 。 \u00a0 \u3000 \u200d \u0301 \u00ad \u0085 \u2028 \ufeff'.split(
          ' ',
        ),
      ),
      fc.string({ maxLength: 3 }),
      fc.string({ unit: 'grapheme', maxLength: 2 }),
    );
    const text = fc
      .tuple(
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom('', ' <a@b.example>', '<a@b.example>', ', a@b.example', ' <ж@b.рф>'),
      )
      .map(([pieces, end]) => pieces.join('') + end);
    let taken = 0;
    fc.assert(
      fc.property(text, (value) => {
        const ours = addressesIn(value);
        if (ours === undefined) return;
        taken++;
        assert.deepEqual(strictly(value), ours);
        assert.deepEqual(leniently(value), ours);
      }),
      { numRuns: 10_000 },
    );
    assert.ok(taken > 500, `only ${taken} of 10,000 were taken: the property says little`);
  });

  test('is read in time that grows with its length, whatever it is made of', () => {
    const units = ['(', '<', '"', ',', '@a,', 'a@', '()', '\\', ' \t', '[', 'a:', '"\\"', 'a.', '.'];
    for (const unit of units) assert.equal(parseMailboxList(unit.repeat(250_000)), undefined, unit);
  });
});
