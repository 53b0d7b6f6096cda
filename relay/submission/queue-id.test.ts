import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQueueId } from './queue-id.ts';

test('queue ids sort by time and are never the same', () => {
  const times = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000];
  const ids = times.map(createQueueId);
  assert.deepEqual(ids.toSorted(), ids);
  assert.ok(ids.every((id) => /^[0-9A-HJKMNP-TV-Z]{18}$/.test(id)));
  assert.equal(new Set(Array.from({ length: 1000 }, () => createQueueId(5))).size, 1000);
});
