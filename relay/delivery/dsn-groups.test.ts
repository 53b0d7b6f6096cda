import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commonDsn, nextGroup } from './dsn-groups.ts';
import type { Recipient } from '../message.ts';

const ADDRESSES = Array.from({ length: 250 }, (_, i) => `r${i}@x.example`);

/** The transactions that send to all of them. */
function transactions(recipients: readonly Recipient[], { dsn }: { dsn: boolean }): readonly (readonly Recipient[])[] {
  const groups: (readonly Recipient[])[] = [];
  for (let rest = recipients; rest.length > 0;) {
    const group = nextGroup(rest, { dsn });
    assert.ok(group.length > 0 && group.length <= 100);
    assert.equal(new Set(group.map((one) => JSON.stringify([one.notify?.toSorted(), one.originalRecipient]))).size, 1);
    const addresses = new Set(group.map(({ address }) => address));
    groups.push(group);
    rest = rest.filter(({ address }) => !addresses.has(address));
  }
  const served = groups.flat().map(({ address }) => address);
  assert.deepEqual(served.toSorted(), recipients.map(({ address }) => address).toSorted());
  return groups;
}

describe('transactions for recipients with DSN parameters', () => {
  test('are one where each ORCPT repeats its recipient, however it is written', () => {
    const recipients = [
      { address: 'a+b@x.example', originalRecipient: 'rfc822;a+2Bb@x.example' },
      { address: 'Ann@x.example', originalRecipient: 'RFC822;Ann@X.Example' },
      { address: 'c@x.example' },
    ];
    assert.deepEqual(transactions(recipients, { dsn: true }), [
      [{ address: 'a+b@x.example' }, { address: 'Ann@x.example' }, { address: 'c@x.example' }],
    ]);
  });

  test('are as few as their number of recipients allows where the upstream has no DSN', () => {
    const recipients = ADDRESSES.map((address) => ({ address, originalRecipient: `rfc822;other-${address}` }));
    const groups = transactions(recipients, { dsn: false });
    assert.deepEqual(
      groups.map(({ length }) => length),
      [100, 100, 50],
    );
  });

  test('keep ten different ORCPTs, and the others go without', () => {
    const recipients = ADDRESSES.map((address) => ({ address, originalRecipient: `rfc822;other-${address}` }));
    const groups = transactions(recipients, { dsn: true });
    assert.deepEqual(
      groups.map(({ length }) => length),
      [100, 100, 40, ...Array<number>(10).fill(1)],
    );
    assert.deepEqual(
      groups.slice(3).map(([first]) => first),
      recipients.slice(0, 10),
    );
    assert.ok(groups.slice(0, 3).every((group) => group.every((one) => one.originalRecipient === undefined)));
  });

  test('keep every NOTIFY, in whatever order its words came', () => {
    const groups = transactions(
      [
        { address: 'a@x.example', notify: ['SUCCESS', 'FAILURE'] },
        { address: 'b@x.example', notify: ['NEVER'] },
        { address: 'c@x.example', notify: ['FAILURE', 'SUCCESS'] },
        { address: 'd@x.example' },
      ],
      { dsn: true },
    );
    assert.deepEqual(
      groups.map((group) => group.map(({ address }) => address)),
      [['a@x.example', 'c@x.example'], ['b@x.example'], ['d@x.example']],
    );
  });

  test('say for all of one transaction only what holds for each recipient of it', () => {
    const a = { address: 'a@x.example', notify: ['NEVER'], originalRecipient: 'rfc822;z@x.example' };
    assert.deepEqual(commonDsn([a]), { notify: ['NEVER'], originalRecipient: 'rfc822;z@x.example' });
    assert.deepEqual(commonDsn([a, { ...a, notify: ['DELAY'] }]), { originalRecipient: 'rfc822;z@x.example' });
    assert.deepEqual(commonDsn([a, { address: 'b@x.example' }]), {});
  });
});
