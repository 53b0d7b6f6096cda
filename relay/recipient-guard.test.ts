import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RecipientGuard } from './config/config.ts';
import { readShardDocument } from './config/documents.ts';
import type { Recipient } from './message.ts';
import { aList } from '../test/support/relay-config.ts';
import { applyGuard, judgeRecipient } from './recipient-guard.ts';

const ALLOW = [
  { recipient: 'tester@shop.example', includeSubdomains: false },
  { recipient: '@qa.example', includeSubdomains: false },
  { recipient: '@lab.example', includeSubdomains: true },
  { recipient: '@xn--bcher-kva.example', includeSubdomains: false },
];
const REFUSE: RecipientGuard = { otherwise: 'Refuse', allow: ALLOW };
const CAPTURE: RecipientGuard = { otherwise: 'Capture', allow: ALLOW };
const REDIRECT: RecipientGuard = { otherwise: 'Redirect', allow: ALLOW, redirectTo: 'tester@shop.example' };

describe('a guard of recipients', () => {
  test('lets through everybody where there is none, and nobody where it allows nobody', () => {
    assert.equal(judgeRecipient(undefined, 'anybody@real.example'), 'allowed');
    assert.equal(judgeRecipient({ otherwise: 'Refuse', allow: [] }, 'anybody@real.example'), 'refused');
  });

  for (const address of [
    'tester@shop.example',
    'Tester@SHOP.example',
    'anybody@qa.example',
    'first.last+tag@QA.Example',
    'a@lab.example',
    'a@deep.down.lab.example',
    'a@bücher.example',
    'a@qa。example',
    'a@XN--BCHER-KVA.example',
  ]) {
    test(`allows ${address}`, () => assert.equal(judgeRecipient(REFUSE, address), 'allowed'));
  }

  for (const address of [
    'other@shop.example',
    'tester+real@shop.example',
    'a@sub.qa.example',
    'a@notqa.example',
    'a@notlab.example',
    'a@qa.example.real.example',
    'a@real.example',
    // forms that are read in more than one way, or that nobody can compare
    'a@qa.example.',
    '"a"@qa.example',
    '"tester"@shop.example',
    '"a@qa.example"@real.example',
    'a@[192.0.2.1]',
    '[192.0.2.1]',
    'a@qa.example@real.example',
    '@qa.example:a@real.example',
    'a@qa.example,b@real.example',
    'a@localhost',
    'postmaster',
    '',
    '@qa.example',
    'a@qa.example ',
    ' a@qa.example',
    '😀@qa.example',
    'ａ@qa.example',
    'a@qa.example\u0000',
    // routes in the local part, which a mail system may follow out of the allowed domain
    'real%real.example@qa.example',
    'real.example!real@qa.example',
    'real%real.example@deep.lab.example',
  ]) {
    test(`does not allow ${JSON.stringify(address)}`, () => {
      assert.equal(judgeRecipient(REFUSE, address), 'refused');
    });
  }

  test('allows a local part with a route in it where that very address is named', () => {
    const allow = [{ recipient: 'a%b@qa.example', includeSubdomains: false }];
    assert.equal(judgeRecipient({ otherwise: 'Refuse', allow }, 'a%b@qa.example'), 'allowed');
  });

  test('delivers to nobody whom it does not allow, whatever the recipients', () => {
    const parts = fc.constantFrom('tester', 'a%b', '"q"', 'A', 'ü', '', '@', 'x@qa.example', '<', ' ');
    const domains = fc.constantFrom(
      'shop.example',
      'qa.example',
      'b.lab.example',
      'real.example',
      '[::1]',
      'qa.example.',
    );
    const addresses = fc.tuple(parts, domains).map(([local, domain]) => `${local}@${domain}`);
    const guards = fc.constantFrom(REFUSE, CAPTURE, REDIRECT);
    fc.assert(
      fc.property(fc.uniqueArray(addresses), guards, (all, guard) => {
        const guarded = applyGuard(
          guard,
          all.map((address): Recipient => ({ address })),
        );
        for (const { address } of guarded.deliver) assert.equal(judgeRecipient(guard, address), 'allowed');
        const others = all.filter((address) => judgeRecipient(guard, address) !== 'allowed');
        const told = [...guarded.refused, ...guarded.captured, ...guarded.redirected].map(({ address }) => address);
        assert.deepEqual(told.toSorted(), others.toSorted());
      }),
    );
  });
});

