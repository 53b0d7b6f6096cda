import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apply, createCluster, createNotes, happen, snapshotOf, verifiers } from '../../test/support/golden/cluster.ts';
import { goldenIssuer } from '../../test/support/golden/passwords.ts';
import type { NamespaceLimits } from '../settings/settings.ts';
import type { Kind, OtherInstallations, Plan, Snapshot } from './model.ts';
import { plan } from './plan.ts';

const LIMITS: NamespaceLimits = { users: 2, lists: 1, senders: 1, namespaces: {} };

function start(limits: NamespaceLimits = LIMITS) {
  const cluster = createCluster(limits);
  const put = (kind: Kind, name: string, created: string, spec: object = {}): void => {
    const meta = { namespace: 'shop', name, uid: `${kind} ${name}`, generation: 1, labels: {}, annotations: {} };
    const object = { kind, meta: { ...meta, creationTimestamp: `2025-01-${created}T00:00:00Z` }, spec };
    happen(cluster, { does: 'put', object }, createNotes());
  };
  const decide = (instead: Partial<Snapshot> = {}): Plan =>
    plan({ ...snapshotOf(cluster), ...instead }, cluster.now, goldenIssuer(cluster, verifiers.of));
  return {
    put,
    user: (name: string, created: string, spec?: object) => put('SmtpPlusUser', name, created, spec),
    remove: (kind: Kind, name: string) => cluster.objects.delete(`${kind} shop/${name}`),
    forgetStatuses: () => {
      for (const [id, { status: _, ...object }] of cluster.objects) cluster.objects.set(id, object);
    },
    decide,
    /** Decides, and does what was decided. */
    carryOut: (instead?: Partial<Snapshot>): Plan => {
      const decided = decide(instead);
      apply(cluster, decided, createNotes());
      return decided;
    },
  };
}

const said = ({ statuses }: Plan): string =>
  statuses
    .map(({ meta, status }) => {
      const reason = status.conditions?.find(({ type }) => type === 'Accepted' || type === 'Verified')?.reason;
      return `${meta.name} ${reason}`;
    })
    .join(', ');

const messageOf = ({ statuses }: Plan, name: string): string =>
  statuses.find(({ meta }) => meta.name === name)?.status.conditions?.[0]?.message ?? '';

