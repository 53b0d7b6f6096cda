import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aConfig, aUser, USER } from '../../test/support/relay-config.ts';
import { deadCredentials, tellDeadCredentials } from './dead-credentials.ts';
import { createLog } from './log.ts';

const [OLD, NEW] = [{ verifier: 'sha256$old' }, { verifier: 'sha256$new' }];
const withUser = (...credentials: { verifier: string }[]) => aConfig({ users: { [USER]: aUser({ credentials }) } });
const NOBODY = aConfig({ users: {} });

describe('credentials that a change has ended', () => {
  test('are those of a user who is gone', () => {
    assert.deepEqual(deadCredentials(withUser(OLD), NOBODY), [{ user: USER, object: 'shop/orders', what: 'user' }]);
  });

  test('are passwords that were replaced, once they are valid no more', () => {
    const password = [{ user: USER, object: 'shop/orders', what: 'password' }];
    assert.deepEqual(deadCredentials(withUser(OLD), withUser(NEW)), password);
    assert.deepEqual(deadCredentials(withUser(OLD, NEW), withUser(NEW)), password);
    assert.deepEqual(deadCredentials(withUser(OLD), withUser(OLD, NEW)), []);
  });

  test('are not those of a user who cannot be served at present, nor of one who comes', () => {
    const unusable = { [USER]: { object: 'shop/orders', namespace: 'shop', credentials: [OLD], clientCIDRs: [] } };
    assert.deepEqual(deadCredentials(withUser(OLD), aConfig({ users: {}, unusable })), []);
    assert.deepEqual(deadCredentials(NOBODY, withUser(OLD)), []);
    assert.deepEqual(deadCredentials(aConfig({ users: {}, unusable }), NOBODY).length, 1);
  });

  test('are told in so many lines, however many end at once', () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLog({ write: (line) => void lines.push(JSON.parse(line)) });
    const users = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`user-${i}.shop`, aUser()]));
    tellDeadCredentials(aConfig({ users }), NOBODY, log);
    assert.equal(lines.length, 21);
    assert.deepEqual([lines[0]?.['user'], lines[0]?.['level'], lines.at(-1)?.['more']], ['user-0.shop', 'warn', 80]);
  });
});
