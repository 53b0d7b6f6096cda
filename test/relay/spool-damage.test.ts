/** A spool whose files were lost, cut off or overwritten: nothing that is left of a message may go with them. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../relay/spool/spool.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, createMetrics, inFile } from '../support/queued.ts';

const LARGE = Buffer.alloc(300_000, 'a large message\r\n');

async function opened(folder: string) {
  const { log, lines } = captureLog();
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
  return { spool, lines };
}

/** A spool that was closed with one large message in it. */
async function filled(t: TestContext) {
  const folder = await folderOf(t);
  const { spool } = await opened(folder);
  const { id } = aMessage();
  await spool.put(aMessage({ id, content: LARGE }), await inFile(spool, { id, bytes: LARGE }));
  await spool.close();
  const database = path.join(folder, 'queue.mdb');
  const body = path.join(folder, 'bodies', id);
  return { folder, id, database, body, aside: path.join(folder, 'quarantine', `${id}.eml`) };
}

describe('a spool without its database', () => {
  for (const [what, lose] of [
    ['lost', (file: string) => rm(file)],
    ['empty', (file: string) => truncate(file)],
  ] as const) {
    test(`keeps the contents where it is ${what}, and says so`, async (t) => {
      const { folder, database, aside } = await filled(t);
      await lose(database);
      const { spool, lines } = await opened(folder);
      t.after(() => spool.close());
      assert.deepEqual([...spool.entries()], []);
      assert.deepEqual(await readFile(aside), LARGE);
      assert.deepEqual(
        lines.map(({ level, contents }) => [level, contents]),
        [['error', 1]],
      );
    });
  }

  test('that never had a message begins without a complaint', async (t) => {
    const { spool, lines } = await opened(await folderOf(t));
    t.after(() => spool.close());
    assert.deepEqual(lines, []);
  });
});

describe('a damaged database', () => {
  for (const [what, damage] of [
    ['cut in half', async (file: string) => truncate(file, (await stat(file)).size / 2)],
    ['cut within its first pages', (file: string) => truncate(file, 5000)],
    ['that is none', (file: string) => writeFile(file, Buffer.alloc(100_000, 'x'))],
    ['whose second page was overwritten', async (file: string) => writeFile(file, await withPageOf(file, 1))],
  ] as const) {
    test(`${what} is named with what to do, and the contents stay`, async (t) => {
      const { folder, database, body } = await filled(t);
      await damage(database);
      await assert.rejects(opened(folder), { message: new RegExp(`^${database} is damaged: move it away; .*bodies/`) });
      assert.deepEqual(await readFile(body), LARGE);
      await rm(database);
      const { spool } = await opened(folder);
      await spool.close();
    });
  }
});

async function withPageOf(file: string, page: number): Promise<Buffer> {
  const bytes = await readFile(file);
  return bytes.fill('x', page * 4096, (page + 1) * 4096);
}

describe('a message that cannot be moved to quarantine', () => {
  for (const [what, obstruct] of [
    ['whose folder cannot be made', (folder: string) => writeFile(path.join(folder, 'quarantine'), 'in the way')],
    [
      'where something has its name',
      (_folder: string, aside: string) => mkdir(path.join(aside, 'in the way'), { recursive: true }),
    ],
  ] as const) {
    test(`${what} stays in the spool with its content`, async (t) => {
      const { folder, id, body, aside } = await filled(t);
      await truncate(body, 100);
      await obstruct(folder, aside);
      const first = await opened(folder);
      await assert.rejects(first.spool.read(id));
      assert.deepEqual(
        [...first.spool.entries()].map((entry) => entry.id),
        [id],
      );
      await first.spool.close();
      const second = await opened(folder);
      t.after(() => second.spool.close());
      assert.deepEqual(await readdir(path.dirname(body)), [id]);
    });
  }
});
