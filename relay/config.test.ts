import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARD_COUNT, shardOf } from './config.ts';

test('keys are spread over all shards, however many there are', () => {
  const keys = Array.from({ length: 5000 }, (_, i) => `shop/sender-${i}`);
  for (const count of [SHARD_COUNT, 4 * SHARD_COUNT]) {
    assert.equal(new Set(keys.map((key) => shardOf(key, count))).size, count);
  }
  assert.ok(keys.every((key) => shardOf(key) < SHARD_COUNT));
});
