/** That places are kept to in a relay: what is under way at once, by namespace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configured, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aList } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

test('namespaces that wait for the same share of places have as many messages under way', async (t) => {
  const namespaces = ['a', 'b', 'c', 'd'];
  const hosts = await Promise.all(
    namespaces.map(() => startRawUpstream(t, { answer: ordinaryAnswers((line) => (line === '.' ? '' : undefined)) })),
  );
  const lists = namespaces.map((namespace, i) => [
    `${namespace}/list`,
    aList({ upstream: aSmartHost(hosts[i]?.port ?? 0, { maxConnections: 100 }) }),
  ]);
  const others = Object.fromEntries(lists) as Record<string, ReturnType<typeof aList>>;
  const config = configured(undefined, { others, settings: { concurrency: 20, finalDotSeconds: 600 } });
  const relay = await startDelivering(t, configured(undefined, {}));
  for (let i = 0; i < 40; i++) {
    for (const namespace of namespaces) {
      await relay.spool.put(aMessage({ namespace, user: `u${i % 10}`, list: `${namespace}/list` }), inMemory());
    }
  }
  relay.setConfig(config);
  const underWay = () => hosts.map(({ lines }) => lines.filter((line) => line === '.').length);
  await until(() => underWay().reduce((sum, count) => sum + count) >= 20, { what: 'all places are taken' });
  // whatever would come on top would have been there in the turns of these
  await relay.spool.put(aMessage({ list: 'e/none' }), inMemory());
  assert.deepEqual(underWay(), [5, 5, 5, 5]);
});