test('a guard that cannot be read takes its list along, and leaves others as they are', () => {
  const lists = { 'shop/broken': { ...aList(), recipients: { otherwise: 'Drop', allow: [] } }, 'shop/whole': aList() };
  const document = { version: 1, lists, users: {}, namespaces: {} };
  const { document: found } = readShardDocument(Buffer.from(JSON.stringify(document)));
  assert.deepEqual(Object.keys(found?.lists ?? {}), ['shop/whole']);
});

describe('a redirected recipient', () => {
  const redirect = (...recipients: readonly Recipient[]) => applyGuard(REDIRECT, recipients).deliver;

  test('becomes the one to redirect to, with the original for its copy and for reports', () => {
    assert.deepEqual(redirect({ address: 'a+b@real.example', notify: ['SUCCESS'] }), [
      {
        address: 'tester@shop.example',
        notify: ['SUCCESS'],
        originalRecipient: 'rfc822;a+2Bb@real.example',
        redirectedFrom: ['a+b@real.example'],
      },
    ]);
  });

  test('outside ASCII is named in an ORCPT that any server takes', () => {
    const [copy] = redirect({ address: 'жук+x@real.example' });
    assert.equal(copy?.originalRecipient, String.raw`utf-8;\x{436}\x{443}\x{43A}\x{2B}x@real.example`);
  });

  test('keeps the ORCPT that the client gave', () => {
    const [copy] = redirect({ address: 'a@real.example', originalRecipient: 'rfc822;first@real.example' });
    assert.equal(copy?.originalRecipient, 'rfc822;first@real.example');
  });

  test('shares one copy with others, and with a recipient who is that one anyway; the rest is as it was', () => {
    const tester = { address: 'Tester@shop.example' };
    assert.deepEqual(
      redirect({ address: 'a@real.example' }, { address: 'x@qa.example' }, tester, { address: 'b@real.example' }),
      [
        { address: 'x@qa.example' },
        { address: 'tester@shop.example', redirectedFrom: ['a@real.example', 'b@real.example'] },
      ],
    );
    assert.deepEqual(redirect(tester), [tester]);
  });

  test('is told about as far as any of those whom it stands for wants', () => {
    const asking = (notify: readonly string[] | undefined, i: number): Recipient =>
      notify === undefined ? { address: `${i}@real.example` } : { address: `${i}@real.example`, notify };
    const of = (...all: (readonly string[] | undefined)[]) => redirect(...all.map(asking))[0]?.notify;
    assert.deepEqual(of(undefined, undefined), undefined);
    assert.deepEqual(of(['NEVER'], ['NEVER']), ['NEVER']);
    assert.deepEqual(of(['NEVER'], ['SUCCESS']), ['SUCCESS']);
    assert.deepEqual(of(undefined, ['SUCCESS']), ['FAILURE', 'DELAY', 'SUCCESS']);
  });

  test('is redirected again where the guard has changed, and its copy still names the first', () => {
    const queued = redirect({ address: 'a@real.example' }, { address: 'b@real.example' });
    const other: RecipientGuard = {
      otherwise: 'Redirect',
      allow: [{ recipient: '@qa.example', includeSubdomains: false }],
      redirectTo: 'x@qa.example',
    };
    assert.deepEqual(applyGuard(other, queued).deliver, [
      { address: 'x@qa.example', redirectedFrom: ['a@real.example', 'b@real.example'] },
    ]);
  });
});
