import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closedPort, configured, startDelivering } from '../support/delivering.ts';
import { aMessage, CONTENT, eventually, inMemory, metricValue } from '../support/queued.ts';
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
    await eventually('one is under way', () => silent.connections() === 1);
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
});
