import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retainedBy } from '../core/credentials/ownership.ts';
import { OWNER_ANNOTATION, SECRET_TYPE } from '../core/names.ts';
import { owningUser, ownerReference, ownershipOf, secretOwner } from './secrets.ts';

const owner = { name: 'orders', uid: '1' };

test('a user is known as owner by what is written about it', () => {
  assert.deepEqual(owningUser([ownerReference(owner)]), owner);
});

test('a user stays the owner when another version of the API names it', () => {
  assert.deepEqual(owningUser([{ ...ownerReference(owner), apiVersion: 'smtpplus.io/v1beta1' }]), owner);
});

test('an object of another group or kind, and an owner that does not control, are no owning user', () => {
  for (const change of [
    { apiVersion: 'example.com/v1alpha1' },
    { apiVersion: 'v1' },
    { apiVersion: undefined },
    { kind: 'SmtpPlusList' },
    { controller: false },
    { uid: 7 },
  ]) {
    assert.equal(owningUser([{ ...ownerReference(owner), ...change }]), undefined, JSON.stringify(change));
  }
  for (const references of [undefined, {}, [], [null], ['x']]) assert.equal(owningUser(references), undefined);
});

const retained = { type: SECRET_TYPE, annotations: retainedBy(owner) };

test('a Secret without a controller belongs to the user in its annotation', () => {
  const somebody = { apiVersion: 'v1', kind: 'ConfigMap', name: 'theirs', uid: '2' };
  for (const references of [undefined, [], [somebody]]) {
    assert.deepEqual(secretOwner(references, retained), { ...owner, isRetained: true });
  }
});

test('what an annotation says counts for nothing where a controller is named, whoever that is', () => {
  const other = ownerReference({ name: 'other', uid: '2' });
  assert.deepEqual(secretOwner([other], retained), { name: 'other', uid: '2', isRetained: false });
  const external = { ...other, kind: 'ExternalSecret' };
  assert.equal(secretOwner([external], retained), undefined);
  assert.deepEqual(ownershipOf([external], retained), { isOthers: true });
  assert.deepEqual(ownershipOf([{ ...external, controller: false }], { ...retained, annotations: {} }), {});
});

test('an annotation on a Secret of another type, and one that says nothing, make no owner', () => {
  assert.equal(secretOwner([], { ...retained, type: 'Opaque' }), undefined);
  for (const text of ['', 'orders', 'null', '[]', '{"name":"orders"}', '{"name":1,"uid":"1"}', '{'.repeat(100)]) {
    assert.equal(secretOwner([], { type: SECRET_TYPE, annotations: { [OWNER_ANNOTATION]: text } }), undefined, text);
  }
});
