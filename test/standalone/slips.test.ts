/** What people do by mistake in a folder of manifests, and what must not come of it. */
import assert from 'node:assert/strict';
import { readdir, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionsIn, passwordIn, sender, startAdapter, user } from '../support/directory.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { statusOf } from '../support/standalone.ts';
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

describe('a file that is broken at a start', () => {
  test('says what it said last, however the folder is spelled', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await startAdapter(t, folder, state)).close();
    await writeFiles(folder, { 'a.yaml': 'a: [' });
    const { user: inForce } = await startAdapter(t, relative('.', folder), state);
    assert.equal(inForce('orders.shop')?.active, true);
  });
});

describe('a slip in what names an object', () => {
  const slips: readonly (readonly [what: string, from: string, to: string])[] = [
    ['its kind', 'SmtpPlusUser', 'SmtpPlusUsr'],
    ['its group', 'smtpplus.io', 'smtp-plus.io'],
    ['its version', 'v1alpha1', 'v1alpha'],
    ['its name', 'name: orders', 'name: Orders'],
    ['its namespace', 'namespace: shop', 'namespace: shop_'],
    ['its metadata', 'metadata:', 'metdata:'],
  ];

  for (const [what, from, to] of slips) {
    test(`(${what}) stops a user, and leaves it its password and its status`, async (t) => {
      const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
      const { user: inForce, lines, settled } = await startAdapter(t, folder, state, { secretGraceMs: 50 });
      const password = await passwordIn(state, 'orders-smtp');

      await writeFiles(folder, { 'a.yaml': user('orders').replace(from, to) });
      await until(() => inForce('orders.shop') === undefined || undefined);
      // a round that comes long after the grace of Secrets shows that it is kept for good
      const rounds = settled();
      await sleep(100);
      await writeFiles(folder, { 'b.yaml': user('b') });
      await until(() => (settled() > rounds && inForce('b.shop') !== undefined) || undefined);
      assert.equal(await passwordIn(state, 'orders-smtp'), password);
      assert.ok((await readdir(join(state, 'status/SmtpPlusUser/shop'))).includes('orders.yaml'));
      assert.ok(lines.some((line) => line.includes('no Secret is deleted before this is mended')));

      await writeFiles(folder, { 'a.yaml': user('orders') });
      await until(() => inForce('orders.shop')?.active);
      assert.equal(await passwordIn(state, 'orders-smtp'), password);
    });
  }
});

describe('a field that is immutable', () => {
  const list = (relayClass: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusList
metadata: {name: bulk, namespace: shop}
spec: {${relayClass}}
`;
  const changes = [
    {
      object: ['SmtpPlusUser', 'orders'],
      type: 'Accepted',
      field: 'spec.username',
      from: user('orders'),
      to: user('orders', 'username: a@shop.example'),
    },
    {
      object: ['VerifiedSender', 'shop-example'],
      type: 'Verified',
      field: 'spec.domain',
      from: sender,
      to: sender.replace('shop.example}', 'bank.example}'),
    },
    {
      object: ['SmtpPlusList', 'bulk'],
      type: 'Accepted',
      field: 'spec.relayClass',
      from: list(''),
      to: list('relayClass: bulk'),
    },
  ] as const;

  for (const { object, type, field, from, to } of changes) {
    const [kind, name] = object;
    test(`(${field} of a ${kind}) is not changed by an edit, nor by one made while nothing ran, and can be put back`, async (t) => {
      const [folder, state] = [await folderOf(t, { 'a.yaml': from }), await folderOf(t)];
      const condition = async (): Promise<{ reason: string; message: string } | undefined> =>
        (await statusOf(state, kind, 'shop', name)).condition(type);
      const becomes = async (isRefused: boolean): Promise<void> => {
        await until(async () => ((await condition())?.reason === 'InvalidSpec') === isRefused || undefined);
      };
      const first = await startAdapter(t, folder, state);
      await becomes(false);
      await writeFiles(folder, { 'a.yaml': to });
      await becomes(true);
      assert.match((await condition())?.message ?? '', new RegExp(`^${field} is immutable; make a new `));
      await writeFiles(folder, { 'a.yaml': from });
      await becomes(false);
      await first.close();

      await writeFiles(folder, { 'a.yaml': to });
      const second = await startAdapter(t, folder, state);
      await becomes(true);
      // as an API server has it: what was deleted and made again is another object
      await rm(join(folder, 'a.yaml'));
      await until(
        async () =>
          !(await readdir(join(state, 'status'), { recursive: true })).includes(`${kind}/shop/${name}.yaml`) ||
          undefined,
      );
      await writeFiles(folder, { 'a.yaml': to });
      await until(condition);
      await becomes(false);
      await second.close();
    });
  }

  test('keeps a user out, and its password, until it is put back', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const { user: inForce } = await startAdapter(t, folder, state, { secretGraceMs: 50 });
    const password = await passwordIn(state, 'orders-smtp');
    await writeFiles(folder, { 'a.yaml': user('orders', 'active: true, username: a@shop.example') });
    await until(() => inForce('orders.shop') === undefined || undefined);
    assert.equal(inForce('a@shop.example'), undefined);
    await writeFiles(folder, { 'a.yaml': user('orders') });
    await until(() => inForce('orders.shop')?.active);
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
  });

  test('may still be mended in an object that was never accepted', async (t) => {
    const [folder, state] = [
      await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders', 'username: root') }),
      await folderOf(t),
    ];
    const { user: inForce } = await startAdapter(t, folder, state);
    assert.equal((await conditionsIn(state, 'SmtpPlusUser', 'orders'))['Accepted'], 'False InvalidSpec');
    await writeFiles(folder, { 'a.yaml': user('orders', 'username: a@shop.example') });
    await until(() => inForce('a@shop.example'));
  });
});

describe('an object without a spec', () => {
  test('is refused, as by an API server, and says so in its status', async (t) => {
    const objects = [
      user('orders'),
      sender,
      sender.replace('VerifiedSender', 'SmtpPlusList').replace('shop-', 'list-'),
    ];
    const text = objects.map((object) => object.replace(/^spec: .*\n/m, '')).join('---\n');
    const [folder, state] = [await folderOf(t, { 'a.yaml': text }), await folderOf(t)];
    const { user: inForce } = await startAdapter(t, folder, state);
    assert.equal(inForce('orders.shop'), undefined);
    for (const [kind, name, type] of [
      ['SmtpPlusUser', 'orders', 'Accepted'],
      ['VerifiedSender', 'shop-example', 'Verified'],
      ['SmtpPlusList', 'list-example', 'Accepted'],
    ] as const) {
      const condition = (await statusOf(state, kind, 'shop', name)).condition(type);
      assert.deepEqual([condition?.reason, condition?.message], ['InvalidSpec', 'spec is missing; add it.'], kind);
    }
  });
});