describe('of more objects in a namespace than are served', () => {
  test('the oldest have a place; the others say how many there are, how many are served, and who can change that', () => {
    const { user, decide } = start();
    user('late', '03');
    user('early', '01');
    user('middle', '02');
    const decided = decide();
    assert.equal(said(decided), 'early Accepted, late TooManyUsers, middle Accepted');
    assert.match(messageOf(decided, 'late'), /has 3 .* 2 are served: the oldest.* platform owner .*namespaceLimits/);
    const late = decided.statuses.find(({ meta }) => meta.name === 'late')?.status.conditions ?? [];
    const conditions = Object.fromEntries(late.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
    assert.deepEqual(conditions['Ready'], 'False TooManyUsers');
    assert.deepEqual(conditions['Stalled'], 'True TooManyUsers');
  });

  test('of one age the first by name have a place', () => {
    const { user, decide } = start();
    for (const name of ['c', 'a', 'b']) user(name, '01');
    assert.equal(said(decide()), 'a Accepted, b Accepted, c TooManyUsers');
  });

  test("those without a place get no Secret, no entry with the relays, and stand in nobody's way", () => {
    const { user, put, decide } = start();
    put('VerifiedSender', 'shop', '01', { domain: 'shop.example' });
    user('a', '02', { username: 'desk@shop.example', credentials: { secretName: 'desk' } });
    user('b', '03');
    user('waiting', '04', { username: 'other@shop.example', credentials: { secretName: 'desk' } });
    const { secrets, relays } = decide();
    assert.deepEqual(
      secrets.map(({ name }) => name),
      ['desk', 'b-smtp'],
    );
    assert.ok(!JSON.stringify([...relays]).includes('waiting'));
    assert.ok(!JSON.stringify([...relays]).includes('other@shop.example'));
  });

  test('those without a place claim neither a user name nor a Secret, however old they look', () => {
    const { user, put, carryOut } = start();
    put('VerifiedSender', 'shop', '01', { domain: 'shop.example' });
    user('a', '10', { active: 'yes' });
    user('b', '11', { username: 'desk@shop.example' });
    carryOut();
    user('restored', '02', { username: 'desk@shop.example', credentials: { secretName: 'desk' } });
    user('a', '10', { credentials: { secretName: 'desk' } });
    const decided = carryOut();
    assert.equal(said(decided), 'a Accepted, b Accepted, restored TooManyUsers, shop Grandfathered');
    assert.deepEqual(
      decided.secrets.map(({ name, owner }) => `${name} of ${owner.name}`),
      ['desk of a', 'b-smtp of b'],
    );
  });

  test('the next comes in when one is deleted, and what it asked for is its own then', () => {
    const { user, remove, carryOut, put } = start();
    put('VerifiedSender', 'shop', '01', { domain: 'shop.example' });
    user('a', '02', { username: 'desk@shop.example' });
    user('b', '03');
    user('c', '04', { username: 'desk@shop.example' });
    user('d', '05');
    carryOut();
    remove('SmtpPlusUser', 'a');
    const decided = carryOut();
    assert.equal(said(decided), 'b Accepted, c Accepted, d TooManyUsers, shop Grandfathered');
    const username = decided.statuses.find(({ meta }) => meta.name === 'c')?.status as { readonly username?: string };
    assert.equal(username.username, 'desk@shop.example');
  });

  test('whoever has a place keeps it, however old a newcomer looks and whatever the bound comes to be', () => {
    const { user, carryOut, decide, forgetStatuses } = start();
    user('a', '10');
    user('b', '11');
    carryOut();
    user('restored', '01');
    assert.equal(said(carryOut()), 'a Accepted, b Accepted, restored TooManyUsers');
    const lowered = { namespaceLimits: { ...LIMITS, users: 1 } };
    assert.equal(said(carryOut(lowered)), 'a Accepted, b Accepted, restored TooManyUsers');
    forgetStatuses();
    assert.equal(said(decide()), 'a Accepted, b TooManyUsers, restored Accepted');
  });

  test('an object that is wrong in itself has a place, too, and keeps it until it is right', () => {
    const { user, carryOut } = start();
    user('a', '01', { active: 'yes' });
    user('b', '02');
    user('c', '03');
    assert.equal(said(carryOut()), 'a InvalidSpec, b Accepted, c TooManyUsers');
    user('a', '01');
    assert.equal(said(carryOut()), 'a Accepted, b Accepted, c TooManyUsers');
  });

  test('a crowd is told in one way, so that no newcomer changes what the others are told', () => {
    const { user, carryOut } = start({ ...LIMITS, users: 1 });
    for (let i = 0; i < 12; i++) user(`user-${i}`, '02');
    const before = carryOut();
    assert.match(messageOf(before, 'user-9'), /has more than 11 objects/);
    for (let i = 0; i < 30; i++) user(`later-${i}`, '03');
    const after = carryOut();
    assert.equal(messageOf(after, 'user-9'), messageOf(before, 'user-9'));
    assert.equal(messageOf(after, 'later-29'), messageOf(before, 'user-9'));
  });

  test('each kind counts for itself, and a namespace may have a number of its own', () => {
    const { user, put, decide } = start();
    for (const [name, created] of [
      ['a', '01'],
      ['b', '02'],
      ['c', '03'],
    ] as const) {
      user(name, created);
      put('SmtpPlusList', `list-${name}`, created);
      put('VerifiedSender', `sender-${name}`, created, { domain: 'shop.example' });
    }
    assert.equal(
      said(decide()),
      [
        'list-a Accepted, list-b TooManyLists, list-c TooManyLists',
        'a Accepted, b Accepted, c TooManyUsers',
        'sender-a Grandfathered, sender-b TooManySenders, sender-c TooManySenders',
      ].join(', '),
    );
    const namespaces = { shop: { lists: 2, users: 3 }, other: { senders: 9 } };
    assert.equal(
      said(decide({ namespaceLimits: { ...LIMITS, namespaces } })),
      [
        'list-a Accepted, list-b Accepted, list-c TooManyLists',
        'a Accepted, b Accepted, c Accepted',
        'sender-a Grandfathered, sender-b TooManySenders, sender-c TooManySenders',
      ].join(', '),
    );
  });

  test('nothing is said of what another installation serves, or speaks of', () => {
    const { user, put, decide } = start({ ...LIMITS, users: 1 });
    put('SmtpPlusList', 'ours', '01');
    put('SmtpPlusList', 'theirs', '02', { relayClassName: 'abroad' });
    user('a', '01');
    user('of-theirs', '02', { listRef: { name: 'theirs' } });
    user('of-nobody', '03', { listRef: { name: 'gone' } });
    const left = (otherInstallations: OtherInstallations): string => said(decide({ otherInstallations }));
    assert.equal(
      left({ classes: ['abroad'], speaksForAll: true }),
      'ours Accepted, a Accepted, of-nobody TooManyUsers',
    );
    assert.equal(left({ classes: [], speaksForAll: false }), 'ours Accepted, a Accepted');
  });
});
