import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { renderCrds, writeCrds } from './crds.ts';

describe('generated CRDs', () => {
  test('are what the repository holds', async () => {
    const folder = new URL('../crds/', import.meta.url);
    assert.deepEqual(
      await readdir(folder),
      renderCrds().map((file) => file.name),
    );
    for (const file of renderCrds()) {
      assert.equal(await readFile(new URL(file.name, folder), 'utf8'), file.text, `${file.name}: run npm run generate`);
    }
  });

  test('are written into a folder that need not exist', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-crds-'));
    try {
      const names = await writeCrds(join(folder, 'a', 'b'));
      assert.deepEqual(await readdir(join(folder, 'a', 'b')), names);
      assert.equal((await stat(join(folder, 'a', 'b'))).mode & 0o777, 0o777 & ~process.umask());
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('name the list of SmtpPlusLists so that it is no SmtpPlusList', () => {
    const [list] = renderCrds().map((file) => parse(file.text) as { spec: { names: Record<string, unknown> } });
    assert.equal(list?.spec.names['kind'], 'SmtpPlusList');
    assert.equal(list?.spec.names['listKind'], 'SmtpPlusListList');
  });
});
