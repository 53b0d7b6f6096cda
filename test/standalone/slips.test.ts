/** What people do by mistake in a folder of manifests, and what must not come of it. */
import assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sender, startAdapter, user } from '../support/directory.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { until } from '../support/until.ts';

describe('a user who was taken out of a file', () => {
  const commentedOut = user('orders').replace(/^/gm, '# ');

  test('stays out when the file is broken at a later start', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const first = await startAdapter(t, folder, state);
    assert.equal(first.user('orders.shop')?.active, true);
    await writeFiles(folder, { 'a.yaml': commentedOut });
    await until(() => first.user('orders.shop') === undefined || undefined);
    await first.close();

    await writeFiles(folder, { 'a.yaml': 'a: [' });
    const second = await startAdapter(t, folder, state);
    assert.equal(second.user('orders.shop'), undefined);
  });

  test('stays out when that happened while nothing ran', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await startAdapter(t, folder, state)).close();
    await writeFiles(folder, { 'a.yaml': commentedOut });
    await (await startAdapter(t, folder, state)).close();
    await writeFiles(folder, { 'a.yaml': 'a: [' });
    assert.equal((await startAdapter(t, folder, state)).user('orders.shop'), undefined);
  });

  test('stays out when the file was deleted while nothing ran, and others could not be read at first', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await startAdapter(t, folder, state)).close();
    await rm(join(folder, 'a.yaml'));
    await symlink('nowhere.yaml', join(folder, 'z.yaml'));
    const second = await startAdapter(t, folder, state);
    await writeFiles(folder, { 'nowhere.yaml': user('b') });
    await until(() => second.user('b.shop'));
    await second.close();
    await writeFiles(folder, { 'a.yaml': 'a: [' });
    assert.equal((await startAdapter(t, folder, state)).user('orders.shop'), undefined);
  });
});
