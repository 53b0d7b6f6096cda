import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCluster, createNotes, happen } from '../../../test/support/golden/cluster.ts';
import { startFollowing } from '../../../test/support/golden/follow.ts';
import type { Kind } from '../model.ts';
import { namespaceIn } from '../planner-state.ts';

function start() {
  const cluster = createCluster();
  const put = (kind: Kind, namespace: string, name: string, spec: unknown): void => {
    const meta = { namespace, name, uid: `${namespace} ${name}`, generation: 1, labels: {}, annotations: {} };
    happen(cluster, { does: 'put', object: { kind, meta, spec } }, createNotes());
  };
  const prove = (namespace: string, name: string, domain: string): void => {
    const time = cluster.now.toISOString();
    const dns = {
      recordName: `_smtpplus-challenge.${domain}`,
      recordValue: `smtpplus-verification=token-of-${namespace}-for-${domain}`,
      time,
      foundTime: time,
      outcome: 'found' as const,
      detail: 'detail.',
      attempts: 0,
      since: time,
      jitter: 0.5,
    };
    cluster.evidence.set(`${namespace}/${name}`, { dns });
  };
  const plan = () => startFollowing(cluster);
  return { put, prove, plan };
}

describe('the senders of a namespace', () => {
  test('are bounded in number and in size, and its users are told', () => {
    const { put, plan } = start();
    for (let i = 0; i < 1001; i++) put('VerifiedSender', 'shop', `s${i}`, { domain: `s${i}.example` });
    for (let i = 0; i < 600; i++)
      put('VerifiedSender', 'mail', `s${i}`, { domain: `s${i}.${'a.'.repeat(100)}example` });
    put('SmtpPlusUser', 'shop', 'orders', { active: true });
    const { planner, results } = plan();

    const shop = namespaceIn(planner, 'shop').rules;
    assert.deepEqual([shop.rules.length, shop.leftOut], [1000, 1]);
    const mail = namespaceIn(planner, 'mail').rules;
    assert.ok(JSON.stringify(mail.rules).length <= 128 * 1024);
    assert.equal(mail.rules.length + mail.leftOut, 600);
    const conditions = results.users.get('shop/orders')?.status.conditions ?? [];
    const verified = conditions.find(({ type }) => type === 'SendersVerified');
    assert.match(verified?.message ?? '', /1 VerifiedSenders are more than one namespace may use at once/);
  });

  test('count once they are verified where others share them, and of one namespace few', () => {
    const { put, prove, plan } = start();
    const shared = { allowedNamespaces: { from: 'All' } };
    for (let i = 0; i < 60; i++) {
      put('VerifiedSender', 'crowd', `s${i}`, { domain: `s${i}.example`, ...shared });
      prove('crowd', `s${i}`, `s${i}.example`);
    }
    put('VerifiedSender', 'crowd', 'pending', { domain: 'pending.example', ...shared });
    put('VerifiedSender', 'friend', 'domain', { domain: 'friend.example', ...shared });
    prove('friend', 'domain', 'friend.example');
    put('VerifiedSender', 'shop', 'shop', { domain: 'shop.example' });
    const { planner } = plan();

    const { rules, leftOut } = namespaceIn(planner, 'shop').rules;
    const from = (namespace: string) => rules.filter(({ object }) => object.startsWith(`${namespace}/`)).length;
    assert.deepEqual([rules[0]?.object, from('crowd'), from('friend'), leftOut], ['shop/shop', 50, 1, 0]);
    assert.ok(rules.every(({ verified }) => verified));
  });

  test('tell one that nobody has looked up yet from one that was not found', () => {
    const { put, plan } = start();
    put('VerifiedSender', 'shop', 'new', { domain: 'new.example' });
    put('VerifiedSender', 'shop', 'address', { address: 'orders@new.example' });
    put('SmtpPlusUser', 'shop', 'orders', { active: true, senders: ['orders@new.example'] });
    const { planner } = plan();

    const rules = namespaceIn(planner, 'shop').rules.rules.map(({ sender, unchecked }) => [sender, unchecked]);
    assert.deepEqual(rules, [
      ['orders@new.example', undefined],
      ['@new.example', true],
    ]);
    const narrowed = planner.relays.users.get('shop/orders')?.entry?.config.senders ?? [];
    assert.deepEqual(
      narrowed.map(({ sender, unchecked }) => [sender, unchecked]),
      [['orders@new.example', true]],
    );
  });
});
