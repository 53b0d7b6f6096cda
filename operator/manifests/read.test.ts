import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { createFolderReader, formatSource, mergeFiles, readFolder } from './read.ts';
import type { FolderReading } from './read.ts';

const user = (name: string): string =>
  `apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUser\nmetadata:\n  name: ${name}\n  namespace: shop\n`;

/** A folder with these files. */
async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-read-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

const names = (reading: FolderReading): readonly string[] => reading.manifests.map(({ name }) => name);

describe('a folder of manifests', () => {
  test('is read with its sub-folders, in path order, without hidden, temporary and kustomize files', async (t) => {
    const folder = await folderOf(t, {
      'b.yml': user('b'),
      'a/z.yaml': user('az'),
      'c.json': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'c' } }),
      '.hidden.yaml': user('hidden'),
      '.git/x.yaml': user('git'),
      '.#b.yml': user('lock'),
      '#b.yml#': user('auto-save'),
      'b.yml~': user('backup'),
      'README.md': 'x',
      'kustomization.yaml': 'resources: [b.yml]',
    });
    const reading = await readFolder(folder);
    assert.deepEqual(names(reading), ['az', 'b', 'c']);
    assert.deepEqual(reading.problems, []);
    assert.equal(reading.incomplete, false);
  });

  test('is read without the files that somebody else reads', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('a'), 'settings.yaml': 'host: x', 'state/s.yaml': user('s') });
    const ignore = [join(folder, 'settings.yaml'), join(folder, 'state')];
    const reading = await readFolder(folder, { ignore });
    assert.deepEqual(names(reading), ['a']);
    assert.deepEqual(reading.ignored, []);
  });

  test('that links back to itself is read once', async (t) => {
    const folder = await folderOf(t, { 'a/a.yaml': user('a') });
    await symlink(folder, join(folder, 'a', 'up'));
    assert.deepEqual(names(await readFolder(folder)), ['a']);
  });

  test('with an object twice keeps the first and names both places', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('orders'), 'b.yaml': `---\n${user('orders')}` });
    const { manifests, problems } = await readFolder(folder);
    assert.deepEqual(
      manifests.map(({ source }) => source.file),
      [join(folder, 'a.yaml')],
    );
    assert.equal(problems.length, 1);
    assert.equal(formatSource(problems[0]!.source), join(folder, 'b.yaml:2:1'));
    assert.ok(problems[0]!.message.includes(join(folder, 'a.yaml:1:1')));
  });

  test('with a broken file reports it and reads the others', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('a'), 'b.yaml': 'a: [1', 'c.yaml': '\xff: x' });
    await writeFile(join(folder, 'd.yaml'), Buffer.from([0xff, 0xfe, 0x41]));
    await symlink('nowhere.yaml', join(folder, 'e.yaml'));
    await symlink('/dev/zero', join(folder, 'f.yaml'));
    const reading = await readFolder(folder);
    assert.deepEqual(names(reading), ['a']);
    assert.deepEqual(
      reading.problems.map(({ source, reason }) => `${relative(folder, source.file)} ${reason}`).sort(),
      ['b.yaml syntax', 'd.yaml unreadable', 'e.yaml unreadable'],
    );
    assert.equal(reading.incomplete, true);
  });

  test('is read in part only where a slip keeps an object from being one, but not where others have theirs', async (t) => {
    const others = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: Web_1}\n---\nreplicas: 3\n';
    const folder = await folderOf(t, { 'a.yaml': user('a'), 'b.yaml': user('a'), 'c.yaml': others });
    assert.equal((await readFolder(folder)).incomplete, false);
    const slips = [
      user('b').replace('SmtpPlusUser', 'SmtpPlusUsr'),
      user('b').replace('v1alpha1', 'v1'),
      user('b').replace('smtpplus.io/', 'smtp-plus.io/'),
      user('b').replace('kind: SmtpPlusUser\n', ''),
      user('b_'),
      user('b').replace('namespace: shop', 'namespace: 7'),
    ];
    for (const slip of slips) {
      await writeFile(join(folder, 'd.yaml'), slip);
      const { incomplete, problems } = await readFolder(folder);
      assert.equal(incomplete, true, slip);
      assert.equal(problems.length, 2, slip);
    }
  });

  test('with a huge file leaves that one out', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('a'), 'b.yaml': '#'.repeat(9 * 1024 * 1024) });
    const reading = await readFolder(folder);
    assert.deepEqual(names(reading), ['a']);
    assert.match(reading.problems[0]?.message ?? '', /larger than/);
  });

  test('that is not there is a problem with its name', async () => {
    const reading = await readFolder('/nonexistent/folder');
    assert.deepEqual(reading.manifests, []);
    assert.match(reading.problems[0]?.message ?? '', /ENOENT/);
  });
});

describe('a reader that goes on reading', () => {
  test('sees an editor that renames a temporary file, even with size and time kept', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('aaa') });
    const { read } = createFolderReader(folder);
    await read();
    await writeFile(join(folder, 'a.yaml.tmp'), user('bbb'));
    await rename(join(folder, 'a.yaml.tmp'), join(folder, 'a.yaml'));
    assert.deepEqual(names(mergeFiles(await read())), ['bbb']);
  });

  test('sees the symlink swap of a ConfigMap volume', async (t) => {
    const folder = await folderOf(t, { '..1/a.yaml': user('old'), '..2/a.yaml': user('new') });
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/a.yaml', join(folder, 'a.yaml'));
    const { read } = createFolderReader(folder);
    assert.deepEqual(names(mergeFiles(await read())), ['old']);
    await symlink('..2', join(folder, '..next'));
    await rename(join(folder, '..next'), join(folder, '..data'));
    assert.deepEqual(names(mergeFiles(await read())), ['new']);
  });
});
