import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../test/support/eventually.ts';
import { followSettings } from './follow.ts';

async function aFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-follow-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Whole or not at all: what a slow machine has written by half is another file to whoever looks. */
async function put(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** Of settings that are one word each; `wrong` is none. */
function follow(t: TestContext, file: string, current: string) {
  const told: string[] = [];
  const follower = followSettings({
    file,
    current,
    load: async () => {
      const settings = await readFile(file, 'utf8').catch(() => 'wrong');
      return settings === 'wrong' ? { ok: false, problems: ['it is wrong'] } : { ok: true, settings };
    },
    filesOf: () => [`${file}.password`],
    take: async (settings) => void told.push(`take ${settings}`),
    onTaken: () => told.push('taken'),
    onRefused: (problems) => told.push(...problems),
    lookMs: 5,
    retryMs: 5,
  });
  t.after(follower.close);
  return { told, says: (text: string) => until(() => told.at(-1) === text) };
}

describe('a settings file that is followed', () => {
  test('is taken up when it changes, and only then', async (t) => {
    const file = path.join(await aFolder(t), 'settings');
    await put(file, 'a');
    const { told, says } = follow(t, file, 'a');
    await put(file, 'b');
    await says('taken');
    // written again as it was
    await put(file, 'b');
    await put(file, 'c');
    await until(() => told.filter((line) => line === 'taken').length === 2);
    assert.deepEqual(told, ['take b', 'taken', 'take c', 'taken']);
  });

  test('is taken up by way of links, as a ConfigMap is mounted', async (t) => {
    const folder = await aFolder(t);
    const version = async (name: string): Promise<void> => {
      await mkdir(path.join(folder, name));
      await writeFile(path.join(folder, name, 'settings'), name);
      await symlink(name, path.join(folder, '..data_tmp'));
      await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
    };
    await version('a');
    await symlink('..data/settings', path.join(folder, 'settings'));
    const { says } = follow(t, path.join(folder, 'settings'), 'a');
    await version('b');
    await says('taken');
  });

  test('that is wrong, or gone, is told once, and is in force again as it was when it is mended', async (t) => {
    const file = path.join(await aFolder(t), 'settings');
    await put(file, 'a');
    const { told, says } = follow(t, file, 'a');
    await put(file, 'wrong');
    await says('it is wrong');
    await unlink(file);
    await put(file, 'a');
    await says('taken');
    assert.deepEqual(told, ['it is wrong', 'taken']);
  });

  test('is taken up again where a file that it names changes', async (t) => {
    const file = path.join(await aFolder(t), 'settings');
    await put(file, 'a');
    await put(`${file}.password`, 'x');
    const { told, says } = follow(t, file, 'a');
    // from here on it knows how the files look
    await put(file, 'b');
    await says('taken');
    await put(`${file}.password`, 'y');
    await until(() => told.length === 4);
    assert.deepEqual(told, ['take b', 'taken', 'take b', 'taken']);
  });

  test('that cannot be put in force is tried again, without a word', async (t) => {
    const file = path.join(await aFolder(t), 'settings');
    await put(file, 'b');
    let tries = 0;
    const refusals: string[] = [];
    const follower = followSettings({
      file,
      current: 'a',
      load: async () => ({ ok: true, settings: 'b' }),
      filesOf: () => [],
      take: async () => {
        tries += 1;
        if (tries < 3) throw new Error('it cannot be used yet');
      },
      onTaken: () => refusals.push('taken'),
      onRefused: (problems) => refusals.push(...problems),
      lookMs: 5,
      retryMs: 5,
    });
    t.after(follower.close);
    await until(() => refusals.at(-1) === 'taken');
    assert.deepEqual(refusals, ['it cannot be used yet', 'taken']);
  });
});
