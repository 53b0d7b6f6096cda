/** Who has a place among the connections of a relay where there are more clients than places. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/eventually.ts';
import { aClass, aConfig, aSender, aUser, PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { beginMessage, logIn, MESSAGE, start } from './sessions.ts';

const PLACES = 4;

function aCrowdedRelay(t: TestContext) {
  const users = { [USER]: aUser(), 'large.other': aUser({ namespace: 'other' }) };
  const namespaces = { shop: [aSender()], other: [aSender()] };
  return start(t, { config: aConfig({ users, namespaces, relayClass: aClass({ session: { connections: PLACES } }) }) });
}

async function send(client: SmtpClient): Promise<void> {
  await beginMessage(client);
  await client.send(`${MESSAGE}.\r\n`);
  assert.match(await client.reply(), /^250 /);
}

async function isOpen(client: SmtpClient): Promise<boolean> {
  return (await client.ask('NOOP').catch(() => '')).startsWith('250 ');
}

describe('where strangers hold all places', () => {
  test('a client gets one, and keeps it once it has logged in, however many strangers come', async (t) => {
    const server = await aCrowdedRelay(t);
    const strangers = await Promise.all(
      Array.from({ length: PLACES }, () => openClient(server.port, { localAddress: '127.0.0.2' })),
    );
    for (const one of strangers) await one.reply();
    const honest = await openSecureClient(server.port, server);
    assert.equal(
      await strangers[0]?.reply(),
      '421 4.7.0 Too many connections, connect again when there is mail to send',
    );
    assert.equal(await strangers[0]?.closed(), '');
    for (let i = 0; i < 3 * PLACES; i++) await (await openClient(server.port, { localAddress: '127.0.0.2' })).reply();
    assert.match(await honest.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    for (let i = 0; i < 3 * PLACES; i++) await (await openClient(server.port, { localAddress: '127.0.0.2' })).reply();
    await send(honest);
  });

  test('in handshakes that do not come to an end, it gets one too', async (t) => {
    const server = await aCrowdedRelay(t);
    const silent = Array.from({ length: PLACES }, () => {
      const socket = connect({ port: server.implicitTlsPort, host: '127.0.0.1', localAddress: '127.0.0.2' });
      t.after(() => socket.destroy());
      return socket.on('error', () => undefined).resume();
    });
    const open = async () => (await server.metrics.connections.get()).values[0]?.value;
    await until(async () => (await open()) === PLACES);
    await send(await logIn(server));
    await until(() => silent.some((socket) => socket.closed));
  });
});

describe('where one namespace holds all places', () => {
  test('an idle connection of it makes room for a client of another', async (t) => {
    const server = await aCrowdedRelay(t);
    const large: SmtpClient[] = [];
    for (let i = 0; i < PLACES; i++) large.push(await logIn(server, 'large.other'));
    const small = await logIn(server);
    await send(small);
    assert.deepEqual(await Promise.all(large.map(isOpen)), [false, true, true, true]);
    await logIn(server, 'large.other');
    assert.equal(await isOpen(small), true);
  });

  test('its mail transactions go on, and a client more is told to come later', async (t) => {
    const server = await aCrowdedRelay(t);
    const large: SmtpClient[] = [];
    for (let i = 0; i < PLACES; i++) large.push(await logIn(server, 'large.other'));
    for (const client of large) await client.ask('MAIL FROM:<orders@shop.example>');
    const late = await openClient(server.port);
    assert.equal(await late.reply(), '421 4.7.0 Too many connections');
    for (const client of large) assert.match(await client.ask('RCPT TO:<a@b.example>'), /^250 /);
  });
});
