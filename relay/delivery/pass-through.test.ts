import { noSpans } from '../tracing/span-sender.ts';
import { uncounted } from '../usage/counter.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowAll } from './allowance.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { createSenderQueue } from './sender-queue.ts';
import { createPassThrough } from './pass-through.ts';
import { createUpstreamHealth } from './upstream-health.ts';
import { deliverySettingsSchema } from '../config/config.ts';
import { createLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { aConfig, aList } from '../../test/support/relay-config.ts';

test('a fault of ours during the probe of an upstream leaves the next probe to others', async () => {
  const breaker = createCircuitBreaker({
    settings: () => ({ firstSeconds: 1, mostSeconds: 1 }),
    random: () => 0,
  });
  for (let i = 0; i < 3; i++) breaker.heard({ kind: 'unreachable' }, 0);
  const clients = createSenderQueue<() => boolean>();
  const transport = {
    label: 'faulty',
    limit: () => 1,
    deliver: () => Promise.reject(new Error('fault')),
    sweep: () => {},
    close: () => {},
  };
  const lane = {
    transport,
    allowance: allowAll('faulty', transport, () => undefined),
    breaker,
    health: createUpstreamHealth({
      upstream: { kind: 'capture' },
      settings: () => deliverySettingsSchema.parse({}),
      onTrouble: () => undefined,
    }),
    waiting: createSenderQueue<never>(),
    clients,
    active: 0,
  };
  const now = 2000;
  const { passThrough } = createPassThrough({
    lanes: {
      of: () => lane,
      inTurn: () => [lane],
      reroute: () => new Set(),
      report: () => [],
      ended: () => {},
      close: () => {},
    },
    route: () => aConfig({ lists: { 'l/l': aList() } }),
    occupy: () => {
      breaker.begin();
      return () => {};
    },
    wake: () => clients.shift()?.(),
    sign: ({ size }, content) => Promise.resolve({ content, size }),
    now: () => now,
    isStopped: () => false,
    signalOf: () => new AbortController().signal,
    spool: undefined,
    usage: uncounted,
    spans: noSpans,
    log: createLog({ write: () => {} }),
    metrics: createMetrics(),
  });
  const envelope = { from: 'a@x.example', recipients: [{ address: 'b@x.example' }], eightBit: false };
  const message = {
    id: 'ID',
    user: 'u',
    namespace: 'n',
    list: 'l/l',
    size: 1,
    received: new Date(0).toISOString(),
    envelope,
  };
  await assert.rejects(
    passThrough(message, { head: Buffer.alloc(0), body: { kind: 'memory', bytes: Buffer.from('x') } }),
    /fault/,
  );
  assert.equal(breaker.allows(now), true);
});
