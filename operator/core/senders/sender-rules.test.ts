import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCluster, createNotes, happen, snapshotOf, verifiers } from '../../../test/support/golden/cluster.ts';
import { goldenCraft } from '../../../test/support/golden/passwords.ts';
import type { Kind } from '../model.ts';
import { createPlanner } from '../planner.ts';
import { namespaceRules, RULES_MAX } from './sender-rules.ts';
import { read } from '../world.ts';

describe('the senders of a namespace', () => {
  test('are bounded, and nobody who shares many of theirs can crowd out its own', () => {
    const cluster = createCluster();
    const put = (kind: Kind, namespace: string, name: string, spec: unknown): void => {
      const meta = { namespace, name, uid: `${namespace} ${name}`, generation: 1, labels: {}, annotations: {} };
      happen(cluster, { does: 'put', object: { kind, meta, spec } }, createNotes());
    };
    for (let i = 0; i <= RULES_MAX; i++) {
      put('VerifiedSender', 'crowd', `s${i}`, { domain: `s${i}.example`, allowedNamespaces: { from: 'All' } });
    }
    put('VerifiedSender', 'shop', 'shop', { domain: 'shop.example' });
    put('SmtpPlusUser', 'shop', 'orders', { active: true });
    const craft = goldenCraft(cluster, verifiers.of);
    const { planner, first } = createPlanner(snapshotOf(cluster), cluster.now, craft);

    const { rules, leftOut } = read(planner.world, namespaceRules, 'shop');
    assert.deepEqual([rules[0]?.object, rules.length, leftOut], ['shop/shop', RULES_MAX, 2]);
    const conditions = first.users.get('shop/orders')?.status.conditions ?? [];
    const verified = conditions.find(({ type }) => type === 'SendersVerified');
    assert.equal(verified?.status, 'True');
    assert.match(verified.message, /2 VerifiedSenders of the namespace are beyond the 1000 in effect/);
  });
});
