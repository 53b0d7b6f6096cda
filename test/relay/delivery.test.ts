import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, CONTENT, inMemory, metricValue } from '../support/queued.ts';
import { LIST } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

describe('delivery to a smart host', () => {
  for (const tls of ['StartTLS', 'Implicit', 'None'] as const) {
    test(`arrives octet for octet with tls ${tls} and credentials`, async (t) => {
      const credentials = { username: 'relay', password: 'secret word' };
      const upstream = await startUpstream(t, { tls, credentials });
      const relay = await startDelivering(t, configured(upstream.smartHost({ host: 'localhost' })));
      const message = aMessage({ to: ['a@x.example', 'b@y.example'] });
      await relay.spool.put(message, inMemory());
      await emptied(relay);
      assert.equal(upstream.received.length, 1);
      const [got] = upstream.received;
      assert.deepEqual(got?.bytes, CONTENT);
      assert.deepEqual([got?.from, got?.to], ['orders@shop.example', ['a@x.example', 'b@y.example']]);
      assert.deepEqual([got?.user, got?.isSecure], ['relay', tls !== 'None']);
      assert.deepEqual(
        said(relay, 'delivered').map(({ id, list, recipients, attempt }) => ({ id, list, recipients, attempt })),
        [{ id: message.id, list: LIST, recipients: 2, attempt: 1 }],
      );
      const label = `localhost:${upstream.port}`;
      assert.equal(await metricValue(relay.metrics, 'deliveries_total', { upstream: label, result: 'delivered' }), 2);
    });
  }

  test('a large content goes from its file, with every dot and every octet', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const bytes = Buffer.concat([
      CONTENT,
      Buffer.from(`..dots\r\n.\r\n\r\n${'text '.repeat(15)}\r\n`.repeat(2000)),
      Buffer.from([0xc3, 0xa4, 13, 10]),
    ]);
    await relay.spool.put(aMessage({ content: bytes, envelope: { eightBit: true } }), inMemory(bytes));
    await emptied(relay);
    assert.ok(upstream.received[0]?.bytes.equals(bytes));
    assert.equal(upstream.received[0]?.mailParameters['BODY'], '8BITMIME');
  });

  test('connections are kept for the next message, and given up after as many as the upstream wants', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(
      t,
      configured(upstream.smartHost({ maxConnections: 1, messagesPerConnection: 4 })),
    );
    for (let i = 0; i < 8; i++) await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(upstream.received.length, 8);
    assert.deepEqual([upstream.connections().total, upstream.connections().most], [2, 1]);
  });

  test('no more connections than maxConnections are open at once', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 3 })));
    await Promise.all(Array.from({ length: 60 }, () => relay.spool.put(aMessage(), inMemory())));
    await emptied(relay);
    assert.equal(upstream.received.length, 60);
    assert.ok(upstream.connections().most <= 3, `${upstream.connections().most} were open`);
  });

  test('nothing is sent where STARTTLS is required and not offered, and the password stays here', async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => (line === 'STARTTLS' ? '502 no' : undefined)),
    });
    const relay = await startDelivering(
      t,
      configured(aSmartHost(raw.port, { tls: 'StartTLS', username: 'u', password: 'secret word' })),
    );
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.deepEqual(
      raw.lines.filter((line) => /^(AUTH|MAIL|RCPT|DATA)/.test(line)),
      [],
    );
    assert.equal(relay.left().length, 1);
  });

  test('opportunistic TLS goes on without TLS, but not with a password', async (t) => {
    const plain = await startUpstream(t);
    const relay = await startDelivering(t, configured(plain.smartHost({ tls: 'Opportunistic' })));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(plain.received[0]?.isSecure, false);
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    relay.setConfig(configured(aSmartHost(raw.port, { tls: 'Opportunistic', username: 'u', password: 'secret word' })));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.deepEqual(
      raw.lines.filter((line) => /^(AUTH|MAIL)/.test(line)),
      [],
    );
  });

  for (const [what, overrides] of [
    ['by another CA', { ca: undefined }],
    ['for another name', { serverName: 'other.example' }],
  ] as const) {
    test(`a certificate ${what} is not accepted`, async (t) => {
      const upstream = await startUpstream(t, { tls: 'StartTLS' });
      const { ca, ...host } = upstream.smartHost();
      const relay = await startDelivering(
        t,
        configured({ ...host, ...('ca' in overrides ? {} : { ca, ...overrides }) }),
      );
      await relay.spool.put(aMessage(), inMemory());
      await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
      assert.deepEqual(upstream.received, []);
      assert.equal(relay.left().length, 1);
    });
  }

  test('a refused log-in defers, and what the upstream repeats of the password is not logged', async (t) => {
    const upstream = await startUpstream(t, { tls: 'StartTLS', credentials: { username: 'u', password: 'right' } });
    const relay = await startDelivering(t, configured(upstream.smartHost({ password: 'wrong-secret' })));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /log-in refused with 535/);
    assert.ok(!JSON.stringify(relay.lines).includes('wrong-secret'));
  });

  test('DSN parameters go on to an upstream that knows them, each recipient with its own', async (t) => {
    const upstream = await startUpstream(t, { isDsn: true });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    await relay.spool.put(
      aMessage({
        envelope: {
          ret: 'HDRS',
          envelopeId: 'QQ+2B314',
          recipients: [
            { address: 'a@x.example', notify: ['SUCCESS', 'FAILURE'], originalRecipient: 'rfc822;a+2Bb@x.example' },
            { address: 'b@x.example', notify: ['NEVER'] },
            { address: 'c@x.example' },
          ],
        },
      }),
      inMemory(),
    );
    await emptied(relay);
    assert.deepEqual(
      upstream.received.map(({ to }) => to),
      [['a@x.example', 'b@x.example', 'c@x.example']],
    );
    const parameters = upstream.received[0]?.recipientParameters ?? {};
    assert.equal(parameters['a@x.example']?.['NOTIFY'], 'SUCCESS,FAILURE');
    assert.equal(parameters['a@x.example']?.['ORCPT'], 'rfc822;a+b@x.example');
    assert.equal(parameters['b@x.example']?.['NOTIFY'], 'NEVER');
    assert.equal(parameters['c@x.example']?.['NOTIFY'], undefined);
    assert.deepEqual(
      [upstream.received[0]?.mailParameters['RET'], upstream.received[0]?.mailParameters['ENVID']],
      ['HDRS', 'QQ+314'],
    );
  });
});

describe('one message with an ORCPT for each of 50 recipients', () => {
  const addresses = Array.from({ length: 50 }, (_, i) => `r${i}@x.example`);
  for (const [what, isDsn, prefix] of [
    ['goes out once where each repeats its recipient', true, ''],
    ['goes out once where the upstream has no DSN', false, 'other-'],
    ['goes out once where each is another', true, 'other-'],
  ] as const) {
    test(what, async (t) => {
      const upstream = await startUpstream(t, { isDsn });
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      const recipients = addresses.map((address) => ({ address, originalRecipient: `rfc822;${prefix}${address}` }));
      await relay.spool.put(aMessage({ envelope: { recipients } }), inMemory());
      await emptied(relay);
      assert.equal(upstream.received.length, 1);
      const told = addresses.map((address) => upstream.received[0]?.recipientParameters[address]?.['ORCPT']);
      assert.deepEqual(
        told,
        addresses.map((address) => (isDsn ? `rfc822;${prefix}${address}` : undefined)),
      );
      assert.deepEqual(upstream.received.flatMap(({ to }) => to).sort(), addresses.toSorted());
      assert.deepEqual([...new Set(said(relay, 'delivered').map(({ attempt }) => attempt))], [1]);
    });
  }
});
