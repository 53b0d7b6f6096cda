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

/** What is said when this sender comes to be another one, or none; the settings vouch for shop.example. */
function farewells(before: RawObject, after: RawObject | undefined): string[] {
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
  const following = startFollowing(cluster);
  const notes = createNotes();
  const key = `shop/${before.meta.name}`;
  if (after === undefined) cluster.objects.delete(`VerifiedSender ${key}`);
  else cluster.objects.set(`VerifiedSender ${key}`, after);
  notes.objects.VerifiedSender.set(key, after);
  const said = follow(following, cluster, notes).farewells;
  assert.deepEqual(follow(following, cluster, notes).farewells, [], 'it is said once');
  return said.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

describe('a sender', () => {
  test('says that it is gone, where it was verified', () => {
    assert.deepEqual(farewells(senderOf('domain', { domain: 'shop.example' }), undefined), [
      'Warning SenderDeleted: Deleted while it was verified. Mail from @shop.example is refused, unless another VerifiedSender covers it.',
    ]);
    assert.deepEqual(farewells(senderOf('other', { domain: 'other.example' }), undefined), []);
  });

  test('says which namespaces can use it no more', () => {
    const of = (allowedNamespaces: object, generation: number): RawObject =>
      senderOf('domain', { domain: 'shop.example', allowedNamespaces }, generation);
    assert.deepEqual(farewells(of(EVERYBODY, 1), of(SALES, 2)), [
      'Warning SharingEnded: 2 namespaces (lab, mail) can no longer send as @shop.example: spec.allowedNamespaces does not name them any more.',
    ]);
    assert.match(
      farewells(of(SALES, 1), of({ from: 'Same' }, 2)).join(),
      /^Warning SharingEnded: 1 namespace \(sales\)/,
    );
    assert.deepEqual(farewells(of(SALES, 1), of(EVERYBODY, 2)), []);
  });
});
