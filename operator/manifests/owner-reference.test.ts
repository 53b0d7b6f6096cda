import assert from 'node:assert/strict';
import { test } from 'node:test';
import { owningUser, ownerReference } from './owner-reference.ts';

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
