import assert from 'node:assert/strict';
import { mkdir, readdir, realpath, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { folderOf, writeFiles } from '../../test/support/folder.ts';
import { createFolderReader } from './read.ts';
import type { FolderContent } from './read.ts';
import { isSameWalk, walkAgain } from './walk-again.ts';

const user = (name: string): string =>
  `apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUser\nmetadata: {name: ${name}, namespace: shop}\n`;

/** Names that are manifests, folders, both, and what editors and ConfigMap volumes leave there. */
const NAMES = ['a.yaml', 'b.yaml', 'c.yml', 'x', 'y.yaml', '..data', '.b.yaml.swp', 'b.yaml~', 'README', 'kept.yaml'];
const name = fc.constantFrom(...NAMES);
const place = fc.oneof(
  name,
  fc.tuple(fc.constantFrom('x', 'y.yaml', '..data'), name).map((steps) => steps.join('/')),
);

type Step =
  | { readonly does: 'write' | 'remove' | 'make folder' | 'touch'; readonly at: string; readonly text: string }
  | { readonly does: 'rename' | 'link' | 'swap link'; readonly at: string; readonly to: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    does: fc.constantFrom('write', 'write', 'write', 'remove', 'make folder', 'touch'),
    at: place,
    text: fc.constantFrom('', 'a: [', ...['a', 'b', 'c'].map(user)),
  }),
  fc.record({ does: fc.constantFrom('rename', 'rename', 'link', 'swap link'), at: place, to: place }),
);

/** Does what a person or a program would, as far as it can be done. Resolves to the paths that events would name. */
async function take(folder: string, one: Step): Promise<string[]> {
  const path = join(folder, one.at);
  try {
    switch (one.does) {
      case 'write': {
        // of a folder that has only just come, nothing more is told
        const made = await mkdir(dirname(path), { recursive: true });
        await writeFile(path, one.text);
        return throughLinks(folder, [made ?? path]);
      }
      case 'remove':
        await rm(path, { recursive: true });
        return [path];
      case 'make folder':
        await mkdir(path);
        return [path];
      case 'touch':
        await utimes(path, 1, 1);
        return throughLinks(folder, [path]);
      case 'rename':
        await rename(path, join(folder, one.to));
        return [path, join(folder, one.to)];
      case 'link':
        await symlink(one.to, path);
        return [path];
      case 'swap link':
        await symlink(one.to, join(folder, '..next'));
        await rename(join(folder, '..next'), path);
        return [join(folder, '..next'), path];
    }
  } catch {
    // not there, or in the way: what has been done of it by then has been done
    return [path, dirname(path), join(folder, '..next')];
  }
}

/** What is written through a link is told of where it lies; outside of the folder, events name nothing of it. */
async function throughLinks(folder: string, paths: readonly string[]): Promise<string[]> {
  const inside = `${await realpath(folder)}/`;
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  return real.flatMap((path) => (path.startsWith(inside) ? [join(folder, path.slice(inside.length))] : []));
}

/** What a folder says, without the functions that find places. */
function saidBy({ files, problems, hidden }: FolderContent): unknown {
  return {
    files: files.map(({ path, content }) => [
      path,
      { ...content, manifests: content.manifests.map(({ value }) => value) },
    ]),
    problems,
    hidden,
  };
}

function namesIn({ files }: FolderContent): readonly string[] {
  return files.flatMap(({ content }) => content.manifests.map(({ name }) => name));
}

