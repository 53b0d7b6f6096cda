import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CREDENTIALS_MAX } from '../../../relay/config/config.ts';
import { createInstallation } from '../../installation.ts';
import type { AcceptedPasswords, ObjectMeta } from '../model.ts';
import { endingPasswords, overlapOf, toldPasswords, validPasswords } from './valid-passwords.ts';

const HOUR = 3600;
const now = new Date('2026-01-01T12:00:00Z');
const at = (hour: number): string =>
  `2026-01-0${1 + Math.floor(hour / 24)}T${String(hour % 24).padStart(2, '0')}:00:00Z`;
const { issuer } = createInstallation('1'.repeat(64));
const user: ObjectMeta = { namespace: 'shop', name: 'app', uid: 'u-1', generation: 1, labels: {}, annotations: {} };

test('the overlap is a day, or the interval where that is shorter, or what its owner says', () => {
  assert.equal(overlapOf(undefined), 24 * HOUR);
  assert.equal(overlapOf({}), 24 * HOUR);
  assert.equal(overlapOf({ interval: '720h' }), 24 * HOUR);
  assert.equal(overlapOf({ interval: '12h' }), 12 * HOUR);
  assert.equal(overlapOf({ interval: '12h', overlap: '1h' }), HOUR);
  assert.equal(overlapOf({ overlap: '720h' }), 720 * HOUR);
  assert.equal(overlapOf({ overlap: '0s' }), 0);
});

describe('passwords that give way', () => {
  const ending = (
    valid: readonly { verifier: string; notAfter?: string }[],
    inForce = 'now',
    overlapSeconds = 4 * HOUR,
  ) =>
    endingPasswords(valid, { inForce: [inForce], now, overlapSeconds }).map((one) => `${one.verifier} ${one.notAfter}`);

  test('end after the overlap, each with its first end, and none later than an overlap that was shortened', () => {
    const valid = [
      { verifier: 'now' },
      { verifier: 'b', notAfter: at(14) },
      { verifier: 'c' },
      { verifier: 'd', notAfter: at(40) },
    ];
    assert.deepEqual(ending(valid), [`c ${at(16)}`, `d ${at(16)}`, `b ${at(14)}`]);
  });

  test('end at once where there is no overlap, or their time is over', () => {
    assert.deepEqual(ending([{ verifier: 'b' }, { verifier: 'c', notAfter: at(14) }], 'now', 0), []);
    assert.deepEqual(
      ending([
        { verifier: 'b', notAfter: at(12) },
        { verifier: 'c', notAfter: 'never' },
      ]),
      [`c ${at(16)}`],
    );
  });

  test('are no more than a relay takes beside the one in force; those that end first go', () => {
    const many = [13, 15, 14, 16, 13].map((hour, i) => ({ verifier: `${i}`, notAfter: at(hour) }));
    const left = ending(many);
    assert.equal(left.length, CREDENTIALS_MAX - 1);
    assert.deepEqual(left, [`3 ${at(16)}`, `1 ${at(15)}`, `2 ${at(14)}`, `0 ${at(13)}`]);
  });

  test('have two salts of slow hashes at the most, the one in force included', () => {
    const slow = (salt: string, hash: string) => `argon2id$m=19456,t=2,p=1$${salt}$${hash}`;
    const valid = [slow('a', '1'), slow('b', '2'), slow('c', '3'), slow('a', '4'), 'sha256$salt$5'].map((verifier) => ({
      verifier,
    }));
    assert.deepEqual(
      ending(valid, slow('a', 'now')).map((one) => one.split(' ')[0]),
      [slow('a', '1'), slow('b', '2'), slow('a', '4'), 'sha256$salt$5'],
    );
  });
});

describe('passwords that are valid', () => {
  const [mine, before] = [issuer.newPassword(user).verifier, issuer.newPassword(user).verifier];
  const record = { verifier: mine, issued: at(0), previous: [{ verifier: before, notAfter: at(20) }] };
  const valid = (accepted: AcceptedPasswords | undefined, given: typeof record | undefined = record) =>
    validPasswords(user, { accepted, record: given, issuer, now });

  test('are those that the relays were told, ended as the record says', () => {
    const told = { uid: 'u-1', credentials: [{ verifier: 'told' }, { verifier: before }] };
    assert.deepEqual(valid(told), [{ verifier: 'told' }, { verifier: before, notAfter: at(20) }]);
  });

  test('are those of the record where the relays know none of this very object', () => {
    const recorded = [{ verifier: mine }, { verifier: before, notAfter: at(20) }];
    const ofAnother = issuer.newPassword({ ...user, uid: 'u-2' }).verifier;
    assert.deepEqual(valid(undefined), recorded);
    assert.deepEqual(valid({ uid: 'u-2', credentials: [{ verifier: 'told' }] }), recorded);
    assert.deepEqual(valid({ credentials: [{ verifier: ofAnother }] }), recorded);
    assert.deepEqual(valid({ uid: 'u-1', credentials: [] }), recorded);
    assert.deepEqual(valid({ uid: 'u-1', credentials: [{ verifier: 'told', notAfter: at(12) }] }), recorded);
    assert.deepEqual(validPasswords(user, { accepted: undefined, record: undefined, issuer, now }), []);
  });

  test('that relays are known to accept are none of which they were told that it has ended', () => {
    const told = (accepted: AcceptedPasswords | undefined) => toldPasswords(user, { accepted, record, issuer, now });
    assert.deepEqual(told(undefined), []);
    assert.deepEqual(told({ uid: 'u-1', credentials: [{ verifier: mine, notAfter: at(12) }] }), []);
    assert.deepEqual(told({ uid: 'u-1', credentials: [{ verifier: mine, notAfter: at(13) }] }), [
      { verifier: mine, notAfter: at(13) },
    ]);
  });

  test('are known from documents of the relays by the salt of the object, or by its record', () => {
    const chosen = 'argon2id$m=19456,t=2,p=1$salt$hash';
    const told = { credentials: [{ verifier: chosen }, { verifier: mine }] };
    assert.deepEqual(validPasswords(user, { accepted: told, record: undefined, issuer, now }), told.credentials);
    const own = { verifier: chosen, issued: at(0), previous: [] };
    const other = { credentials: [{ verifier: chosen, notAfter: at(14) }] };
    assert.deepEqual(valid(other, own), other.credentials);
  });
});
