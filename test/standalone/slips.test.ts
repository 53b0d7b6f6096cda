/** What people do by mistake in a folder of manifests, and what must not come of it. */
import assert from 'node:assert/strict';
import { readdir, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { conditionsIn, passwordIn, sender, startAdapter, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { statusOf } from '../support/standalone.ts';

describe('a user who was taken out of a file', () => {
  const commentedOut = user('orders').replace(/^/gm, '# ');

  test('stays out when the file is broken at a later start', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const first = await startAdapter(t, folder, state);
    assert.equal(first.user('orders.shop')?.active, true);
    await writeFiles(folder, { 'a.yaml': commentedOut });
    await until(() => first.user('orders.shop') === undefined);
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

describe('a slip in one object', () => {
  const list = (spec: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusList
metadata: {name: house, namespace: shop, annotations: {smtpplus.io/default-list: "true"}}
spec: {${spec}}
`;
  const slips: readonly (readonly [
    what: string,
    file: string,
    text: string,
    status: [string, string],
    field: RegExp,
  ])[] = [
    [
      'a size with a unit, in its list',
      'l.yaml',
      list('limits: {messageBytes: 10MB}'),
      ['SmtpPlusList', 'house'],
      /messageBytes must be .*l\.yaml:4:/,
    ],
    [
      'a switch in quotes',
      'a.yaml',
      user('orders', 'active: "true"'),
      ['SmtpPlusUser', 'orders'],
      /spec\.active must be .*a\.yaml:4:/,
    ],
    [
      'its kind',
      'a.yaml',
      user('orders').replace('SmtpPlusUser', 'SmtpPlusUsr'),
      ['SmtpPlusUser', 'orders'],
      /no kind SmtpPlusUsr .*a\.yaml:2:1/,
    ],
    [
      'its name',
      'a.yaml',
      user('orders').replace('name: orders', 'name: Orders'),
      ['SmtpPlusUser', 'orders'],
      /no valid name.*a\.yaml:3:/,
    ],
    [
      'a reference that is text',
      'a.yaml',
      user('orders', 'active: true, listRef: house'),
      ['SmtpPlusUser', 'orders'],
      /spec\.listRef must be .*a\.yaml:4:/,
    ],
    [
      'a sender that is none',
      's.yaml',
      sender.replace('shop.example}', 'shop_example}'),
      ['VerifiedSender', 'shop-example'],
      /spec\.domain must be .*s\.yaml:4:/,
    ],
  ];

  for (const [what, file, text, [kind, name], field] of slips) {
    test(`(${what}) changes nothing for anybody, over a restart too, and is told with its place`, async (t) => {
      const files = { 's.yaml': sender, 'l.yaml': list(''), 'a.yaml': user('orders') };
      const [folder, state] = [await folderOf(t, files), await folderOf(t)];
      const first = await startAdapter(t, folder, state, { secretGraceMs: 50 });
      const before = first.user('orders.shop');
      const password = await passwordIn(state, 'orders-smtp');
      const told = async (): Promise<string> =>
        (await statusOf(state, kind, 'shop', name)).condition('NotAsWritten')?.message ?? '';

      await writeFiles(folder, { [file]: text });
      await until(async () => field.test(await told()));
      assert.match((await conditionsIn(state, kind, name))['Ready'] ?? '', /^False InvalidManifest/);
      assert.ok(
        first.lines.some((line) => line.includes('its last good version stays in force') && line.includes(file)),
      );
      assert.deepEqual(first.user('orders.shop'), before);
      await first.close();

      const second = await startAdapter(t, folder, state, { secretGraceMs: 50 });
      assert.deepEqual(second.user('orders.shop'), before);
      assert.match(await told(), field);
      await writeFiles(folder, files);
      await until(async () => (await conditionsIn(state, kind, name))['NotAsWritten'] === undefined);
      assert.match((await conditionsIn(state, kind, name))['Ready'] ?? '', /^True/);
      assert.equal(await passwordIn(state, 'orders-smtp'), password);
    });
  }

  test('of which nothing is known from before is told to the relay: the password is right, the user not usable', async (t) => {
    const files = { 's.yaml': sender, 'l.yaml': list(''), 'a.yaml': user('orders') };
    const [folder, state] = [await folderOf(t, files), await folderOf(t)];
    await (await startAdapter(t, folder, state)).close();
    await rm(join(state, 'last-good'), { recursive: true });
    await writeFiles(folder, { 'l.yaml': list('limits: {messageBytes: 10MB}') });
    const { user: inForce, unusable } = await startAdapter(t, folder, state);
    assert.equal(inForce('orders.shop'), undefined);
    assert.equal(unusable('orders.shop')?.object, 'shop/orders');
    await rm(join(folder, 'l.yaml'));
    await writeFiles(folder, { 'a.yaml': user('orders', 'active: true, listRef: {name: house}') });
    await until(() => unusable('orders.shop')?.missingList === 'shop/house');
  });

  test('that names a field which there is not is told, and the rest of the object is in force', async (t) => {
    const [folder, state] = [
      await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders', 'actve: true') }),
      await folderOf(t),
    ];
    const { lines, user: inForce } = await startAdapter(t, folder, state);
    assert.equal(inForce('orders.shop')?.active, false);
    const { condition } = await statusOf(state, 'SmtpPlusUser', 'shop', 'orders');
    const words = /spec\.actve is not a field of SmtpPlusUser; did you mean spec\.active\? \(.*a\.yaml:4:8\)/;
    assert.match(condition('NotAsWritten')?.message ?? '', words);
    assert.match(condition('Ready')?.message ?? '', words);
    const line = lines.find((one) => one.includes('did you mean')) ?? '';
    assert.ok(line.includes('"level":"warn"') && line.includes('a.yaml:4:8'), line);
  });
});

describe('a field that is immutable', () => {
  const list = (spec: string): string => `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusList
metadata: {name: bulk, namespace: shop}
spec: {${spec}}
`;
  const changes = [
    {
      object: ['SmtpPlusUser', 'orders'],
      field: 'spec.username',
      from: user('orders'),
      to: user('orders', 'username: a@shop.example'),
    },
    {
      object: ['VerifiedSender', 'shop-example'],
      field: 'spec.domain',
      from: sender,
      to: sender.replace('shop.example}', 'bank.example}'),
    },
    {
      object: ['SmtpPlusList', 'bulk'],
      field: 'spec.relayClassName',
      from: list(''),
      to: list('relayClassName: bulk'),
    },
  ] as const;

  for (const { object, field, from, to } of changes) {
    const [kind, name] = object;
    test(`(${field} of a ${kind}) is not changed by an edit, nor by one made while nothing ran, and can be put back`, async (t) => {
      const [folder, state] = [await folderOf(t, { 'a.yaml': from }), await folderOf(t)];
      const condition = async () => (await statusOf(state, kind, 'shop', name)).condition('NotAsWritten');
      const becomes = async (isRefused: boolean): Promise<void> => {
        await until(async () => ((await condition()) !== undefined) === isRefused);
      };
      const first = await startAdapter(t, folder, state);
      await becomes(false);
      await writeFiles(folder, { 'a.yaml': to });
      await becomes(true);
      assert.match(
        (await condition())?.message ?? '',
        new RegExp(`^${field.replace('.', '\\.')} is immutable; make a new `),
      );
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
      await until(async () => (await statusOf(state, kind, 'shop', name)).condition('Ready'));
      await becomes(false);
      await second.close();
    });
  }

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
  test('of a list or a user is one with all defaults; of a sender it is refused, as by an API server', async (t) => {
    const objects = [
      user('orders'),
      sender,
      sender.replace('VerifiedSender', 'SmtpPlusList').replace('shop-', 'list-'),
    ];
    const text = objects.map((object) => object.replace(/^spec: .*\n/m, '')).join('---\n');
    const [folder, state] = [await folderOf(t, { 'a.yaml': text }), await folderOf(t)];
    const { user: inForce } = await startAdapter(t, folder, state);
    assert.equal(inForce('orders.shop')?.active, false);
    const reasonOf = async (kind: string, name: string, type: string) => {
      const condition = (await statusOf(state, kind, 'shop', name)).condition(type);
      return [condition?.reason, condition?.message];
    };
    assert.equal((await reasonOf('SmtpPlusUser', 'orders', 'Accepted'))[0], 'Accepted');
    assert.equal((await reasonOf('SmtpPlusList', 'list-example', 'Accepted'))[0], 'Accepted');
    assert.deepEqual(await reasonOf('VerifiedSender', 'shop-example', 'Verified'), [
      'InvalidSpec',
      'spec is missing; add it.',
    ]);
  });
});
