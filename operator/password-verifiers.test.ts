import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifyPassword } from '../relay/password-hash.ts';
import type { SecretView } from './core/model.ts';
import { createPasswordVerifiers } from './password-verifiers.ts';

function secretOf(namespace: string, name: string, password: string): SecretView {
  const nothing = { labels: {}, annotations: {}, verifiers: {} };
  return { namespace, name, type: 'Opaque', data: { password }, ...nothing };
}

describe('verifiers of passwords that people chose', () => {
  const saltFor = (): Buffer => Buffer.alloc(16, 7);

  test('fit the password without the newline at its end', async () => {
    const withVerifiers = createPasswordVerifiers(saltFor);
    const { verifiers } = await withVerifiers(secretOf('shop', 'own', 'a good password\n'), ['password']);
    assert.ok(await verifyPassword('a good password', verifiers['password'] ?? ''));
  });

  test('are made for one namespace after the other, however many one of them asks for', async () => {
    const withVerifiers = createPasswordVerifiers(saltFor);
    const order: string[] = [];
    const make = async (namespace: string, name: string): Promise<void> => {
      await withVerifiers(secretOf(namespace, name, `password of ${name}`), ['password']);
      order.push(namespace);
    };
    const crowd = Array.from({ length: 20 }, (_, i) => make('crowd', `s${i}`));
    await Promise.all([...crowd, make('shop', 'own')]);
    assert.ok(order.indexOf('shop') < 6, order.join(' '));
  });
});
