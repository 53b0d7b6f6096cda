/** A user whom a slip of configuration keeps from sending: who has the password hears so, and is never locked out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RelayConfig, UnusableUser } from '../../relay/config/config.ts';
import { aClass, aConfig, aList, LIST, PASSWORD, USER, VERIFIER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain } from '../support/smtp-client.ts';
import { logIn, start } from './sessions.ts';

const unusable: UnusableUser = {
  object: 'shop/orders',
  namespace: 'shop',
  credentials: [{ verifier: VERIFIER }],
  clientCIDRs: [],
};
const NOT_USABLE = `454 4.7.0 SMTP+ user ${USER} is not usable at present; see its status`;
const WRONG = '535 5.7.8 Authentication credentials invalid';
const relayClass = aClass({ session: { failedLogins: 3 } });

function slip(more: Partial<UnusableUser> = {}, starttls = relayClass): RelayConfig {
  return aConfig({ relayClass: starttls, users: {}, unusable: { [USER]: { ...unusable, ...more } } });
}

describe('a user who is not usable', () => {
  test('hears so with the right password, as often as it tries, and can log in as soon as that is mended', async (t) => {
    const server = await start(t, { config: slip() });
    const client = await openSecureClient(server.port, server);
    for (let i = 0; i < 10; i++) assert.equal(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), NOT_USABLE);
    server.config = aConfig({ relayClass });
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    assert.deepEqual([server.lines[0]?.['reason'], server.lines[0]?.['user']], ['user_unusable', USER]);
  });

  test('is told which list does not exist, where that is the reason', async (t) => {
    const server = await start(t, { config: slip({ missingList: 'shop/x' }) });
    const client = await openSecureClient(server.port, server);
    const reply = await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
    assert.equal(reply, '454 4.7.0 SMTP+ list shop/x does not exist (any more)');
  });

  test('is as nobody with a wrong password, an expired one, or from an address that it does not allow', async (t) => {
    const expired = [{ verifier: VERIFIER, notAfter: '2020-01-01T00:00:00Z' }];
    for (const [config, password] of [
      [slip(), 'guess'],
      [slip({ credentials: expired }), PASSWORD],
      [slip({ clientCIDRs: ['10.0.0.0/8'] }), PASSWORD],
    ] as const) {
      const server = await start(t, { config });
      const client = await openSecureClient(server.port, server);
      for (let i = 0; i < 3; i++) assert.equal(await client.ask(`AUTH PLAIN ${plain(USER, password)}`), WRONG);
      assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^421 4\.7\.0 Too many failed logins/);
    }
  });

  test('is told in clear text too, but only where its class takes log-ins there', async (t) => {
    const server = await start(t, { config: slip({}, aClass({ starttls: 'Optional' })) });
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    assert.equal(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), NOT_USABLE);
    server.config = slip();
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^538 /);
  });

  test('keeps its open session: refused for now, and served again without another log-in', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    server.config = slip();
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), NOT_USABLE);
    server.config = aConfig();
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    server.config = slip({ credentials: [] });
    await client.ask('RSET');
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), '530 5.7.0 Authentication required');
  });

  test('hears the same where the configuration has no room for its list', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    server.config = aConfig({ lists: { 'shop/other': aList() } });
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), NOT_USABLE);
    const another = await openSecureClient(server.port, server);
    assert.equal(await another.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), NOT_USABLE);
    server.config = aConfig({ lists: { [LIST]: aList() } });
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  });
});
