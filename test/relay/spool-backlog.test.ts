/** A queue that is longer than memory has room for: it may have had more when it grew. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { open as openLmdb } from 'lmdb';
import { messagesThatFit } from '../../relay/spool/messages-that-fit.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, createMetrics, inMemory } from '../support/queued.ts';

async function opened(folder: string, mostMessages?: number) {
  const { log, lines } = captureLog();
  const most = mostMessages === undefined ? {} : { mostMessages };
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0, ...most });
  return { spool, lines, ids: () => [...spool.entries()].map(({ id }) => id) };
}

async function filled(t: TestContext, count: number) {
  const folder = await folderOf(t);
  const { spool } = await opened(folder);
  const messages = Array.from({ length: count }, () => aMessage());
  for (const message of messages) await spool.put(message, inMemory());
  await spool.close();
  return { folder, ids: messages.map(({ id }) => id) };
}

describe('a queue longer than memory has room for', () => {
  test('comes in from its oldest message on, the others as soon as half of the room is free', async (t) => {
    const { folder, ids } = await filled(t, 12);
    const opening = await opened(folder, 4);
    const { spool } = opening;
    t.after(() => spool.close());
    const announced: string[] = [];
    spool.onPut(({ id }) => announced.push(id));
    assert.deepEqual(opening.ids(), ids.slice(0, 4));
    for (let settled = 0; settled < 12; settled++) {
      await until(() => opening.ids().length > 0, { what: 'there is a next message' });
      assert.ok(opening.ids().length <= 4);
      await spool.settle(opening.ids()[0] ?? '', { reports: [] });
    }
    assert.deepEqual(announced, ids.slice(4));
    assert.deepEqual(opening.ids(), []);
  });

  test('takes no message before all of it is in memory, and the log says so', async (t) => {
    const { folder, ids } = await filled(t, 6);
    const { spool, lines } = await opened(folder, 4);
    t.after(() => spool.close());
    assert.equal(spool.hasRoom(1), false);
    await spool.settle(ids[0] ?? '', { reports: [] });
    // memory has room for one more, which is that of a message on disk
    assert.equal(spool.hasRoom(1), false);
    await spool.settle(ids[1] ?? '', { reports: [] });
    await until(() => [...spool.entries()].length === 4, { what: 'the rest is in' });
    await spool.settle(ids[5] ?? '', { reports: [] });
    await until(() => spool.hasRoom(1), { what: 'there is room' });
    const said = lines.filter(({ messages }) => messages !== undefined).map(({ level, msg }) => [level, msg]);
    assert.deepEqual(said, [
      ['info', 'spool opened, with memory for `most` messages'],
      ['warn', 'more messages in the spool than fit into memory: no new ones are accepted'],
      ['info', 'all messages of the spool are in memory: mail is accepted again'],
    ]);
  });

  test('takes none beyond the room either', async (t) => {
    const { spool } = await opened(await folderOf(t), 2);
    t.after(() => spool.close());
    await spool.put(aMessage(), inMemory());
    assert.equal(spool.hasRoom(1), true);
    await spool.put(aMessage(), inMemory());
    assert.equal(spool.hasRoom(1), false);
  });

  test('is one of hundreds of thousands with a small heap, and grows with it', () => {
    assert.ok(messagesThatFit(256 * 1024 * 1024) > 500_000);
    assert.equal(messagesThatFit(2_000_000_000), 2 * messagesThatFit(1_000_000_000));
  });
});

test('a database that a process made and then ended, before anything was in it, is an empty one', async (t) => {
  const folder = await folderOf(t);
  await openLmdb({ path: path.join(folder, 'queue.mdb'), noSubdir: true }).close();
  const { spool, ids } = await opened(folder);
  t.after(() => spool.close());
  assert.deepEqual(ids(), []);
});
