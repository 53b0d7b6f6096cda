/** Spools beside each other on one disk, as workers have them, and the end of one. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../relay/spool/spool.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, createMetrics, inMemory } from '../support/queued.ts';

function openIn(folder: string, sharers = 1) {
  const { log } = captureLog();
  return openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0, sharers });
}

describe('a spool that is given up', () => {
  test('is removed where it is empty', async (t) => {
    const folder = path.join(await folderOf(t), 'spool');
    const spool = await openIn(folder);
    const message = aMessage();
    await spool.put(message, inMemory());
    assert.equal(spool.isEmpty(), false);
    await spool.settle(message.id, { reports: [] });
    assert.equal(spool.isEmpty(), true);
    await spool.discard();
    assert.ok(!existsSync(folder));
  });

  test('stays where something is in it', async (t) => {
    const folder = await folderOf(t);
    const spool = await openIn(folder);
    const message = aMessage();
    await spool.put(message, inMemory());
    await spool.discard();
    const again = await openIn(folder);
    t.after(() => again.close());
    assert.deepEqual(
      [...again.entries()].map(({ id }) => id),
      [message.id],
    );
  });
});

test('spools that share a disk take no more together than there is', async (t: TestContext) => {
  const folder = await folderOf(t);
  const spool = await openIn(folder, 4);
  t.after(() => spool.close());
  const { bavail, bsize } = await statfs(folder);
  // what others write or delete meanwhile is far less than these
  assert.equal(spool.hasRoom(bavail * bsize * 0.2), true);
  assert.equal(spool.hasRoom(bavail * bsize * 0.35), false);
});
