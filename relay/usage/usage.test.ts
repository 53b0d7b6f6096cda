import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { folderOf } from '../../test/support/folder.ts';
import { captureLog } from '../../test/support/queued.ts';
import { openUsage, pauseAfter, type Usage } from './usage.ts';

const HOUR = 3_600_000;
const SHOP = { list: 'shop/house', user: 'shop/orders' };

/** It stands still, in the middle of an hour. */
function aClock() {
  const clock = { aheadMs: 0, now: () => Date.UTC(2026, 10, 28, 4, 30) + clock.aheadMs };
  return clock;
}

async function open(
  t: TestContext,
  { folder, clock = aClock() }: { folder: string; clock?: ReturnType<typeof aClock> },
) {
  const { log, lines } = captureLog();
  const usage = await openUsage({ spoolFolder: folder, log, now: clock.now, everyMs: HOUR });
  usage.keep();
  t.after(() => usage.close());
  return { usage, lines };
}

function ofUser(usage: Usage) {
  return usage.report().users['shop/orders'];
}

describe('what a relay counts', () => {
  test('is there again after a restart, once', async (t) => {
    const folder = await folderOf(t);
    const { usage } = await open(t, { folder });
    usage.counter.count(SHOP, { accepted: 1, recipients: 3, bytes: 500, lastMessage: '2026-11-28T04:00:00.000Z' });
    usage.counter.count(SHOP, { refused: { auth_failed: 1 } });
    usage.counter.count(SHOP, { refused: { auth_failed: 2, too_large: 1 } });
    // what was refused in the last hour begins anew
    const { refusedLately: _, ...counted } = usage.report();
    assert.deepEqual(counted.users['shop/orders'], {
      accepted: 1,
      recipients: 3,
      bytes: 500,
      lastMessage: '2026-11-28T04:00:00.000Z',
      refused: { auth_failed: 3, too_large: 1 },
    });
    assert.deepEqual(counted.lists['shop/house'], counted.users['shop/orders']);
    await usage.close();
    for (let i = 0; i < 2; i++) {
      const { usage: again } = await open(t, { folder });
      const { refusedLately: _, ...after } = again.report();
      assert.deepEqual(after, counted);
      await again.close();
    }
  });

  test('goes after 24 hours, from the disk as well, and what nobody has used since is not there at all', async (t) => {
    const folder = await folderOf(t);
    const clock = aClock();
    const { usage } = await open(t, { folder, clock });
    usage.counter.count(SHOP, { accepted: 1, refused: { too_large: 1 } });
    clock.aheadMs = 12 * HOUR;
    usage.counter.count({ list: 'shop/house', user: 'shop/other' }, { accepted: 2 });
    assert.deepEqual(Object.keys(usage.report().users), ['shop/orders', 'shop/other']);
    clock.aheadMs = 24 * HOUR;
    const { users, lists, since } = usage.report();
    assert.deepEqual(users, { 'shop/other': { accepted: 2 } });
    assert.deepEqual(lists, { 'shop/house': { accepted: 2 } });
    assert.equal(Date.parse(since) % HOUR, 0);
    assert.ok(clock.now() - Date.parse(since) < 24 * HOUR);
    await usage.close();
    const { usage: again } = await open(t, { folder, clock });
    assert.deepEqual(again.report().users, users);
    await again.close();
    const names = await readdir(path.join(folder, 'usage'));
    assert.deepEqual(
      names.filter((name) => !name.endsWith('.json')),
      [],
    );
    assert.ok(names.length <= 3, String(names));
  });

  test('says since when it counts, where that is not so long ago', async (t) => {
    const folder = await folderOf(t);
    const clock = aClock();
    const { usage } = await open(t, { folder, clock });
    const { since } = usage.report();
    assert.ok(clock.now() - Date.parse(since) <= HOUR);
    await usage.close();
    // nobody has sent anything meanwhile, but somebody was there to count
    clock.aheadMs = 5 * HOUR;
    const { usage: again } = await open(t, { folder, clock });
    assert.equal(again.report().since, since);
  });

  test('is lost for an hour whose file is torn, which the log tells, and for no other', async (t) => {
    const folder = await folderOf(t);
    const clock = aClock();
    const { usage } = await open(t, { folder, clock });
    usage.counter.count(SHOP, { accepted: 1 });
    await usage.close();
    clock.aheadMs = HOUR;
    const { usage: second } = await open(t, { folder, clock });
    second.counter.count(SHOP, { accepted: 10 });
    await second.close();
    const files = (await readdir(path.join(folder, 'usage'))).sort().map((name) => path.join(folder, 'usage', name));
    const [, last = ''] = files;
    await writeFile(last, (await readFile(last, 'utf8')).slice(0, -5));
    const { usage: third, lines } = await open(t, { folder, clock });
    assert.deepEqual(ofUser(third), { accepted: 1 });
    const told = lines.filter(({ msg }) => msg === 'the counts of one hour are lost');
    assert.deepEqual(
      told.map(({ file }) => file),
      [last],
    );
    third.counter.count(SHOP, { accepted: 1 });
    await third.close();
    const { usage: fourth } = await open(t, { folder, clock });
    assert.deepEqual(ofUser(fourth), { accepted: 2 });
  });

  test('takes nothing that is no count from the disk', async (t) => {
    for (const content of [
      '{"user shop/orders":{"accepted":-1}}',
      '[]',
      'null',
      '{"user shop/orders":{"accepted":"1"}}',
    ]) {
      const folder = await folderOf(t);
      const clock = aClock();
      await mkdir(path.join(folder, 'usage'));
      const name = `${new Date(clock.now()).toISOString().slice(0, 13)}.json`;
      await writeFile(path.join(folder, 'usage', name), content);
      const { usage, lines } = await open(t, { folder, clock });
      assert.deepEqual(usage.report().users, {}, content);
      assert.equal(lines.length, 1, content);
    }
  });

  test('goes on where it cannot be written down, which the log tells once', async (t) => {
    const folder = await folderOf(t);
    // a file is where the folder should be
    await writeFile(path.join(folder, 'usage'), '');
    const { log, lines } = captureLog();
    const usage = await openUsage({ spoolFolder: folder, log, everyMs: 1 });
    usage.keep();
    usage.counter.count(SHOP, { accepted: 1 });
    await usage.close();
    assert.deepEqual(ofUser(usage), { accepted: 1 });
    const told = lines.filter(({ msg }) => msg === 'counts cannot be written to disk');
    assert.equal(told.length, 1);
  });

  test('is written down every second, less often where that takes long, and every few seconds on the slowest disk', () => {
    assert.deepEqual(
      [1, 100, 1500, 60_000].map((tookMs) => pauseAfter(tookMs)),
      [1000, 2000, 5000, 5000],
    );
  });
});
