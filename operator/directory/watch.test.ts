import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/eventually.ts';
import { folderOf, writeFiles } from '../../test/support/folder.ts';
import { createFolderReader } from '../manifests/read.ts';
import { bothTouched } from '../manifests/walk-again.ts';
import type { Touched } from '../manifests/walk-again.ts';
import { watchFolder } from './watch.ts';

const empty = 'none: of it\n';

/** A folder that is watched, and what has been told of it since `told` was last asked. */
async function watched(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = await folderOf(t, files);
  const reader = createFolderReader(folder);
  await reader.read();
  let touched: Touched = new Set();
  const end = watchFolder(folder, {
    seen: reader.seen,
    onChange: (more) => {
      touched = bothTouched(touched, more);
    },
  });
  t.after(end);
  const told = (): Touched => {
    const now = touched;
    touched = new Set();
    return now;
  };
  return { folder, read: reader.read, told };
}

/** Edits a file until an event has named it. Now and then a poll is faster. */
async function editUntilNamed({ folder, told }: Awaited<ReturnType<typeof watched>>, name: string): Promise<void> {
  const path = join(folder, name);
  await until(async () => {
    await writeFile(path, `${empty}# edited\n`);
    await sleep(200);
    const touched = told();
    return (touched !== 'any' && touched.has(path)) || undefined;
  });
}

describe('a watch', () => {
  test('names the file that was edited, in any folder, and is silent without a change', async (t) => {
    const watch = await watched(t, { 'a.yaml': empty, 'sub/b.yaml': empty });
    // longer than from one poll to the next
    await sleep(2500);
    assert.deepEqual(watch.told(), new Set());
    for (const name of ['a.yaml', 'sub/b.yaml']) await editUntilNamed(watch, name);
  });

  test('tells again of what has not been seen, whatever became of the event', async (t) => {
    const { folder, read, told } = await watched(t, { 'a.yaml': empty });
    await writeFile(join(folder, 'a.yaml'), `${empty}# edited\n`);
    for (let i = 0; i < 2; i++) await until(() => told() === 'any' || undefined);
    await read();
    // a poll that was under way may not know of that yet
    await sleep(2500);
    told();
    await sleep(2500);
    assert.deepEqual(told(), new Set());
  });

  test('sees edits in a folder that took the place of another one, however that was done', async (t) => {
    const watch = await watched(t, { 'sub/a.yaml': empty });
    const { folder, read } = watch;
    await rm(join(folder, 'sub'), { recursive: true });
    await writeFiles(folder, { 'sub/a.yaml': empty });
    await read();
    await editUntilNamed(watch, 'sub/a.yaml');
    await writeFiles(folder, { 'next/a.yaml': `${empty}# next\n` });
    await rename(join(folder, 'sub'), join(folder, '.old'));
    await rename(join(folder, 'next'), join(folder, 'sub'));
    await read();
    await editUntilNamed(watch, 'sub/a.yaml');
  });
});
