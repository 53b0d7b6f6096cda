/** Smart hosts that tenants name, where they lead into the network of the platform: nothing is ever sent there. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { SmartHost } from '../../relay/config/config.ts';
import type { SystemLookup } from '../../relay/delivery/resolve.ts';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { CLIENT, startTokenServer, USER } from '../support/oauth.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { LIST } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

const NO_RETRY = { retryFirstSeconds: 3600, retryMostSeconds: 3600 };
const NOT_ALLOWED = /leads to no address that the relay class lets lists connect to \(allowListUpstream\.addresses\)/;
const onlyPublic = { allow: ['Public'], except: [] };
const alsoLoopback = { allow: ['Loopback'], except: [] };

/** A service that counts who connects, on IPv4 and IPv6. */
async function aService(t: TestContext): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  t.after(() => server.close());
  return { port: (server.address() as { port: number }).port, connections: () => connections };
}

function leadingTo(...answers: readonly (readonly string[])[]): { lookup: SystemLookup; asked: () => number } {
  let asked = 0;
  const lookup: SystemLookup = () => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? [];
    return Promise.resolve(answer.map((address) => ({ address })));
  };
  return { lookup, asked: () => asked };
}

async function refusal(t: TestContext, host: SmartHost, lookup?: SystemLookup): Promise<string> {
  const relay = await startDelivering(t, configured(host, { settings: NO_RETRY }), lookup && { lookup });
  await relay.spool.put(aMessage(), inMemory());
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
  assert.equal(relay.left().length, 1, 'the message waits');
  return String(said(relay, 'deferred')[0]?.['reply']);
}

describe('a smart host of a list', () => {
  const addresses = ['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0.0.0.0', '::', '64:ff9b::7f00:1'];
  for (const host of [...addresses, '0x7f000001', '0177.0.0.1', '2130706433']) {
    test(`that is written ${host} is not connected to`, async (t) => {
      const service = await aService(t);
      assert.match(await refusal(t, aSmartHost(service.port, { host, addresses: onlyPublic })), NOT_ALLOWED);
      assert.equal(service.connections(), 0);
    });
  }

  for (const address of addresses) {
    test(`whose name leads to ${address} is not connected to`, async (t) => {
      const service = await aService(t);
      const host = aSmartHost(service.port, { host: 'smtp.evil.example', addresses: onlyPublic });
      const reply = await refusal(t, host, leadingTo([address]).lookup);
      assert.match(reply, NOT_ALLOWED);
      assert.ok(!reply.includes(address), reply);
      assert.equal(service.connections(), 0);
    });
  }

  test('that has another address for the connection than for the check is connected to at the one that was checked', async (t) => {
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    const { lookup, asked } = leadingTo(['127.0.0.1'], ['127.0.0.2']);
    const host = aSmartHost(raw.port, { host: 'smtp.evil.example', addresses: alsoLoopback });
    const relay = await startDelivering(t, configured(host), { lookup });
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(asked(), 1);
  });

  test('is connected to at those of its addresses that are allowed, and at no other', async (t) => {
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    const service = createServer(() => assert.fail('connected to'));
    await new Promise<void>((resolve) => service.listen(raw.port, '127.0.0.2', resolve));
    t.after(() => service.close());
    const allowed = { allow: ['127.0.0.0/8'], except: ['127.0.0.2/32'] };
    const host = aSmartHost(raw.port, { host: 'smtp.example', addresses: allowed });
    const { lookup } = leadingTo(['127.0.0.2', '127.0.0.1']);
    const relay = await startDelivering(t, configured(host), { lookup });
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
  });

  test('that the class allows no more gets nothing of what waits, though a connection to it is open', async (t) => {
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    const host = aSmartHost(raw.port, { host: '127.0.0.1', addresses: alsoLoopback });
    const relay = await startDelivering(t, configured(host, { settings: NO_RETRY }));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    relay.setConfig(configured({ ...host, addresses: onlyPublic }, { settings: NO_RETRY }));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.equal(said(relay, 'delivered').length, 1);
    relay.setConfig(configured(host, { settings: NO_RETRY }));
    await emptied(relay);
  });

  test('is what the condition of the list will tell of', async (t) => {
    const settings = { unreachableSeconds: 0.001 };
    const host = aSmartHost(25, { host: 'smtp.evil.example', addresses: onlyPublic });
    const { lookup } = leadingTo(['10.96.0.1']);
    const relay = await startDelivering(t, configured(host, { settings }), { lookup });
    await relay.spool.put(aMessage(), inMemory());
    await until(() => JSON.stringify(relay.delivery.upstreams()).includes(LIST), { what: 'it is told' });
    assert.match(JSON.stringify(relay.delivery.upstreams()), NOT_ALLOWED);
  });

  test('is not asked for access tokens by way of an address that is not allowed', async (t) => {
    const tokens = await startTokenServer(t);
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    const oauth2 = { tokenUrl: tokens.url, ...CLIENT, user: USER };
    // the smart host itself has a public address
    const lookup: SystemLookup = (name) =>
      Promise.resolve([{ address: name === 'smtp.example' ? '192.88.98.1' : '127.0.0.1' }]);
    const host = aSmartHost(raw.port, { host: 'smtp.example', tls: 'StartTLS', oauth2, addresses: onlyPublic });
    assert.match(await refusal(t, host, lookup), /^no access token: .*leads to no address/);
    assert.deepEqual(tokens.asked, []);
  });

  test('that is named by the platform may be anywhere', async (t) => {
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port, { host: '127.0.0.1' })));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
  });
});

describe('a service that is no mail server', () => {
  const secret = 'HTTP/1.1 408 Request Timeout of admin-panel-7';
  for (const [when, scene] of Object.entries({
    'at once': { greet: (socket: Socket) => socket.write(`${secret}\r\n\r\n`) },
    'in the middle of its greeting': {
      greet: (socket: Socket) => socket.write(`220-mail\r\n${secret}\r\n`),
    },
    'to MAIL': { answer: ordinaryAnswers((line) => (line.startsWith('MAIL') ? secret : undefined)) },
  })) {
    test(`is quoted nowhere: ${when}`, async (t) => {
      const raw = await startRawUpstream(t, scene);
      const settings = { ...NO_RETRY, unreachableSeconds: 0.001 };
      // so old that the sender gets a report
      const relay = await startDelivering(
        t,
        configured(aSmartHost(raw.port), {
          settings,
          list: { delivery: { mode: 'Spool', maxAgeSeconds: 0.001, delayNoticeAfterSeconds: 0.001 } },
        }),
      );
      await relay.spool.put(aMessage(), inMemory());
      await until(() => said(relay, 'bounced').length > 0, { what: 'it bounces' });
      const told = JSON.stringify([relay.lines, relay.delivery.upstreams()]);
      assert.match(told, /unreadable reply: this is no SMTP/);
      assert.doesNotMatch(told, /HTTP|Request Timeout|admin-panel/);
    });
  }
});
