import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apply, createCluster, createNotes, happen, snapshotOf, verifiers } from '../../test/support/golden/cluster.ts';
import { goldenIssuer } from '../../test/support/golden/passwords.ts';
import type { Kind, OtherInstallations, Plan } from './model.ts';
import { plan } from './plan.ts';

function start() {
  const cluster = createCluster();
  const put = (kind: Kind, name: string, spec: unknown): void => {
    const meta = { namespace: 'shop', name, uid: `${kind} ${name}`, generation: 1, labels: {}, annotations: {} };
    happen(cluster, { does: 'put', object: { kind, meta, spec } }, createNotes());
  };
  const decide = (otherInstallations?: OtherInstallations): Plan => {
    const others = otherInstallations && { otherInstallations };
    return plan({ ...snapshotOf(cluster), ...others }, cluster.now, goldenIssuer(cluster, verifiers.of));
  };
  return { put, decide, apply: (decided: Plan) => apply(cluster, decided, createNotes()) };
}

const said = ({ statuses }: Plan): string[] =>
  statuses.map(({ kind, meta, status }) => {
    const reason = status.conditions?.find(({ type }) => type === 'Accepted' || type === 'Verified')?.reason;
    return `${kind} ${meta.name} ${reason}`;
  });

describe('what another installation serves', () => {
  test('gets no status, no Event, no Secret and no entry here, however wrong it is', () => {
    const { put, decide } = start();
    put('SmtpPlusList', 'theirs', { relayClassName: 'abroad' });
    put('SmtpPlusList', 'broken', { relayClassName: 'abroad', limits: { messageBytes: 'much' } });
    put('SmtpPlusUser', 'one', { listRef: { name: 'theirs' }, active: true });
    put('SmtpPlusUser', 'two', { listRef: { name: 'broken' }, active: 'yes' });

    const left = decide({ classes: ['abroad'], speaksForAll: true });
    assert.deepEqual([left.statuses, left.events, left.secrets], [[], [], []]);
    for (const { shards } of left.relays.values()) assert.ok(!JSON.stringify([...shards]).includes('shop/'));
    assert.equal(decide().statuses.length, 4);
  });

  test('is a matter of its class: where nobody serves that, the one who speaks for all says so', () => {
    const { put, decide } = start();
    put('SmtpPlusList', 'lost', { relayClassName: 'nobody' });
    put('SmtpPlusUser', 'stray', { listRef: { name: 'lost' } });
    put('SmtpPlusUser', 'forgotten', { listRef: { name: 'gone' } });
    put('VerifiedSender', 'shop', { domain: 'shop.example' });

    assert.deepEqual(said(decide({ classes: ['abroad'], speaksForAll: true })), [
      'SmtpPlusList lost RelayClassNotFound',
      'SmtpPlusUser forgotten ListNotFound',
      'SmtpPlusUser stray ListNotAccepted',
      'VerifiedSender shop Grandfathered',
    ]);
    assert.deepEqual(said(decide({ classes: [], speaksForAll: false })), []);
  });

  test('keeps its Secrets, under names that its user wants no more, too', () => {
    const { put, decide, apply } = start();
    put('SmtpPlusList', 'house', {});
    put('SmtpPlusList', 'theirs', { relayClassName: 'abroad' });
    put('SmtpPlusUser', 'one', { listRef: { name: 'house' }, active: true });
    apply(decide());
    put('SmtpPlusUser', 'one', { listRef: { name: 'theirs' }, active: true, credentials: { secretName: 'other' } });

    assert.deepEqual(decide({ classes: ['abroad'], speaksForAll: true }).secretsToDelete, []);
    assert.deepEqual(decide().secretsToDelete, ['shop/one-smtp']);
  });
});
