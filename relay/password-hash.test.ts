import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { describe, test } from 'node:test';
import { argon2idVerifier, findVerifier, NOBODYS_VERIFIER, sha256Verifier, verifyPassword } from './password-hash.ts';

const salt = Buffer.from('0123456789abcdef');

describe('a verifier', () => {
  test('fits the generated password that it was made of, and no other', async () => {
    const verifier = sha256Verifier('correct horse', salt);
    assert.equal(await verifyPassword('correct horse', verifier), true);
    assert.equal(await verifyPassword('correct horsf', verifier), false);
    assert.equal(await verifyPassword('', verifier), false);
  });

  test('fits the chosen password that it was made of, and no other', async () => {
    const verifier = await argon2idVerifier('Tr0ub4dor&3', salt);
    assert.match(verifier, /^argon2id\$m=19456,t=2,p=1\$/);
    assert.equal(await verifyPassword('Tr0ub4dor&3', verifier), true);
    assert.equal(await verifyPassword('Tr0ub4dor&4', verifier), false);
  });

  test('is the same for the same password and salt, so that a restart changes no configuration', async () => {
    assert.equal(sha256Verifier('p', salt), sha256Verifier('p', salt));
    assert.notEqual(sha256Verifier('p', salt), sha256Verifier('p', Buffer.from('fedcba9876543210')));
  });

  test('is found among several at the cost of one slow hash for each salt', async () => {
    const other = Buffer.from('fedcba9876543210');
    const chosen = await Promise.all(['one', 'two', 'three', 'four'].map((text) => argon2idVerifier(text, salt)));
    const verifiers = [...chosen, sha256Verifier('five', salt)];
    for (const [index, password] of ['one', 'two', 'three', 'four', 'five', 'six'].entries()) {
      const { found, hashes } = await counting(() => findVerifier(password, verifiers));
      assert.deepEqual([found, hashes], [verifiers[index], 1], password);
    }
    const elsewhere = await argon2idVerifier('seven', other);
    assert.deepEqual(await counting(() => findVerifier('seven', [...verifiers, elsewhere])), {
      found: elsewhere,
      hashes: 2,
    });
  });

  test('that is malformed, too costly or of nobody fits no password', async () => {
    const malformed = [
      '',
      'sha256$',
      'md5$x$y',
      'plain',
      `argon2id$m=9999999,t=1,p=1$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`,
      NOBODYS_VERIFIER,
    ];
    for (const verifier of malformed) assert.equal(await verifyPassword('', verifier), false, verifier);
  });
});

/** Counts the slow hashes that something takes. */
async function counting<Found>(find: () => Promise<Found>): Promise<{ found: Found; hashes: number }> {
  let hashes = 0;
  const hook = createHook({
    init: (_, type) => {
      if (type === 'ARGON2REQUEST') hashes += 1;
    },
  }).enable();
  const found = await find();
  hook.disable();
  return { found, hashes };
}
