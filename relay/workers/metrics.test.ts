import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../observe/metrics.ts';
import { createParentMetrics } from './metrics.ts';

async function valueOf(page: Promise<{ body: string }>, name: string): Promise<number> {
  return Number(new RegExp(`^smtpplus_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec((await page).body)?.[1]);
}

function aWorker({
  messages,
  oldest,
  readAt,
  hash,
}: {
  messages: number;
  oldest: number;
  readAt: number;
  hash: string;
}) {
  const metrics = createMetrics();
  metrics.messages.inc({ list: 'shop/news', result: 'accepted' }, messages);
  metrics.messageBytes.observe(5000);
  metrics.spoolMessages.set(messages);
  metrics.spoolOldest.set(oldest);
  metrics.configTimestamp.set(readAt);
  metrics.configInfo.set({ hash }, 1);
  // as it comes out of the channel between processes
  return async () => ({ objects: JSON.parse(JSON.stringify(await metrics.registry.getMetricsAsJSON())) });
}

test('what is counted is added up, of ages the worst is told, and one configuration is one', async () => {
  const parent = createParentMetrics();
  const one = aWorker({ messages: 3, oldest: 10, readAt: 100, hash: 'a' });
  const other = aWorker({ messages: 4, oldest: 70, readAt: 90, hash: 'a' });
  const page = parent.page([await one(), await other()]);
  assert.equal(await valueOf(page, 'messages_total'), 7);
  assert.equal(await valueOf(page, 'message_bytes_count'), 2);
  assert.equal(await valueOf(page, 'spool_messages'), 7);
  assert.equal(await valueOf(page, 'spool_oldest_seconds'), 70);
  assert.equal(await valueOf(page, 'config_timestamp_seconds'), 90);
  assert.equal(await valueOf(page, 'config_info'), 1);
});

test('what a worker had counted that is gone stays counted, and what it held does not', async () => {
  const parent = createParentMetrics();
  const one = aWorker({ messages: 3, oldest: 10, readAt: 100, hash: 'a' });
  const counted = await one();
  await Promise.all([parent.keep(counted), parent.keep(counted)]);
  const page = parent.page([await one()]);
  assert.equal(await valueOf(page, 'messages_total'), 9);
  assert.equal(await valueOf(page, 'message_bytes_count'), 3);
  assert.equal(await valueOf(page, 'spool_messages'), 3);
});

test('what a worker that is gone had counted of a list that is gone is forgotten, and the rest is not', async () => {
  const parent = createParentMetrics();
  const ofTwoLists = createMetrics();
  for (const list of ['shop/news', 'shop/gone']) ofTwoLists.messages.inc({ list, result: 'accepted' }, 3);
  const objects = JSON.parse(JSON.stringify(await ofTwoLists.registry.getMetricsAsJSON()));
  await parent.keep({ objects, shown: { list: ['shop/news', 'shop/gone'], upstream: [] } });
  const starting = await parent.page([{ objects: [] }]);
  assert.match(starting.body, /list="shop\/gone"/);
  const page = await parent.page([{ objects: [], shown: { list: ['shop/news'], upstream: [] } }]);
  assert.doesNotMatch(page.body, /list="shop\/gone"/);
  assert.match(page.body, /smtpplus_messages_total\{list="shop\/news",result="accepted"\} 3/);
});