describe('a folder looked at by the names of what has changed', () => {
  test('is what a walk finds, after any history', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), async (history) => {
        const folder = await folderOf(t, { 'a.yaml': user('a'), 'x/b.yaml': user('b'), 'kept.yaml': 'none: of it' });
        const ignore = [join(folder, 'kept.yaml')];
        const { read } = createFolderReader(folder, { ignore });
        await read();
        for (const steps of history) {
          const touched = new Set<string>();
          for (const one of steps) for (const path of await take(folder, one)) touched.add(path);
          const whole = await createFolderReader(folder, { ignore }).read();
          assert.deepEqual(saidBy(await read(touched)), saidBy(whole));
        }
        await rm(folder, { recursive: true });
      }),
      { numRuns: 150 },
    );
  });

  test('differs from what a walk finds where an event was lost that matters, and then only', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 12 }), async (history) => {
        const folder = await folderOf(t, { 'a.yaml': user('a'), 'x/b.yaml': user('b') });
        const reader = createFolderReader(folder);
        let content = await reader.read();
        for (const [one, isTold] of history) {
          const told = await take(folder, one);
          if (isTold) content = await reader.read(new Set(told));
        }
        const [seen, walk] = [reader.seen(), await walkAgain(folder, { touched: 'any' })];
        assert.ok(seen !== undefined);
        const whole = await createFolderReader(folder).read();
        if (isSameWalk(seen, walk)) assert.deepEqual(saidBy(content), saidBy(whole));
        assert.ok(isSameWalk(walk, await walkAgain(folder, { touched: 'any' })), 'a walk does not differ from itself');
        await rm(folder, { recursive: true });
      }),
      { numRuns: 150 },
    );
  });

  test('is walked where links show one file in several places', async (t) => {
    const folder = await folderOf(t, { '..1/a.yaml': user('a'), '..2/a.yaml': user('b'), 'x/b.yaml': user('b') });
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/a.yaml', join(folder, 'a.yaml'));
    await symlink('x/b.yaml', join(folder, 'again.yaml'));
    const { read } = createFolderReader(folder);
    await read();
    await symlink('..2', join(folder, '..next'));
    await rename(join(folder, '..next'), join(folder, '..data'));
    assert.deepEqual(namesIn(await read(new Set([join(folder, '..data')]))), ['b', 'b', 'b']);
    await writeFile(join(folder, 'x', 'b.yaml'), user('c'));
    assert.deepEqual(namesIn(await read(new Set([join(folder, 'x', 'b.yaml')]))), ['b', 'c', 'c']);
  });

  test('is walked where another folder has taken the place of the one that was', async (t) => {
    const checkouts = await folderOf(t, { '1/a.yaml': user('a'), '1/b.yaml': user('b') });
    await writeFiles(checkouts, { '2/a.yaml': user('c'), '2/b.yaml': user('c') });
    const folder = join(checkouts, 'current');
    await symlink('1', folder);
    const { read } = createFolderReader(folder);
    assert.deepEqual(namesIn(await read()), ['a', 'b']);
    await symlink('2', join(checkouts, 'next'));
    await rename(join(checkouts, 'next'), folder);
    assert.deepEqual(namesIn(await read(new Set([join(folder, 'b.yaml')]))), ['c', 'c']);
  });

  test('is walked where something was left out before, which may have its place now', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('a'), 'b.yaml': user('b'), 'c.yaml': user('c') });
    const { read } = createFolderReader(folder, { maxFiles: 2 });
    assert.deepEqual(namesIn(await read()), ['a', 'b']);
    await rm(join(folder, 'a.yaml'));
    assert.deepEqual(namesIn(await read(new Set([join(folder, 'a.yaml')]))), ['b', 'c']);
  });

  test('is not walked for an edit: what came without a word is not seen', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('a'), 'x/b.yaml': user('b'), 'settings.yaml': '' });
    const { read } = createFolderReader(folder, { ignore: [join(folder, 'settings.yaml')] });
    await read();
    await writeFile(join(folder, 'x', 'silent.yaml'), user('silent'));
    await writeFile(join(folder, 'a.yaml'), user('c'));
    for (const extra of ['.a.yaml.swp', 'a.yaml~', '4913', 'README.md']) await writeFile(join(folder, extra), 'x');
    const touched = new Set((await readdir(folder)).filter((one) => one !== 'x').map((one) => join(folder, one)));
    assert.deepEqual(namesIn(await read(touched)), ['c', 'b']);
  });
});
