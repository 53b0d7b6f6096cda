import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { needsCommand, run } from '../test/support/commands.ts';
import { randomPassword } from './random-password.ts';

/** The same choice throughout: what a password looks like at its most extreme. */
const EXTREMES = Array.from({ length: 62 }, (_, i) => randomPassword((bound) => Math.min(i, bound - 1)));

/** Any password that there can be: the choices are fast-check's. */
const chosen = fc
  .infiniteStream(fc.nat({ max: 2 ** 31 - 1 }))
  .map((numbers) => randomPassword((bound) => (numbers.next().value ?? 0) % bound));

const passwords = fc.oneof(chosen, fc.constantFrom(...EXTREMES));

describe('a generated password', () => {
  test('consists of letters and digits, and begins with a letter', () => {
    fc.assert(fc.property(passwords, (password) => assert.match(password, /^[A-Za-z][A-Za-z0-9]{31}$/)));
  });

  test('carries 128 random bits or more', () => {
    const bounds: number[] = [];
    randomPassword((bound) => {
      bounds.push(bound);
      return 0;
    });
    const bits = bounds.reduce((sum, bound) => sum + Math.log2(bound), 0);
    assert.ok(bits >= 128, `${bits} bits`);
    assert.equal(new Set(EXTREMES).size, 62, 'each choice makes another password');
  });

  test('differs each time', () => {
    assert.equal(new Set(Array.from({ length: 1000 }, () => randomPassword())).size, 1000);
  });

  test('is the same text to YAML 1.1 and 1.2 without quotes, in a list or as a value', () => {
    for (const version of ['1.1', '1.2'] as const) {
      const read = (text: string): unknown => parse(text, { version });
      fc.assert(
        fc.property(passwords, (password) => {
          assert.equal(read(password), password);
          assert.deepEqual(read(`password: ${password} # a comment`), { password });
          assert.deepEqual(read(`[${password}, {${password}: ${password}}]`), [password, { [password]: password }]);
        }),
      );
    }
  });

  test('stands in a URL as it is', () => {
    fc.assert(
      fc.property(passwords, (password) => {
        assert.equal(encodeURIComponent(password), password);
        const url = new URL(`smtp://orders.shop:${password}@relay.example:2525`);
        assert.deepEqual([url.username, url.password, url.host], ['orders.shop', password, 'relay.example:2525']);
      }),
    );
  });

  test('is one word to a shell without quotes', async () => {
    const many = [...fc.sample(passwords, 1000), ...EXTREMES];
    const { stdout } = await run('sh', ['-c', `printf '%s\\n' ${many.join(' ')}`]);
    assert.deepEqual(stdout.trimEnd().split('\n'), many);
  });

  test('is no option to swaks, nor anything that it would read from elsewhere', async (t) => {
    if (!needsCommand(t, 'swaks')) return;
    // it takes a tenth of a second each
    for (const password of [...fc.sample(passwords, 8), ...EXTREMES.slice(0, 4)]) {
      const { stdout } = await run('sh', ['-c', `swaks --dump AUTH --auth-user x --auth-password ${password} --to x`]);
      assert.match(stdout, new RegExp(`^  password       = '${password}'$`, 'm'));
    }
  });
});
