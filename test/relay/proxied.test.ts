/** Clients behind a load balancer: whose connection it is, and what follows from that. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/eventually.ts';
import { aClass, aConfig, aSender, aUser, PASSWORD, USER } from '../support/relay-config.ts';
import { v1, v2 } from '../support/proxy-header.ts';
import { openClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { beginMessage, MESSAGE, start } from './sessions.ts';

const BALANCER = '127.0.0.9';
const INSIDE = 'inside.shop';
const FAR = [198, 51, 100, 7];

function aRelay(t: TestContext, session: object = {}) {
  return start(t, {
    config: aConfig({
      users: { [USER]: aUser(), [INSIDE]: aUser({ clientCIDRs: ['203.0.113.0/24'] }) },
      namespaces: { shop: [aSender()] },
      relayClass: aClass({ session: { trustedProxies: ['127.0.0.8/31'], ...session } }),
    }),
  });
}
type Relay = Awaited<ReturnType<typeof aRelay>>;

/** Through the load balancer, up to the EHLO after STARTTLS. */
async function through(server: Relay, header: Buffer): Promise<SmtpClient> {
  const client = await openClient(server.port, { ca: server.ca, localAddress: BALANCER });
  await client.send(header);
  assert.match(await client.reply(), /^220 /);
  await client.ask('EHLO client.example');
  await client.ask('STARTTLS');
  await client.startTls();
  await client.ask('EHLO client.example');
  return client;
}

const logIn = (client: SmtpClient, user = USER, password = PASSWORD) =>
  client.ask(`AUTH PLAIN ${plain(user, password)}`);

async function turnedAway(server: Relay, octets: Buffer | string): Promise<string> {
  const client = await openClient(server.port, { localAddress: BALANCER });
  await client.send(octets);
  return client.closed();
}

describe('a client behind a trusted load balancer', () => {
  test('is known by the address in the header, in the trace fields and in the log', async (t) => {
    const server = await aRelay(t);
    for (const header of [v1('203.0.113.7'), v2({ source: [203, 0, 113, 7] })]) {
      const client = await through(server, header);
      assert.match(await logIn(client), /^235 /);
      await beginMessage(client);
      await client.send(`${MESSAGE}.\r\n`);
      assert.match(await client.reply(), /^250 /);
      assert.match(
        await server.contentOf(server.accepted.at(-1)),
        /^Received: from client\.example \(\[203\.0\.113\.7\]\)/,
      );
      assert.equal(server.lines.findLast(({ msg }) => msg === 'message')?.['remote'], '203.0.113.7');
    }
  });

  test('is judged by that address where its user may come from some only', async (t) => {
    const server = await aRelay(t);
    assert.match(await logIn(await through(server, v1('203.0.113.7')), INSIDE), /^235 /);
    assert.match(await logIn(await through(server, v2({ source: FAR })), INSIDE), /^535 /);
    // what is said of nobody counts as the load balancer's own
    assert.match(await logIn(await through(server, v2({ command: 0x20, source: [203, 0, 113, 7] })), INSIDE), /^535 /);
    assert.match(await logIn(await through(server, v2({ family: 0x31 }))), /^235 /);
  });

  test('is locked out alone', async (t) => {
    const server = await aRelay(t, { failedLogins: 1 });
    const guesser = await through(server, v2({ source: FAR }));
    assert.match(await logIn(guesser, USER, 'wrong'), /^535 /);
    assert.match(await logIn(guesser), /^421 4\.7\.0 Too many failed logins/);
    assert.match(await logIn(await through(server, v1('203.0.113.7'))), /^235 /);
  });

  test('has a number of connections of its own', async (t) => {
    const server = await aRelay(t, { connectionsPerSource: 1 });
    await through(server, v2({ source: FAR }));
    const more = await openClient(server.port, { localAddress: BALANCER });
    await more.send(v2({ source: FAR }));
    assert.equal(await more.reply(), '421 4.7.0 Too many connections');
    await through(server, v1('203.0.113.7'));
  });

  test('begins its handshake after the header where TLS comes first, in one segment or in two', async (t) => {
    const server = await aRelay(t);
    for (const pause of [false, true]) {
      const client = await openClient(server.implicitTlsPort, { ca: server.ca, localAddress: BALANCER });
      await client.send(v2({ source: [203, 0, 113, 7] }));
      if (pause) await new Promise((resolve) => setImmediate(resolve));
      await client.startTls();
      assert.match(await client.reply(), /^220 /);
      await client.ask('EHLO client.example');
      assert.match(await logIn(client, INSIDE), /^235 /);
    }
  });

  test('may send its first command with the header', async (t) => {
    const server = await aRelay(t);
    const client = await openClient(server.port, { localAddress: BALANCER });
    await client.send(Buffer.concat([v1('203.0.113.7'), Buffer.from('NOOP\r\n')]));
    assert.match(await client.reply(), /^220 /);
    assert.match(await client.reply(), /^250 /);
  });
});

