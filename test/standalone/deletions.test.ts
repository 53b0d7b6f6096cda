/** Credentials are not deleted by mistake, nor in silence, and whoever comes back within a day has them again. */
import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { passwordIn, sender, startAdapter, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';

const NOW = { secretGraceMs: 0 };
const ASIDE = 'secrets-of-the-last-day/shop';

async function secretsIn(state: string, folder = 'secrets/shop'): Promise<readonly string[]> {
  return (await readdir(join(state, folder))).sort();
}

const users = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`u${i}.yaml`, user(`u${i}`)]));

const says = (lines: readonly string[], text: string): boolean => lines.some((line) => line.includes(text));

/** A run has looked once more since, at whatever it may delete. */
async function looksAgain(
  t: TestContext,
  folder: string,
  run: Awaited<ReturnType<typeof startAdapter>>,
): Promise<void> {
  const rounds = run.settled();
  await writeFiles(folder, { 'look.yaml': `# ${t.name} ${rounds}\n` });
  await until(() => run.settled() > rounds);
}

describe('a user who is gone', () => {
  test('leaves its password aside for a day, with a line, and has it again when it comes back', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const first = await startAdapter(t, folder, state, NOW);
    const password = await passwordIn(state, 'orders-smtp');
    await rm(join(folder, 'a.yaml'));
    await until(async () => (await secretsIn(state)).length === 0);
    await until(() => first.user('orders.shop') === undefined);
    assert.ok(first.lines.some((line) => line.includes('"secret":"shop/orders-smtp"') && line.includes('deleted')));
    assert.equal((await stat(join(state, ASIDE, 'orders-smtp.yaml'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(state, ASIDE))).mode & 0o777, 0o700);
    await first.close();

    await writeFiles(folder, { 'elsewhere.yaml': user('orders') });
    const second = await startAdapter(t, folder, state, NOW);
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
    assert.equal(second.user('orders.shop')?.active, true);
    assert.ok(says(second.lines, 'rotation.trigger'));
    assert.deepEqual(await secretsIn(state, ASIDE), []);
  });

  test('has a new password after that day', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const first = await startAdapter(t, folder, state, NOW);
    const password = await passwordIn(state, 'orders-smtp');
    await rm(join(folder, 'a.yaml'));
    await until(async () => (await secretsIn(state, ASIDE)).length === 1);
    await first.close();
    const yesterday = new Date(Date.now() - 24 * 3600 * 1000);
    await utimes(join(state, ASIDE, 'orders-smtp.yaml'), yesterday, yesterday);
    await writeFiles(folder, { 'a.yaml': user('orders') });
    await startAdapter(t, folder, state, NOW);
    assert.notEqual(await passwordIn(state, 'orders-smtp'), password);
    assert.deepEqual(await secretsIn(state, ASIDE), []);
  });

  test('leaves nothing to another user who asks for a Secret of that name', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const { user: inForce } = await startAdapter(t, folder, state, NOW);
    const password = await passwordIn(state, 'orders-smtp');
    await rm(join(folder, 'a.yaml'));
    await until(async () => (await secretsIn(state, ASIDE)).length === 1);
    await writeFiles(folder, { 'b.yaml': user('b', 'active: true, credentials: {secretName: orders-smtp}') });
    await until(() => (inForce('b.shop')?.credentials.length ?? 0) > 0);
    assert.notEqual(await passwordIn(state, 'orders-smtp'), password);
  });
});

describe('Secrets are not deleted', () => {
  test('for another folder of manifests, until that is meant', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await startAdapter(t, folder, state, NOW)).close();
    const password = await passwordIn(state, 'orders-smtp');
    const other = await folderOf(t, { 's.yaml': sender, 'b.yaml': user('b') });

    const second = await startAdapter(t, other, state, NOW);
    await looksAgain(t, other, second);
    assert.deepEqual(await secretsIn(state), ['b-smtp.yaml', 'orders-smtp.yaml']);
    const line = second.lines.find((one) => one.includes('no Secret is deleted')) ?? '';
    for (const word of [folder, other, 'shop/orders-smtp', '--prune', '--state DIR'])
      assert.ok(line.includes(word), line);
    assert.equal(second.user('orders.shop'), undefined, 'its credential is not accepted');
    await second.close();

    const third = await startAdapter(t, folder, state, NOW);
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
    assert.equal(third.user('orders.shop')?.active, true);
    await third.close();
    const fourth = await startAdapter(t, other, state, { ...NOW, prune: true });
    await until(async () => (await secretsIn(state)).join() === 'b-smtp.yaml');
    await fourth.close();
    // it belongs to the other one now
    await startAdapter(t, other, state, NOW);
    assert.equal((await readFile(join(state, 'manifests'), 'utf8')).trim(), other);
  });

  test('for a folder that is the same under another name', async (t) => {
    const [folder, state] = [
      await folderOf(t, { 'in/s.yaml': sender, 'in/a.yaml': user('orders') }),
      await folderOf(t),
    ];
    await (await startAdapter(t, join(folder, 'in'), state, NOW)).close();
    await rename(join(folder, 'in'), join(folder, 'v1'));
    await writeFile(join(state, 'manifests'), `${join(folder, 'v1')}\n`);
    const second = await startAdapter(t, join(folder, 'v1', '..', 'v1'), state, NOW);
    await rm(join(folder, 'v1/a.yaml'));
    await until(async () => (await secretsIn(state)).length === 0);
    assert.ok(!says(second.lines, 'no Secret is deleted'));
  });

  test('where the folder has no object any more, nor while a restart sees none', async (t) => {
    const files = { 's.yaml': sender, 'a.yaml': user('orders') };
    const [folder, state] = [await folderOf(t, files), await folderOf(t)];
    const first = await startAdapter(t, folder, state, NOW);
    const password = await passwordIn(state, 'orders-smtp');
    for (const name of Object.keys(files)) await rm(join(folder, name));
    await until(() => says(first.lines, 'there is no object in'));
    await first.close();
    const second = await startAdapter(t, folder, state, NOW);
    await until(() => says(second.lines, 'no Secret is deleted'));
    await writeFiles(folder, files);
    await until(() => second.user('orders.shop')?.active);
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
  });

  test('where many are gone at once, however they go; a few at a time may', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, ...users(40) }), await folderOf(t)];
    const first = await startAdapter(t, folder, state, NOW);
    for (let i = 0; i < 6; i++) await rm(join(folder, `u${i}.yaml`));
    await until(async () => (await secretsIn(state)).length === 34);
    for (let i = 6; i < 20; i++) await rm(join(folder, `u${i}.yaml`));
    await until(() => first.lines.some((line) => /\d+ of 40 users are gone at once/.test(line)));
    await looksAgain(t, folder, first);
    assert.ok((await secretsIn(state)).length >= 30, 'ten at most have gone in all');
    await first.close();

    const meant = await startAdapter(t, folder, state, { ...NOW, prune: true });
    await until(async () => (await secretsIn(state)).length === 20);
    // once: a mistake later in the same run is one
    for (let i = 20; i < 40; i++) await rm(join(folder, `u${i}.yaml`));
    await until(() => says(meant.lines, 'are gone at once'));
    await looksAgain(t, folder, meant);
    assert.equal((await secretsIn(state)).length, 20);
  });
});
