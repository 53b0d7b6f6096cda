import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCluster, createNotes, happen, type Cluster } from '../../test/support/golden/cluster.ts';
import { follow, startFollowing } from '../../test/support/golden/follow.ts';
import type { Kind } from './model.ts';

function start() {
  const cluster = createCluster();
  const put = (kind: Kind, key: string, spec: unknown, meta: object = {}): void => {
    const [namespace = '', name = ''] = key.split('/');
    const plain = { namespace, name, uid: `${kind} ${key}`, generation: 1, labels: {}, annotations: {} };
    happen(cluster, { does: 'put', object: { kind, meta: { ...plain, ...meta }, spec } }, createNotes());
  };
  put('VerifiedSender', 'shop/shop', { domain: 'shop.example' });
  return { cluster, put };
}

const byDefault = { annotations: { 'smtpplus.io/default-list': 'true' } };

/** What is said when these lists are deleted at once. */
function farewells(cluster: Cluster, ...lists: readonly string[]): string[] {
  const following = startFollowing(cluster);
  const notes = createNotes();
  for (const list of lists) {
    cluster.objects.delete(`SmtpPlusList ${list}`);
    notes.objects.SmtpPlusList.set(list, undefined);
  }
  const said = follow(following, cluster, notes).farewells;
  assert.deepEqual(follow(following, cluster, notes).farewells, [], 'it is said once');
  return said.map(({ type, meta, reason, message }) => `${type} ${meta.uid} ${reason}: ${message}`);
}

describe('a list that is deleted', () => {
  test('says whom that cuts off: active users who name it, and no others', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/house', {});
    put('SmtpPlusList', 'shop/other', {});
    put('SmtpPlusUser', 'shop/b', { listRef: { name: 'house' }, active: true });
    put('SmtpPlusUser', 'shop/a', { listRef: { name: 'house' }, active: true });
    put('SmtpPlusUser', 'shop/inactive', { listRef: { name: 'house' }, active: false });
    put('SmtpPlusUser', 'shop/of-other', { listRef: { name: 'other' }, active: true });
    put('SmtpPlusUser', 'mail/not-taken', { listRef: { name: 'house', namespace: 'shop' }, active: true });
    assert.deepEqual(farewells(cluster, 'shop/house'), [
      'Warning SmtpPlusList shop/house UsersCutOff: Deleted while 2 users (shop/a, shop/b) could send through it. They are refused with 454 until there is a list shop/house again, or their spec.listRef names another one.',
    ]);
  });

  test('names ten, and how many there are besides', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/house', {});
    for (let i = 10; i < 35; i++) put('SmtpPlusUser', `shop/u${i}`, { listRef: { name: 'house' }, active: true });
    const [said = ''] = farewells(cluster, 'shop/house');
    assert.match(said, /while 25 users \(shop\/u10, .*, shop\/u19 and 15 more\) could send/);
  });

  test('says which list users without listRef belong to from now on', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/first', {}, { ...byDefault, creationTimestamp: '2025-01-01T00:00:00Z' });
    put('SmtpPlusList', 'shop/second', {}, { ...byDefault, creationTimestamp: '2025-02-01T00:00:00Z' });
    put('SmtpPlusUser', 'shop/a', { active: true });
    assert.deepEqual(farewells(cluster, 'shop/first'), [
      'Warning SmtpPlusList shop/first UsersMoved: 1 user (shop/a) without spec.listRef belongs to SmtpPlusList shop/second from now on.',
    ]);
    assert.match(farewells(cluster, 'shop/second')[0] ?? '', /belongs to the built-in default list from now on/);
  });

  test('cuts off those, too, where the list that they would belong to takes nobody', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/first', {}, { ...byDefault, creationTimestamp: '2025-01-01T00:00:00Z' });
    const broken = { ...byDefault, creationTimestamp: '2025-02-01T00:00:00Z' };
    put('SmtpPlusList', 'shop/second', { relayClassName: 'absent' }, broken);
    put('SmtpPlusUser', 'shop/a', { active: true });
    assert.match(farewells(cluster, 'shop/first')[0] ?? '', /UsersCutOff: Deleted while 1 user \(shop\/a\) could send/);
  });

  test('says nothing where nobody notices', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/house', {});
    put('SmtpPlusUser', 'shop/inactive', { listRef: { name: 'house' }, active: false });
    assert.deepEqual(farewells(cluster, 'shop/house'), []);
  });

  test('says nothing where it was made anew before anybody looked', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/house', {});
    put('SmtpPlusUser', 'shop/a', { listRef: { name: 'house' }, active: true });
    const following = startFollowing(cluster);
    const notes = createNotes();
    put('SmtpPlusList', 'shop/house', {}, { uid: 'anew' });
    notes.objects.SmtpPlusList.set('shop/house', undefined);
    assert.deepEqual(follow(following, cluster, notes).farewells, []);
  });

  test('is gone as soon as it is being deleted', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/house', {});
    put('SmtpPlusUser', 'shop/a', { listRef: { name: 'house' }, active: true });
    const following = startFollowing(cluster);
    const notes = createNotes();
    put('SmtpPlusList', 'shop/house', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    notes.objects.SmtpPlusList.set('shop/house', undefined);
    assert.equal(follow(following, cluster, notes).farewells.length, 1);
  });

  test('does not name users who go along with it', () => {
    const { cluster, put } = start();
    put('SmtpPlusList', 'shop/house', {});
    put('SmtpPlusUser', 'shop/a', { listRef: { name: 'house' }, active: true });
    const following = startFollowing(cluster);
    const notes = createNotes();
    cluster.objects.clear();
    notes.objects.SmtpPlusList.set('shop/house', undefined);
    notes.objects.SmtpPlusUser.set('shop/a', undefined);
    const lists = follow(following, cluster, notes).farewells.filter(({ kind }) => kind === 'SmtpPlusList');
    assert.deepEqual(lists, []);
  });
});
