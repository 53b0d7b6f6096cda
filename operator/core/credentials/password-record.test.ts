import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sha256Verifier } from '../../../relay/password-hash.ts';
import { createInstallation, newInstallationId } from '../../installation.ts';
import type { ObjectMeta } from '../model.ts';
import { CREDENTIALS_ANNOTATION } from '../names.ts';
import { readRecord, writeRecord } from './password-record.ts';

const { issuer } = createInstallation('1'.repeat(64));
const user: ObjectMeta = { namespace: 'shop', name: 'app', uid: 'u-1', generation: 1, labels: {}, annotations: {} };
const { password, verifier } = issuer.newPassword(user);
const previous = [{ verifier: issuer.newPassword(user).verifier, notAfter: '2026-01-02T00:00:00Z' }];
const record = { verifier, issued: '2026-01-01T00:00:00Z', trigger: 'one', previous };
const annotations = writeRecord(record, user, issuer);
const written = JSON.parse(annotations[CREDENTIALS_ANNOTATION] ?? '') as Record<string, unknown>;

function read(text: unknown, { of = user, by = issuer, beside = password } = {}) {
  const annotation = typeof text === 'string' ? text : JSON.stringify(text);
  return readRecord({ annotations: { [CREDENTIALS_ANNOTATION]: annotation }, data: { password: beside } }, of, by);
}

describe('a record of passwords', () => {
  test('is believed as it was written, also when its user is made anew or somebody edits the password', () => {
    assert.deepEqual(read(written), record);
    assert.deepEqual(read(written, { of: { ...user, uid: 'u-2' }, beside: 'edited by hand' }), record);
    assert.deepEqual(read(written, { by: createInstallation('1'.repeat(64)).issuer }), record);
    const { trigger: _, ...first } = { ...record, previous: [] };
    assert.deepEqual(read(writeRecord(first, user, issuer)[CREDENTIALS_ANNOTATION]), first);
  });

  test('is not believed where any part of it was changed', () => {
    const another = issuer.newPassword(user).verifier;
    for (const change of [
      { verifier: another },
      { issued: '2026-01-01T00:00:01Z' },
      { trigger: 'two' },
      { trigger: undefined },
      { previous: undefined },
      { previous: [{ ...previous[0], notAfter: '2999-01-01T00:00:00Z' }] },
      { previous: [...previous, { verifier: another, notAfter: '2026-01-02T00:00:00Z' }] },
      { seal: 'A'.repeat(43) },
      { seal: '' },
    ]) {
      assert.equal(read({ ...written, ...change }), undefined, JSON.stringify(change));
    }
  });

  test('is not believed about another user, nor by another installation', () => {
    assert.equal(read(written, { of: { ...user, name: 'other' } }), undefined);
    assert.equal(read(written, { of: { ...user, namespace: 'other' } }), undefined);
    assert.equal(read(written, { by: createInstallation(newInstallationId()).issuer }), undefined);
  });

  test('without a seal, as they once were, is believed about the password beside it and of this very object only', () => {
    const { seal: _, ...rest } = written;
    const old = { ...rest, previous: previous[0] };
    assert.deepEqual(read(old), record);
    assert.equal(read(old, { beside: 'edited by hand' }), undefined);
    assert.equal(read(old, { of: { ...user, uid: 'u-2' } }), undefined);
    assert.equal(
      read({ ...old, verifier: sha256Verifier(password, Buffer.alloc(16)) }),
      undefined,
      'a salt of its own',
    );
    const short = 'short';
    const weak = { ...old, verifier: sha256Verifier(short, Buffer.from(verifier.split('$')[1] ?? '', 'base64url')) };
    assert.equal(read(weak, { beside: short }), undefined, 'a password that was never generated');
    const costly = { verifier: 'argon2id$m=4194304,t=99,p=1$c2FsdHNhbHQ$x', notAfter: '2026-01-02T00:00:00Z' };
    assert.equal(read({ ...old, previous: costly }), undefined, 'a slow hash');
  });

  test('that is nonsense is none', () => {
    for (const text of [
      '',
      'never mind',
      'null',
      '[]',
      '{}',
      '{'.repeat(1000),
      JSON.stringify({ ...written, issued: 7 }),
    ]) {
      assert.equal(read(text), undefined, text);
    }
    assert.equal(read({ ...written, previous: Array.from({ length: 17 }, () => previous[0]) }), undefined);
  });
});
