import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARD_COUNT, shardOf, tracingSettingsSchema } from './config.ts';

test('keys are spread over all shards, however many there are', () => {
  const keys = Array.from({ length: 5000 }, (_, i) => `shop/sender-${i}`);
  for (const count of [SHARD_COUNT, 4 * SHARD_COUNT]) {
    assert.equal(new Set(keys.map((key) => shardOf(key, count))).size, count);
  }
  assert.ok(keys.every((key) => shardOf(key) < SHARD_COUNT));
});

test('a collector is named by an address that may be shown', () => {
  const problemOf = (endpoint: string) => tracingSettingsSchema.safeParse({ endpoint }).error?.issues[0]?.message;
  for (const fine of ['http://collector.monitoring:4318', 'https://collector.example/otlp']) {
    assert.equal(problemOf(fine), undefined, fine);
  }
  for (const none of ['collector:4318', 'grpc://collector:4317', ''])
    assert.match(problemOf(none) ?? '', /must be an address/);
  for (const secret of ['https://me:secret@collector.example', 'https://collector.example?token=secret']) {
    assert.match(problemOf(secret) ?? '', /must have no user name, password or query/);
  }
});
