/** Configuration that changes while sessions are open, and what sessions share. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { aClass, aConfig, aList, aUser, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain } from '../support/smtp-client.ts';
import { aClock, logIn, MESSAGE, start } from './sessions.ts';

describe('configuration that changes while sessions are open', () => {
  test('the next MAIL of a user made inactive is refused, and accepted again when active', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    await client.ask('RSET');
    server.config = aConfig({ users: { [USER]: aUser({ active: false }) } });
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), `525 5.7.13 SMTP+ user ${USER} is not active`);
    server.config = aConfig();
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  });

  test('a session is refused from an address no longer allowed, and only the log says why a log-in from there fails', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    server.config = aConfig({ users: { [USER]: aUser({ clientCIDRs: ['10.0.0.0/8'] }) } });
    assert.equal(
      await client.ask('MAIL FROM:<orders@shop.example>'),
      `550 5.7.1 Client address 127.0.0.1 not allowed for SMTP+ user ${USER}`,
    );
    const another = await openSecureClient(server.port, server);
    assert.match(await another.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^535 /);
    assert.match(await another.ask(`AUTH PLAIN ${plain('nobody.shop', PASSWORD)}`), /^535 /);
    assert.deepEqual(
      server.lines.map(({ stage, reason }) => [stage, reason]),
      [
        ['mail', 'client_denied'],
        ['auth', 'client_denied'],
        ['auth', 'auth_failed'],
      ],
    );
  });

  test('a user who is gone is logged out', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    server.config = aConfig({ users: {} });
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), '530 5.7.0 Authentication required');
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^535 /);
  });

  test('a session that a rotated password opened ends with the password', async (t) => {
    const clock = aClock();
    const server = await start(t, { now: clock.now });
    const client = await logIn(server);
    const verifier = aUser().credentials[0]?.verifier ?? '';
    const notAfter = new Date(Date.now() + 10_000).toISOString();
    server.config = aConfig({ users: { [USER]: aUser({ credentials: [{ verifier, notAfter }] }) } });
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    await client.ask('RSET');
    clock.aheadMs = 10_000;
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^530 /);
  });

  test('a message is judged by what holds at its DATA and at its end, too', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('MAIL FROM:<orders@shop.example>');
    await client.ask('RCPT TO:<a@b.example>');
    server.config = aConfig({ lists: { [LIST]: aList({ suspended: true }) } });
    assert.equal(await client.ask('DATA'), `550 5.7.1 SMTP+ list ${LIST} is suspended`);
    server.config = aConfig();
    assert.match(await client.ask('DATA'), /^354 /);
    server.config = aConfig({ users: { [USER]: aUser({ active: false }) } });
    await client.send(`${MESSAGE}.\r\n`);
    assert.match(await client.reply(), /^525 /);
    assert.deepEqual(server.accepted, []);
  });

  test('a session in clear text needs TLS once its list says so', async (t) => {
    const relayClass = aClass({ starttls: 'Optional' });
    const server = await start(t, {
      config: aConfig({ relayClass, lists: { [LIST]: aList({ starttls: 'Optional' }) } }),
    });
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    server.config = aConfig({ relayClass });
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^530 5\.7\.0 Must issue a STARTTLS/);
    server.config = aConfig({ relayClass, lists: { [LIST]: aList({ starttls: 'Optional' }) } });
    assert.match(await client.ask('STARTTLS'), /^220 /);
    await client.startTls({ ca: server.ca });
    await client.ask('EHLO client.example');
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^530 5\.7\.0 Authentication required/);
  });
});

describe('limits on connections', () => {
  test('one more than the source may have is turned away, until one ends', async (t) => {
    const config = aConfig({ relayClass: aClass({ session: { connectionsPerSource: 1 } }) });
    const server = await start(t, { config });
    const first = await openClient(server.port);
    await first.reply();
    const second = await openClient(server.port);
    assert.equal(await second.reply(), '421 4.7.0 Too many connections');
    assert.equal(await second.closed(), '');
    const other = await openClient(server.port, { localAddress: '127.0.0.2' });
    assert.match(await other.reply(), /^220 /);
    first.destroy();
    await until(async () => {
      const next = await openClient(server.port);
      t.after(() => next.destroy());
      return (await next.reply()).startsWith('220 ');
    });
  });

  test('a user has a number of connections, given back when they end', async (t) => {
    const server = await start(t, { config: aConfig({ users: { [USER]: aUser({ limits: { connections: 1 } }) } }) });
    const first = await logIn(server);
    const second = await openSecureClient(server.port, server);
    assert.equal(await second.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), '421 4.7.0 Too many connections');
    assert.equal(await second.closed(), '');
    first.destroy();
    await until(async () => {
      const next = await openSecureClient(server.port, server);
      t.after(() => next.destroy());
      return (await next.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`)).startsWith('235 ');
    });
  });
});
