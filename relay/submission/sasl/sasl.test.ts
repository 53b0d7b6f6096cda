import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeBase64, isUserName, malformed } from './mechanism.ts';
import { parsePlain } from './plain.ts';
import { replies } from '../../replies.ts';

describe('SASL', () => {
  test('base64 is strict: no garbage, no missing padding, no broken UTF-8', () => {
    assert.equal(decodeBase64('AGEAYg=='), '\0a\0b');
    assert.equal(decodeBase64(''), '');
    for (const line of ['AGEAYg', 'AGE AYg==', 'AGEAYg==!', '====', 'A', '-_-_', '/w==']) {
      assert.equal(decodeBase64(line), undefined, line);
    }
  });

  test('PLAIN names the user, and nobody else to act as', () => {
    assert.deepEqual(parsePlain('\0u\0p'), { user: 'u', password: 'p' });
    assert.deepEqual(parsePlain('u\0u\0p'), { user: 'u', password: 'p' });
    assert.deepEqual(parsePlain('root\0u\0p'), replies.authIdentity());
  });

  test('PLAIN without a user, a password, or exactly two NULs is malformed', () => {
    for (const message of ['', 'u', 'u\0p', 'u\0\0p', '\0u\0', '\0u\0p\0', '\0u\nv\0p', `\0${'u'.repeat(256)}\0p`]) {
      assert.deepEqual(parsePlain(message), malformed(), JSON.stringify(message));
    }
  });

  test('a user name holds nothing that could forge a line of a log', () => {
    assert.equal(isUserName('orders.shop'), true);
    assert.equal(isUserName('bücher@shop.example'), true);
    for (const name of ['', 'a\r\nb', 'a\u0085b', 'a\u2028b', 'a\u202eb', 'a\u200bb']) {
      assert.equal(isUserName(name), false, JSON.stringify(name));
    }
  });
});
