import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { folderOf } from '../support/folder.ts';
import { troublesOf } from './judge.ts';
import { traffic } from './traffic.ts';

describeWithControlPlane('what statuses say of mail', (cluster) => {
  const long = { timeout: 1_200_000 };
  test(
    'is what the log says but for what relays that were killed had not written down, whoever is killed',
    long,
    async (t) => {
      const result = await traffic(t, await folderOf(t), cluster(), { messages: 600, kills: 4 });
      assert.deepEqual(troublesOf(result), [], JSON.stringify(result.totals));
      assert.ok(result.acknowledged >= 600);
    },
  );
});
