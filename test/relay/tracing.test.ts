/** A message whose application says which trace it belongs to, in a whole relay. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ClassDocument } from '../../relay/config/config.ts';
import { startCollector } from '../support/collector.ts';
import { closedPort, configured, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aClass, aConfig, LIST } from '../support/relay-config.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';
import { startWholeRelay } from '../support/whole-relay.ts';
import { beginMessage, logIn } from './sessions.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const FIELD = `Traceparent: 00-${TRACE}-${PARENT}-01\r\n`;

async function aRelay(t: TestContext, tracing: ClassDocument['tracing']) {
  const { lines, ...relay } = await startWholeRelay(t, aConfig({ relayClass: aClass({ tracing }) }));
  const send = async (header: string) => {
    const client = await logIn(relay);
    await beginMessage(client);
    const reply = await client.ask(`${header}\r\nhello\r\n.`);
    client.destroy();
    return reply;
  };
  const tracesOf = (message: string) => lines.filter(({ msg }) => msg === message).map(({ trace_id: id }) => id);
  return { send, tracesOf };
}

test('its lines in the log name the trace, and its spans are of one tree', async (t) => {
  const collector = await startCollector(t);
  const relay = await aRelay(t, { endpoint: collector.endpoint });
  assert.match(await relay.send(`From: orders@shop.example\r\n${FIELD}`), /^250 /);
  await until(() => collector.spans().length === 2);
  assert.deepEqual(relay.tracesOf('message'), [TRACE]);
  assert.deepEqual(relay.tracesOf('delivered'), [TRACE]);
  const submitted = collector.spans().find(({ name }) => name === 'smtp submit');
  const delivered = collector.spans().find(({ name }) => name === 'smtp deliver');
  assert.deepEqual([submitted?.traceId, submitted?.parentSpanId, submitted?.kind], [TRACE, PARENT, 2]);
  assert.deepEqual([delivered?.traceId, delivered?.parentSpanId, delivered?.kind], [TRACE, submitted?.spanId, 3]);
  assert.equal(submitted?.attributes['smtpplus.list'], LIST);
  assert.equal(submitted?.attributes['smtpplus.reply_code'], '250');
  assert.equal(delivered?.attributes['smtpplus.result'], 'delivered');
  assert.equal(submitted?.attributes['smtpplus.queue_id'], delivered?.attributes['smtpplus.queue_id']);
  assert.equal(collector.resources()[0]?.['service.name'], 'smtp-plus-relay');
  const text = collector.requests.map((request) => request.text).join('');
  assert.doesNotMatch(text, /@/, 'no address goes to a collector');
});

test('a refused message has a span that says so', async (t) => {
  const collector = await startCollector(t);
  const relay = await aRelay(t, { endpoint: collector.endpoint });
  assert.match(await relay.send(`${FIELD}From: ceo@elsewhere.example\r\n`), /^550-5\.7\.1 /);
  await until(() => collector.spans().length === 1);
  const [span] = collector.spans();
  assert.deepEqual([span?.status.code, span?.attributes['smtpplus.result']], [2, 'from_not_authorized']);
  assert.deepEqual(relay.tracesOf('message'), [TRACE]);
});

test('no span is sent of a message whose application sends none, or without a collector, but the log names the trace', async (t) => {
  const collector = await startCollector(t);
  const quiet = await aRelay(t, { endpoint: collector.endpoint });
  assert.match(await quiet.send(`From: orders@shop.example\r\n${FIELD.replace('-01', '-00')}`), /^250 /);
  assert.match(await quiet.send('From: orders@shop.example\r\n'), /^250 /);
  const without = await aRelay(t, undefined);
  assert.match(await without.send(`From: orders@shop.example\r\n${FIELD}`), /^250 /);
  assert.deepEqual(quiet.tracesOf('message'), [TRACE, undefined]);
  assert.deepEqual(without.tracesOf('message'), [TRACE]);
  // whatever was to be sent would have come before this
  assert.match(await quiet.send(`From: orders@shop.example\r\n${FIELD}`), /^250 /);
  await until(() => collector.spans().length === 2);
});

test('a message that waits keeps its trace over a restart', async (t) => {
  const folder = await folderOf(t);
  const trace = { traceId: TRACE, spanId: PARENT, isSampled: true };
  const first = await startDelivering(t, configured(aSmartHost(await closedPort())), { folder });
  await first.spool.put(aMessage({ trace }), inMemory());
  await until(() => said(first, 'deferred').length > 0, { what: 'it is deferred' });
  assert.equal(said(first, 'deferred')[0]?.['trace_id'], TRACE);
  await first.delivery.close();
  const upstream = await startUpstream(t);
  const second = await startDelivering(t, configured(upstream.smartHost()), { folder });
  await until(() => said(second, 'delivered').length > 0, { what: 'it is delivered' });
  assert.equal(said(second, 'delivered')[0]?.['trace_id'], TRACE);
});
