import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMetrics } from './metrics.ts';

/** Labels whose values are closed sets, or are set anew at each look, of so many as are shown (`namespace`, `hash`). */
const BOUNDED_OTHERWISE = 'class hash kind mechanism namespace outcome reason result stage tls'.split(' ');
const KEPT = { list: ['shop/kept'], upstream: ['kept.example:25'] };

/** Counts once of everything that names a list or a smart host. */
function countAll(metrics: ReturnType<typeof createMetrics>, { list, upstream }: { list: string; upstream: string }) {
  metrics.messages.inc({ list, result: 'accepted' });
  metrics.refusals.inc({ list, stage: 'mail', reason: 'null_sender' });
  metrics.audited.inc({ list, reason: 'null_sender' });
  metrics.guardedRecipients.inc({ list, outcome: 'refused' });
  metrics.deliveries.inc({ upstream, result: 'delivered' }, 2);
  metrics.deliverySeconds.observe({ upstream }, 0.2);
  metrics.upstreamReplies.inc({ upstream, class: '2' });
  metrics.upstreamsUnreachable.step({ upstream }, 1);
  metrics.reportsLost.inc({ upstream });
}

/** Lines that name this list or this smart host. */
async function linesOf(metrics: ReturnType<typeof createMetrics>, value: string): Promise<readonly string[]> {
  const lines = (await metrics.registry.metrics()).split('\n');
  return lines.filter((line) => line.includes(`list="${value}"`) || line.includes(`upstream="${value}"`));
}

const namesIn = (lines: readonly string[]) =>
  new Set(lines.map((line) => line.replace(/(_bucket|_sum|_count)?\{.*/, '')));

describe('labels that tenants choose', () => {
  test('are these of these metrics, and no metric has another that is not bounded', async () => {
    const metrics = createMetrics();
    countAll(metrics, { list: 'shop/one', upstream: 'one.example:25' });
    const counted = namesIn([...(await linesOf(metrics, 'shop/one')), ...(await linesOf(metrics, 'one.example:25'))]);
    const ours = metrics.registry.getMetricsAsArray().filter(({ name }) => name.startsWith('smtpplus_'));
    const labels = ours.map((metric) => ({
      name: metric.name,
      names: (metric as { labelNames?: string[] }).labelNames ?? [],
    }));
    const ofTenants = labels.filter(({ names }) => names.includes('list') || names.includes('upstream'));
    assert.deepEqual([...counted].sort(), ofTenants.map(({ name }) => name).sort());
    const others = labels.flatMap(({ names }) => names).filter((name) => name !== 'list' && name !== 'upstream');
    assert.deepEqual([...new Set(others)].sort(), BOUNDED_OTHERWISE);
  });

  test('count what has no value of its own together', async () => {
    const metrics = createMetrics();
    await metrics.show(KEPT);
    for (const name of ['x', 'y', 'z']) countAll(metrics, { list: `shop/${name}`, upstream: `${name}.example:25` });
    countAll(metrics, { list: 'shop/kept', upstream: 'kept.example:25' });
    for (const name of ['x', 'y', 'z']) {
      assert.deepEqual(await linesOf(metrics, `shop/${name}`), []);
      assert.deepEqual(await linesOf(metrics, `${name}.example:25`), []);
    }
    const others = await linesOf(metrics, 'other');
    assert.ok(others.includes('smtpplus_messages_total{list="other",result="accepted"} 3'));
    assert.ok(others.includes('smtpplus_deliveries_total{upstream="other",result="delivered"} 6'));
    assert.ok(others.includes('smtpplus_delivery_seconds_count{upstream="other"} 3'));
    assert.ok(others.includes('smtpplus_upstreams_unreachable{upstream="other"} 3'));
    assert.equal(namesIn(await linesOf(metrics, 'shop/kept')).size, 4);
  });

  test('forget what is gone, and leave the rest as it was', async () => {
    const metrics = createMetrics();
    await metrics.show({ list: ['shop/kept', 'shop/gone'], upstream: ['kept.example:25', 'gone.example:25'] });
    countAll(metrics, { list: 'shop/gone', upstream: 'gone.example:25' });
    countAll(metrics, { list: 'shop/kept', upstream: 'kept.example:25' });
    const before = [...(await linesOf(metrics, 'shop/kept')), ...(await linesOf(metrics, 'kept.example:25'))];
    await metrics.show(KEPT);
    assert.deepEqual([...(await linesOf(metrics, 'shop/gone')), ...(await linesOf(metrics, 'gone.example:25'))], []);
    assert.deepEqual(
      [...(await linesOf(metrics, 'shop/kept')), ...(await linesOf(metrics, 'kept.example:25'))],
      before,
    );
  });

  test('never make fewer than none unreachable, whatever is shown between its trouble and the end of that', async () => {
    const metrics = createMetrics();
    await metrics.show(KEPT);
    metrics.upstreamsUnreachable.step({ upstream: 'kept.example:25' }, 1);
    await metrics.show({ list: [], upstream: [] });
    assert.deepEqual(await linesOf(metrics, 'other'), ['smtpplus_upstreams_unreachable{upstream="other"} 1']);
    metrics.upstreamsUnreachable.step({ upstream: 'kept.example:25' }, -1);
    assert.deepEqual(await linesOf(metrics, 'other'), []);
    assert.deepEqual(await linesOf(metrics, 'kept.example:25'), []);
  });

  test('always name what no tenant chooses', async () => {
    const metrics = createMetrics();
    await metrics.show(KEPT);
    for (const [list, upstream] of [
      ['-', 'capture'],
      ['-', 'unresolved'],
    ] as const) {
      countAll(metrics, { list, upstream });
      assert.notDeepEqual(await linesOf(metrics, upstream), []);
      assert.notDeepEqual(await linesOf(metrics, list), []);
    }
    assert.deepEqual(await linesOf(metrics, 'other'), []);
  });
});
