/** Spans that go to a collector, and what becomes of them where it takes none. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createSpanSender } from '../../relay/tracing/span-sender.ts';
import type { Span } from '../../relay/tracing/otlp.ts';
import { startCollector } from '../support/collector.ts';
import { closedPort } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { captureLog, createMetrics, metricValue } from '../support/queued.ts';

const SPAN: Span = {
  name: 'smtp submit',
  kind: 'server',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: '00f067aa0ba902b7',
  parentId: 'b7ad6b7169203331',
  startMs: 1_700_000_000_000.25,
  endMs: 1_700_000_000_012,
  attributes: { 'smtpplus.list': 'shop/transactional', 'smtpplus.bytes': 812 },
  isError: false,
};

function aSender(t: TestContext, endpoint: string | undefined, options: { requestMs?: number } = {}) {
  const { log, lines } = captureLog();
  const metrics = createMetrics();
  const resource = { 'service.name': 'smtp-plus-relay' };
  const sender = createSpanSender({ endpoint: () => endpoint, resource, metrics, log, gatherMs: 1, ...options });
  t.after(sender.close);
  return { ...sender, lines, counted: (result: string) => metricValue(metrics, 'spans_total', { result }) };
}

test('a collector gets spans in the form of OTLP over HTTP', async (t) => {
  const collector = await startCollector(t);
  const sender = aSender(t, `${collector.endpoint}/`);
  sender.send(SPAN);
  sender.send({ ...SPAN, spanId: '00f067aa0ba902b8', kind: 'client', isError: true });
  await until(() => collector.spans().length === 2);
  assert.deepEqual(
    collector.requests.map(({ path, type }) => [path, type]),
    [['/v1/traces', 'application/json']],
  );
  assert.deepEqual(JSON.parse(collector.requests[0]?.text ?? ''), {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'smtp-plus-relay' } }] },
        scopeSpans: [
          {
            scope: { name: 'smtp-plus' },
            spans: [
              {
                traceId: '0af7651916cd43dd8448eb211c80319c',
                spanId: '00f067aa0ba902b7',
                parentSpanId: 'b7ad6b7169203331',
                name: 'smtp submit',
                kind: 2,
                startTimeUnixNano: '1700000000000250000',
                endTimeUnixNano: '1700000000012000000',
                attributes: [
                  { key: 'smtpplus.list', value: { stringValue: 'shop/transactional' } },
                  { key: 'smtpplus.bytes', value: { intValue: '812' } },
                ],
                status: {},
              },
              {
                traceId: '0af7651916cd43dd8448eb211c80319c',
                spanId: '00f067aa0ba902b8',
                parentSpanId: 'b7ad6b7169203331',
                name: 'smtp submit',
                kind: 3,
                startTimeUnixNano: '1700000000000250000',
                endTimeUnixNano: '1700000000012000000',
                attributes: [
                  { key: 'smtpplus.list', value: { stringValue: 'shop/transactional' } },
                  { key: 'smtpplus.bytes', value: { intValue: '812' } },
                ],
                status: { code: 2 },
              },
            ],
          },
        ],
      },
    ],
  });
  await until(async () => (await sender.counted('sent')) === 2);
});

test('what a collector does not take is lost, counted, and told of once', async (t) => {
  const collector = await startCollector(t, () => 503);
  const sender = aSender(t, collector.endpoint);
  sender.send(SPAN);
  await until(async () => (await sender.counted('failed')) === 1);
  sender.send(SPAN);
  await until(async () => (await sender.counted('failed')) === 2);
  assert.deepEqual(
    sender.lines.map(({ event, problem, spans }) => [event, problem, spans]),
    [['tracing', 'HTTP 503', 1]],
  );
});

test('a collector cannot send a relay elsewhere', async (t) => {
  const collector = await startCollector(t, () => 307);
  const sender = aSender(t, collector.endpoint);
  sender.send(SPAN);
  await until(async () => (await sender.counted('failed')) === 1);
  assert.deepEqual(
    collector.requests.map(({ path }) => path),
    ['/v1/traces'],
  );
});

test('a collector that is not there costs nothing but the spans', async (t) => {
  const sender = aSender(t, `http://127.0.0.1:${await closedPort()}`);
  sender.send(SPAN);
  await until(async () => (await sender.counted('failed')) === 1);
  assert.match(String(sender.lines[0]?.['problem']), /ECONNREFUSED/);
});

test('a collector that hangs keeps no more than a few thousand spans in memory, and one request open', async (t) => {
  const collector = await startCollector(t, () => undefined);
  const sender = aSender(t, collector.endpoint);
  sender.send(SPAN);
  await until(() => collector.requests.length === 1);
  for (let i = 0; i < 5000; i++) sender.send(SPAN);
  assert.equal(await sender.counted('dropped'), 5000 - 4096);
  assert.equal(collector.requests.length, 1);
});

test('a request that takes too long is given up, and the next spans get through', async (t) => {
  let hangs = true;
  const collector = await startCollector(t, () => (hangs ? undefined : 200));
  const sender = aSender(t, collector.endpoint, { requestMs: 300 });
  sender.send(SPAN);
  await until(async () => (await sender.counted('failed')) === 1);
  hangs = false;
  await until(async () => {
    sender.send(SPAN);
    return (await sender.counted('sent')) > 0;
  });
});

test('a burst goes out in several requests', async (t) => {
  const collector = await startCollector(t);
  const sender = aSender(t, collector.endpoint);
  for (let i = 0; i < 1200; i++) sender.send(SPAN);
  await until(async () => (await sender.counted('sent')) === 1200);
  assert.equal(collector.spans().length, 1200);
  assert.equal(collector.requests.length, 3);
});

test('what waits is sent at the end', async (t) => {
  const collector = await startCollector(t);
  const sender = aSender(t, collector.endpoint);
  sender.send(SPAN);
  await sender.close();
  assert.equal(collector.spans().length, 1);
});
