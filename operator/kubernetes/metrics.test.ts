import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOperatorMetrics, queueObserver } from './metrics.ts';

/** Closed sets, or what the platform owner has named (`class`). */
const BOUNDED = 'answer class kind method pass ready reason result status step type what'.split(' ');

test('no metric of the operator has a label that tenants choose', () => {
  const ours = createOperatorMetrics()
    .registry.getMetricsAsArray()
    .filter(({ name }) => name.startsWith('smtpplus_'));
  const labels = ours.flatMap((metric) => (metric as { labelNames?: string[] }).labelNames ?? []);
  assert.deepEqual([...new Set(labels)].sort(), BOUNDED);
});

test('what was worked on is counted by its kind, whatever it is called', async () => {
  const metrics = createOperatorMetrics();
  const onDone = queueObserver(metrics, () => undefined);
  const keys = ['SmtpPlusUser/shop/class.json', 'SmtpPlusList/class.json/x', 'default', 'default/class.json'];
  for (const key of [...keys, 'certificate/default', 'metrics-token/smtp-plus-default-metrics']) {
    onDone({ key, waitedMs: 1, tookMs: 1 });
  }
  const { values } = await metrics.reconciles.get();
  const kinds = values.map(({ labels }) => labels.kind);
  assert.deepEqual(kinds, ['SmtpPlusUser', 'SmtpPlusList', 'relays', 'configuration', 'certificate', 'metrics-token']);
});
