import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf } from '../support/folder.ts';
import { tortureHandovers } from './torture.ts';

test('hand-overs whose sides are killed at any moment bring every message once', async (t) => {
  const result = await tortureHandovers(await folderOf(t), { handovers: 4, messagesEach: 60, mostMs: 150 });
  assert.deepEqual([result.lost, result.twice], [[], []], JSON.stringify(result));
});
