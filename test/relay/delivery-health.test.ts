/** What a relay tells of its upstreams, by what really becomes of the mail of each list. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closedPort, configured, emptied, startDelivering, type DeliveringRelay } from '../support/delivering.ts';
import { upstreamReportSchema } from '../../relay/observe/upstream-report.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory, metricValue } from '../support/queued.ts';
import { aList, LIST } from '../support/relay-config.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';

const settings = { unreachableSeconds: 0.05 };

function reported(relay: DeliveringRelay) {
  // as the operator reads it
  const { upstreams } = upstreamReportSchema.parse({
    startTime: '2026-01-01T00:00:00Z',
    upstreams: relay.delivery.upstreams(),
  });
  return upstreams.map(({ lists, trouble }) => [lists, trouble?.error]);
}

describe('what a relay tells of its upstreams', () => {
  test('is nothing before there was mail', async (t) => {
    const relay = await startDelivering(t, configured(aSmartHost(await closedPort()), { settings }));
    assert.deepEqual(reported(relay), []);
  });

  test('is trouble while one is down, with its last error, until it takes mail', async (t) => {
    const port = await closedPort();
    const down = aSmartHost(port);
    const relay = await startDelivering(
      t,
      configured(down, { settings, others: { 'shop/quiet': aList({ upstream: down }) } }),
    );
    await relay.spool.put(aMessage(), inMemory());
    const failing = [[[LIST], `127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`]];
    await until(() => JSON.stringify(reported(relay)) === JSON.stringify(failing));
    assert.equal(await metricValue(relay.metrics, 'upstreams_unreachable', { upstream: `127.0.0.1:${port}` }), 1);

    const upstream = await startUpstream(t);
    relay.setConfig(configured(upstream.smartHost(), { settings }));
    await emptied(relay);
    assert.deepEqual(reported(relay), [[[LIST], undefined]]);
    assert.equal(await metricValue(relay.metrics, 'upstreams_unreachable', { upstream: `127.0.0.1:${port}` }), 0);
  });

  test('is of a list what became of its own mail, also of what waits behind that of another', async (t) => {
    const down = aSmartHost(await closedPort());
    const others = { 'shop/second': aList({ upstream: down }), 'shop/well': aList() };
    // one attempt, then nothing is tried for long
    const slow = { ...settings, retryFirstSeconds: 3600, retryMostSeconds: 3600 };
    const relay = await startDelivering(t, configured(down, { settings: { ...settings }, others }));
    await relay.spool.put(aMessage(), inMemory());
    await relay.spool.put(aMessage({ list: 'shop/well' }), inMemory());
    await until(() => relay.delivery.upstreams().length === 2);
    relay.setConfig(configured(down, { settings: slow, others }));
    await relay.spool.put(aMessage({ list: 'shop/second' }), inMemory());
    await until(() => reported(relay)[0]?.[0]?.includes('shop/second') === true);
    const told = relay.delivery.upstreams().map(({ lists, trouble }) => [lists, trouble !== undefined]);
    assert.deepEqual(told, [
      [['shop/second', LIST], true],
      [['shop/well'], false],
    ]);
  });

  test('is nothing of a list that leads elsewhere now, or that is gone', async (t) => {
    const down = aSmartHost(await closedPort());
    const relay = await startDelivering(t, configured(down, { settings }));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => relay.delivery.upstreams().length === 1);
    relay.setConfig(configured({ kind: 'unresolved', message: 'no Secret' }, { settings }));
    await until(() => reported(relay).length === 0);
    relay.setConfig(configured(undefined, { settings }));
    await until(() => reported(relay).length === 0);
  });

  test('is trouble for clients of the passthrough who are sent away untried, too', async (t) => {
    const list = { delivery: { mode: 'Passthrough', maxAgeSeconds: 60, delayNoticeAfterSeconds: 60 } } as const;
    const down = aSmartHost(await closedPort());
    const others = { 'shop/second': aList({ upstream: down, ...list }) };
    const relay = await startDelivering(t, configured(down, { settings, list, others }));
    const send = (name: string) => relay.delivery.passThrough(aMessage({ list: name }), inMemory());
    await until(async () => {
      await send(LIST);
      return relay.delivery.upstreams()[0]?.trouble !== undefined;
    });
    relay.setConfig(
      configured(down, { settings: { ...settings, retryFirstSeconds: 3600, retryMostSeconds: 3600 }, list, others }),
    );
    // once more, so that the next probe is far away
    await until(async () => (await send(LIST)).code === 451);
    assert.equal((await send('shop/second')).code, 451);
    assert.deepEqual(relay.delivery.upstreams()[0]?.lists, ['shop/second', LIST]);
  });

  test('follows the clients of the passthrough', async (t) => {
    const list = { delivery: { mode: 'Passthrough', maxAgeSeconds: 60, delayNoticeAfterSeconds: 60 } } as const;
    const relay = await startDelivering(t, configured(aSmartHost(await closedPort()), { settings, list }));
    await until(async () => {
      await relay.delivery.passThrough(aMessage(), inMemory());
      return relay.delivery.upstreams()[0]?.trouble !== undefined;
    });
    assert.deepEqual(relay.delivery.upstreams()[0]?.lists, [LIST]);
  });
});
