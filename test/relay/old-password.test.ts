/** A log-in with a password that has given way to another, while both are accepted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Verifier } from '../../relay/password-hash.ts';
import { aConfig, aUser, PASSWORD, USER, VERIFIER } from '../support/relay-config.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';
import { start } from './sessions.ts';

const HOUR_MS = 3_600_000;
const NEW_PASSWORD = 'another-horse-battery-staple';

test('is told in the log, once an hour for each user, and never with the password', async (t) => {
  const until = new Date(Date.now() + 24 * HOUR_MS).toISOString();
  const inForce = { verifier: sha256Verifier(NEW_PASSWORD, Buffer.alloc(16, 8)) };
  const user = aUser({ credentials: [inForce, { verifier: VERIFIER, notAfter: until }] });
  let ahead = 0;
  const server = await start(t, {
    config: aConfig({ users: { [USER]: user, 'other.shop': { ...user, object: 'shop/other' } } }),
    monotonicNow: () => performance.now() + ahead,
  });
  const logIn = async (name: string, password: string) => {
    const client = await openSecureClient(server.port, server);
    assert.match(await client.ask(`AUTH PLAIN ${plain(name, password)}`), /^235 /);
    client.destroy();
  };
  const told = () => server.lines.filter(({ event }) => event === 'credential');

  await logIn(USER, NEW_PASSWORD);
  assert.deepEqual(told(), []);
  for (let i = 0; i < 3; i++) await logIn(USER, PASSWORD);
  await logIn('other.shop', PASSWORD);
  assert.deepEqual(
    told().map(({ level, user: name, object, remote, until: end }) => [level, name, object, remote, end]),
    [
      ['warn', USER, 'shop/orders', '127.0.0.1', until],
      ['warn', 'other.shop', 'shop/other', '127.0.0.1', until],
    ],
  );
  ahead = HOUR_MS;
  await logIn(USER, PASSWORD);
  assert.equal(told().length, 3);
  assert.equal(JSON.stringify(server.lines).includes(PASSWORD), false);
  assert.equal(JSON.stringify(server.lines).includes(VERIFIER), false);
});