describe('a trusted load balancer', () => {
  test('that sends no header, or a broken one, is told so, and so is the log', async (t) => {
    const server = await aRelay(t);
    assert.match(
      await turnedAway(server, 'EHLO client.example\r\n'),
      /^421 4\.7\.0 Load balancer sent no readable PROXY header: it does not begin with one\r\n$/,
    );
    assert.match(await turnedAway(server, v2({ command: 0x31 })), /its version is 3/);
    const line = server.lines.findLast(({ reason }) => reason === 'proxy_header');
    assert.deepEqual([line?.['level'], line?.['remote']], ['warn', BALANCER]);
  });

  test('that only looks whether the port is open leaves no line in the log', async (t) => {
    const server = await aRelay(t);
    const probe = await openClient(server.port, { localAddress: BALANCER });
    probe.socket().end();
    assert.equal(await probe.closed(), '');
    assert.deepEqual(server.lines, []);
  });

  test('holds no more connections without a header than there may be connections', async (t) => {
    const server = await aRelay(t, { connections: 2 });
    const silent = [];
    for (let i = 0; i < 2; i++) silent.push(await openClient(server.port, { localAddress: BALANCER }));
    const more = await openClient(server.port, { localAddress: BALANCER });
    assert.equal(await more.reply(), '421 4.7.0 Too many connections');
    for (const client of silent) client.destroy();
  });

  test('that has not spoken yet does not keep the relay from ending', async (t) => {
    const server = await aRelay(t);
    const silent = await openClient(server.port, { localAddress: BALANCER });
    // whoever comes after it has its greeting: so it has arrived
    await (await openClient(server.port)).reply();
    await server.server.drain(0);
    assert.equal(await silent.closed(), '');
  });

  test('is trusted as soon as the configuration says so, and no longer', async (t) => {
    const server = await aRelay(t);
    server.config = aConfig({ users: { [USER]: aUser() } });
    const client = await openClient(server.port, { localAddress: BALANCER });
    assert.match(await client.reply(), /^220 /);
  });
});

describe('anybody else', () => {
  test('is not believed, and hears why', async (t) => {
    const server = await aRelay(t);
    const client = await openClient(server.port);
    await client.send(v1('203.0.113.7'));
    assert.match(await client.reply(), /^220 /);
    assert.equal(
      await client.reply(),
      '550 5.7.0 PROXY header not accepted from 127.0.0.1: it is not in session.trustedProxies',
    );
    assert.equal(await client.closed(), '');
    await until(() => server.lines.some(({ reason }) => reason === 'proxy_untrusted'));
    const binary = await openClient(server.port);
    await binary.send(v2({ source: [203, 0, 113, 7] }));
    assert.match(await binary.reply(), /^220 /);
    assert.match(await binary.reply(), /^500 /);
    assert.equal(
      server.lines.some(({ remote }) => remote === '203.0.113.7'),
      false,
    );
  });
});
