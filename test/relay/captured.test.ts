/** Copies that are kept in place of mail to recipients whom a list does not let it reach. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type CapturedLimits, openCaptured } from '../../relay/spool/captured.ts';
import { folderOf } from '../support/folder.ts';
import { CONTENT, inMemory } from '../support/queued.ts';

const PLENTY: CapturedLimits = { messages: 100, bytes: 1_000_000 };

function aCopy(id: string, overrides: Partial<{ list: string; size: number; recipients: string[] }> = {}) {
  return {
    id,
    user: 'orders.shop',
    list: 'shop/staging',
    received: '2026-01-02T03:04:05.000Z',
    size: CONTENT.length,
    from: 'orders@shop.example',
    recipients: ['a@real.example'],
    ...overrides,
  };
}

/** Files below a folder, by their paths in it. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).toSorted();
}

const ids = async (folder: string) => (await filesIn(folder)).filter((file) => file.endsWith('.eml'));

describe('captured copies', () => {
  test('are the content and its envelope, in a folder of their list that only we may read', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(folder, () => PLENTY);
    await captured.keep(aCopy('A'), inMemory());
    assert.deepEqual(await filesIn(folder), ['shop/staging/A.eml', 'shop/staging/A.json']);
    assert.deepEqual(await readFile(path.join(folder, 'shop/staging/A.eml')), CONTENT);
    assert.deepEqual(JSON.parse(await readFile(path.join(folder, 'shop/staging/A.json'), 'utf8')), {
      id: 'A',
      time: '2026-01-02T03:04:05.000Z',
      user: 'orders.shop',
      list: 'shop/staging',
      from: 'orders@shop.example',
      recipients: ['a@real.example'],
    });
    assert.equal((await stat(path.join(folder, 'shop/staging'))).mode & 0o777, 0o700);
    assert.equal((await stat(path.join(folder, 'shop/staging/A.eml'))).mode & 0o777, 0o600);
  });

  test('may come from a file, which stays where it is', async (t) => {
    const folder = await folderOf(t);
    const source = path.join(await folderOf(t), 'large');
    await writeFile(source, CONTENT);
    const captured = await openCaptured(folder, () => PLENTY);
    await captured.keep(aCopy('A'), { head: Buffer.alloc(0), body: { kind: 'file', path: source } });
    assert.deepEqual(await readFile(path.join(folder, 'shop/staging/A.eml')), CONTENT);
    assert.deepEqual(await readFile(source), CONTENT);
  });

  test('of one message are one, with the recipients of each time', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(folder, () => ({ ...PLENTY, messages: 1 }));
    await captured.keep(aCopy('A'), inMemory());
    await captured.keep(aCopy('A', { recipients: ['b@real.example', 'a@real.example'] }), inMemory());
    const envelope = JSON.parse(await readFile(path.join(folder, 'shop/staging/A.json'), 'utf8')) as unknown;
    assert.deepEqual((envelope as { recipients: unknown }).recipients, ['a@real.example', 'b@real.example']);
  });

  test('are bounded in number: the oldest goes, with its envelope', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(folder, () => ({ ...PLENTY, messages: 2 }));
    for (const id of ['A', 'B', 'C']) await captured.keep(aCopy(id), inMemory());
    assert.deepEqual(
      await filesIn(folder),
      ['B.eml', 'B.json', 'C.eml', 'C.json'].map((name) => `shop/staging/${name}`),
    );
  });

  test('are bounded in size, but for the newest, which is always kept', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(folder, () => ({ ...PLENTY, bytes: 1000 }));
    for (const id of ['A', 'B', 'C']) await captured.keep(aCopy(id, { size: 400 }), inMemory());
    assert.deepEqual(await ids(folder), ['shop/staging/B.eml', 'shop/staging/C.eml']);
    await captured.keep(aCopy('D', { size: 2000 }), inMemory());
    assert.deepEqual(await ids(folder), ['shop/staging/D.eml']);
  });

  test('make room at the expense of the namespace that has most, however many its lists', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(folder, () => ({ ...PLENTY, messages: 4 }));
    await captured.keep(aCopy('A', { list: 'modest/staging' }), inMemory());
    for (const id of ['B', 'C', 'D', 'E', 'F']) {
      await captured.keep(aCopy(id, { list: `greedy/${id.toLowerCase()}` }), inMemory());
    }
    assert.deepEqual(await ids(folder), ['greedy/d/D.eml', 'greedy/e/E.eml', 'greedy/f/F.eml', 'modest/staging/A.eml']);
  });

  test('are counted after a restart, too, and what a crash left unfinished goes', async (t) => {
    const folder = await folderOf(t);
    const before = await openCaptured(folder, () => PLENTY);
    for (const id of ['A', 'B']) await before.keep(aCopy(id), inMemory());
    await writeFile(path.join(folder, 'shop/staging/C.eml.tmp'), 'half');
    await writeFile(path.join(folder, 'shop/staging/D.eml'), 'without an envelope');
    const notes = ['notes', 'shop/notes', 'shop/staging/notes'];
    for (const name of notes) await writeFile(path.join(folder, name), 'of a person');
    const after = await openCaptured(folder, () => ({ ...PLENTY, messages: 2 }));
    await after.keep(aCopy('E'), inMemory());
    const kept = ['B.eml', 'B.json', 'E.eml', 'E.json'].map((name) => `shop/staging/${name}`);
    assert.deepEqual(await filesIn(folder), [...kept, ...notes].toSorted());
  });

  test('stay in their folder, whatever a list is called', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(path.join(folder, 'captured'), () => PLENTY);
    await captured.keep(aCopy('A', { list: '../..' }), inMemory());
    assert.deepEqual(await ids(folder), ['captured/%2E%2E/%2E%2E/A.eml']);
  });

  test('of many at once keep to the bound', async (t) => {
    const folder = await folderOf(t);
    const captured = await openCaptured(folder, () => ({ ...PLENTY, messages: 3 }));
    await Promise.all(Array.from({ length: 20 }, (_, i) => captured.keep(aCopy(`ID${i}`), inMemory())));
    assert.equal((await ids(folder)).length, 3);
  });
});
