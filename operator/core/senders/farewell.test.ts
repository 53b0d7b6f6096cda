import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCluster, createNotes, happen } from '../../../test/support/golden/cluster.ts';
import { follow, startFollowing } from '../../../test/support/golden/follow.ts';
import type { RawObject } from '../model.ts';

const EVERYBODY = { from: 'All' };
const SALES = { from: 'Selector', selector: { matchLabels: { team: 'sales' } } };

function senderOf(name: string, spec: object, generation = 1): RawObject {
  const meta = { namespace: 'shop', name, uid: name, generation, labels: {}, annotations: {} };
  return { kind: 'VerifiedSender', meta, spec };
}

/** A sender of namespace shop, for which the settings vouch, and three other namespaces. */
function start(before: RawObject) {
  const cluster = createCluster();
  for (const [name, labels] of [
    ['mail', {}],
    ['sales', { team: 'sales' }],
    ['lab', {}],
  ] as const) {
    cluster.namespaces.set(name, labels);
    const meta = { namespace: name, name: 'user', uid: name, generation: 1, labels: {}, annotations: {} };
    happen(cluster, { does: 'put', object: { kind: 'SmtpPlusUser', meta, spec: {} } }, createNotes());
  }
  happen(cluster, { does: 'put', object: before }, createNotes());
  return { cluster, following: startFollowing(cluster), notes: createNotes() };
}

/** What is said when it comes to be another one, or none. */
function farewells(before: RawObject, after: RawObject | undefined): string[] {
  const { cluster, following, notes } = start(before);
  const key = `shop/${before.meta.name}`;
  if (after === undefined) cluster.objects.delete(`VerifiedSender ${key}`);
  else cluster.objects.set(`VerifiedSender ${key}`, after);
  notes.objects.VerifiedSender.set(key, after);
  return told({ cluster, following, notes });
}

/** What is said when the labels of a namespace change to these; undefined: it is deleted. */
function farewellsOfLabels(shared: RawObject, name: string, labels: Record<string, string> | undefined): string[] {
  const { cluster, following, notes } = start(shared);
  if (labels === undefined) cluster.namespaces.delete(name);
  else cluster.namespaces.set(name, labels);
  notes.namespaces.set(name, labels);
  return told({ cluster, following, notes });
}

function told({ cluster, following, notes }: ReturnType<typeof start>): string[] {
  const said = follow(following, cluster, notes).farewells;
  assert.deepEqual(follow(following, cluster, notes).farewells, [], 'it is said once');
  return said.map(({ type, meta, reason, message }) => `${type} ${meta.name} ${reason}: ${message}`);
}

describe('a sender', () => {
  test('says that it is gone, where it was verified', () => {
    assert.deepEqual(farewells(senderOf('domain', { domain: 'shop.example' }), undefined), [
      'Warning domain SenderDeleted: Deleted while it was verified. Mail from @shop.example is refused, unless another VerifiedSender covers it.',
    ]);
    assert.deepEqual(farewells(senderOf('other', { domain: 'other.example' }), undefined), []);
  });

  test('says which namespaces can use it no more', () => {
    const of = (allowedNamespaces: object, generation: number): RawObject =>
      senderOf('domain', { domain: 'shop.example', allowedNamespaces }, generation);
    assert.deepEqual(farewells(of(EVERYBODY, 1), of(SALES, 2)), [
      'Warning domain SharingEnded: 2 namespaces (lab, mail) can no longer send as @shop.example: spec.allowedNamespaces does not name them any more.',
    ]);
    assert.match(
      farewells(of(SALES, 1), of({ from: 'Same' }, 2)).join(),
      /^Warning domain SharingEnded: 1 namespace \(sales\)/,
    );
    assert.deepEqual(farewells(of(SALES, 1), of(EVERYBODY, 2)), []);
  });

  test('says that a namespace can use it no more, since its labels have changed', () => {
    const shared = senderOf('domain', { domain: 'shop.example', allowedNamespaces: SALES });
    assert.deepEqual(farewellsOfLabels(shared, 'sales', { team: 'other' }), [
      'Warning domain SharingEnded: Namespace sales can no longer send as @shop.example: its labels have changed, and spec.allowedNamespaces does not select it any more.',
    ]);
    assert.deepEqual(farewellsOfLabels(shared, 'sales', { team: 'sales', stage: 'test' }), []);
    assert.deepEqual(farewellsOfLabels(shared, 'lab', { team: 'sales' }), []);
    assert.deepEqual(farewellsOfLabels(shared, 'lab', { stage: 'test' }), []);
    assert.deepEqual(farewellsOfLabels(shared, 'sales', undefined), [], 'one that is gone sends nothing');
    const pending = senderOf('pending', { domain: 'other.example', allowedNamespaces: SALES });
    assert.deepEqual(farewellsOfLabels(pending, 'sales', {}), []);
  });
});
