import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, CONTENT, inMemory, metricValue } from '../support/queued.ts';
import { aSmartHost, startRawUpstream, startUpstream } from '../support/upstream.ts';

describe('passthrough', () => {
  test('says yes only after the upstream said yes, and puts nothing on disk', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const reply = await relay.delivery.passThrough(aMessage(), inMemory());
    assert.deepEqual([reply.code, reply.reason], [250, 'accepted']);
    assert.deepEqual(upstream.received[0]?.bytes, CONTENT);
    assert.deepEqual(relay.left(), []);
  });

  test('says what the upstream and sends to nobody where one recipient is refused', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to.startsWith('no@') ? '550 5.1.1 no such user' : undefined),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const reply = await relay.delivery.passThrough(aMessage({ to: ['yes@x.example', 'no@x.example'] }), inMemory());
    assert.equal(reply.code, 550);
    assert.match(reply.lines[0], /no@x\.example: .*no such user/);
    assert.deepEqual(upstream.received, []);
    const second = await relay.delivery.passThrough(aMessage({ to: ['yes@x.example'] }), inMemory());
    assert.equal(second.code, 250);
    const replies = (name: string) =>
      metricValue(relay.metrics, 'upstream_replies_total', { upstream: `127.0.0.1:${upstream.port}`, class: name });
    assert.deepEqual([await replies('5yz'), await replies('2yz')], [2, 1]);
  });

  test('waits for a place at the upstream, and hears at once when the relay ends', async (t) => {
    const { promise: opened, resolve: open } = Promise.withResolvers<undefined>();
    const upstream = await startUpstream(t, { onContent: () => opened });
    const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 1 })));
    const first = relay.delivery.passThrough(aMessage(), inMemory());
    const second = relay.delivery.passThrough(aMessage(), inMemory());
    open(undefined);
    assert.deepEqual([(await first).code, (await second).code], [250, 250]);
    assert.equal(upstream.connections().most, 1);
    const silent = await startRawUpstream(t, { greet: () => {} });
    relay.setConfig(configured(aSmartHost(silent.port, { maxConnections: 1 }), { settings: { connectSeconds: 60 } }));
    const replies = Promise.all([1, 2, 3].map(() => relay.delivery.passThrough(aMessage(), inMemory())));
    await until(() => silent.connections() === 1, { what: 'one is under way' });
    await relay.delivery.close();
    assert.deepEqual(
      (await replies).map(({ code }) => code),
      [451, 451, 451],
    );
  });

  test('says 451 where there is no upstream', async (t) => {
    const relay = await startDelivering(t, configured(aSmartHost(await closedPort())));
    const reply = await relay.delivery.passThrough(aMessage(), inMemory());
    assert.deepEqual([reply.code, reply.reason], [451, 'upstream_unavailable']);
  });

  describe('to recipients for whom success is to be reported', () => {
    const asked = {
      ret: 'HDRS' as const,
      envelopeId: 'QQ314',
      recipients: [
        { address: 'a@x.example', notify: ['SUCCESS', 'FAILURE'], originalRecipient: 'rfc822;a@shop.example' },
        { address: 'b@x.example', notify: ['NEVER'] },
        { address: 'c@x.example' },
      ],
    };

    test('says what is asked for each of them to an upstream with DSN, and reports nothing itself', async (t) => {
      const upstream = await startUpstream(t, { isDsn: true });
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      const reply = await relay.delivery.passThrough(aMessage({ envelope: asked }), inMemory());
      assert.equal(reply.code, 250);
      await relay.delivery.drain(5000);
      assert.equal(upstream.received.length, 1);
      const { mailParameters, recipientParameters } = upstream.received[0]!;
      assert.deepEqual([mailParameters['RET'], mailParameters['ENVID']], ['HDRS', 'QQ314']);
      assert.deepEqual(
        Object.entries(recipientParameters).map(([address, { NOTIFY, ORCPT }]) => [address, NOTIFY, ORCPT]),
        [
          ['a@x.example', 'SUCCESS,FAILURE', 'rfc822;a@shop.example'],
          ['b@x.example', 'NEVER', undefined],
          ['c@x.example', undefined, undefined],
        ],
      );
    });

    test('reports that it was relayed where the upstream has no DSN, about those who asked', async (t) => {
      const upstream = await startUpstream(t);
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      const message = aMessage({ envelope: asked });
      assert.equal((await relay.delivery.passThrough(message, inMemory())).code, 250);
      await emptied(relay);
      const [, report, ...others] = upstream.received;
      assert.deepEqual([others.length, report?.from, report?.to], [0, '', ['orders@shop.example']]);
      const text = report?.bytes.toString() ?? '';
      assert.match(text, /Original-Envelope-Id: QQ314\r\n/);
      assert.match(
        text,
        /Original-Recipient: rfc822; a@shop\.example\r\nFinal-Recipient: rfc822; a@x\.example\r\nAction: relayed/,
      );
      assert.ok(!text.includes('b@x.example') && !text.includes('c@x.example'));
      assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'relayed' }), 1);
    });

    test('reports nothing where it was not taken, nor to a sender that only an audit let through', async (t) => {
      const upstream = await startUpstream(t, {
        onContent: ({ to }) => (to.length === 3 ? '554 5.6.0 no' : undefined),
      });
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      assert.equal((await relay.delivery.passThrough(aMessage({ envelope: asked }), inMemory())).code, 554);
      const [first] = asked.recipients;
      const audited = aMessage({ envelope: { recipients: [first!] }, unverifiedSender: true });
      assert.equal((await relay.delivery.passThrough(audited, inMemory())).code, 250);
      await relay.delivery.drain(1000);
      assert.equal(upstream.received.length, 1);
      assert.deepEqual(
        said(relay, 'report withheld').map(({ kind }) => kind),
        ['relayed'],
      );
    });

    test('is still a yes where the report cannot be made, and the log says so', async (t) => {
      const upstream = await startUpstream(t);
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      relay.spool.put = () => Promise.reject(new Error('no room'));
      assert.equal((await relay.delivery.passThrough(aMessage({ envelope: asked }), inMemory())).code, 250);
      assert.equal(said(relay, 'report could not be made').length, 1);
    });
  });
});
