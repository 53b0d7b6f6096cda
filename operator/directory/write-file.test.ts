import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makePrivateFolder } from './write-file.ts';

describe('a folder of the state', () => {
  test('is made with those above it, for its owner only', async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'smtp-plus-'));
    t.after(() => rm(root, { recursive: true }));
    await makePrivateFolder(join(root, 'a/b/c'));
    assert.equal((await stat(join(root, 'a/b/c'))).mode & 0o777, 0o700);
    await makePrivateFolder(join(root, 'a/b/c'));
  });

  test('that the file system does not take is an error, and no endless loop', async () => {
    await assert.rejects(
      makePrivateFolder('/proc/smtp-plus/state'),
      /ENOENT: the folder \/proc\/smtp-plus cannot be made/,
    );
    await assert.rejects(makePrivateFolder(import.meta.filename), /ENOTDIR/);
  });
});
