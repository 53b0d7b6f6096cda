import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { until } from './eventually.ts';

/** A temporary folder with these files, removed after the test. */
export async function folderOf(
  t: Pick<TestContext, 'after'>,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-'));
  // hooks run in the order in which they were set: what writes into it ends after this, and may write while it is removed
  t.after(() => until(async () => (await rm(folder, { recursive: true, force: true }), true)));
  await writeFiles(folder, files);
  return folder;
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
