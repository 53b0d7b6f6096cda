import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf } from '../support/folder.ts';
import { torture } from './torture.ts';

/** Answers that are not on disk yet (UNRECORDED_MAX in deliver.ts), and connections to the upstream. */
const TWICE_MOST = 128 + 10;

for (const workers of [1, 2]) {
  const who = workers === 1 ? 'a relay that is' : 'a relay whose two workers and parent are';
  test(
    `${who} killed again and again under load loses nothing, sends twice only what a kill explains, and counts nothing twice`,
    { timeout: 1_200_000 },
    async (t) => {
      const kills = 6;
      const result = await torture(t, await folderOf(t), { kills, workers, mostMs: 1000, least: 5 });
      assert.ok(result.acknowledged >= kills * 5, JSON.stringify(result));
      assert.deepEqual(result.lost, []);
      assert.deepEqual(result.unexplained, []);
      const { accepted, delivered } = result.counted;
      assert.ok(accepted <= result.arrived && delivered <= result.arrived, JSON.stringify(result));
      assert.ok(result.twice <= kills * TWICE_MOST, `${result.twice} came twice`);
    },
  );
}
