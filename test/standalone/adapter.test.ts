/** The directory adapter with the core and the relay's own configuration reader; no sockets. */
import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { openInstallation } from '../../operator/directory/installation-file.ts';
import { verifyPassword } from '../../relay/password-hash.ts';
import { conditionsIn, passwordIn, sender, secretIn, startAdapter as start, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';

describe('the directory adapter', () => {
  test('turns manifests into Secrets, statuses and relay configuration that fit together', async (t) => {
    const [folder, state] = [await folderOf(t, { 'a.yaml': `${sender}---\n${user('orders')}` }), await folderOf(t)];
    const { user: inForce } = await start(t, folder, state);

    const file = join(state, 'secrets', 'shop', 'orders-smtp.yaml');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await stat(join(state, 'secrets', 'shop'))).mode & 0o777, 0o700);
    const secret = parse(await readFile(file, 'utf8'));
    assert.equal(secret.kind, 'Secret');
    assert.equal(secret.type, 'servicebinding.io/smtp');

    const verifier = inForce('orders.shop')?.credentials[0]?.verifier ?? '';
    assert.equal(await verifyPassword(await passwordIn(state, 'orders-smtp'), verifier), true);
    assert.equal(inForce('orders.shop')?.active, true);
    const conditions = await conditionsIn(state, 'SmtpPlusUser', 'orders');
    assert.equal(conditions['Ready'], 'True Ready');
    assert.match(conditions['Programmed'] ?? '', /^True/);
  });

  test('keeps passwords, generations and transition times over a restart, and writes nothing new', async (t) => {
    const [folder, state] = [await folderOf(t, { 'a.yaml': `${sender}---\n${user('orders')}` }), await folderOf(t)];
    const first = await start(t, folder, state);
    const before = await contents(state);
    await first.close();
    await start(t, folder, state);
    assert.deepEqual(await contents(state), before);
  });

  test('says of lists and users what the relay has counted, and when a user was used last', async (t) => {
    const [folder, state] = [await folderOf(t, { 'a.yaml': `${sender}---\n${user('orders')}` }), await folderOf(t)];
    const status = async (): Promise<Record<string, unknown>> =>
      parse(await readFile(join(state, 'status/SmtpPlusUser/shop/orders.yaml'), 'utf8')).status;
    const tally = { accepted: 2, recipients: 2, lastMessage: '2026-01-01T10:11:12.000Z' };
    const usage = { since: '2026-01-01T00:00:00.000Z', lists: {}, users: { 'shop/orders': tally } };
    const told = { upstreams: [], fullSince: undefined, usage };
    const first = await start(t, folder, state, { told, askMs: 10, usageHoldMs: 0 });
    await until(async () => (await status())['lastUsedTime'] === '2026-01-01T10:10:00Z');
    const { traffic } = (await status()) as { traffic: { accepted: number } };
    assert.equal(traffic.accepted, 2);
    await first.close();
    // a day later, on another relay: when it was used last is not forgotten
    const empty = { ...told, usage: { ...usage, users: {} } };
    await start(t, folder, state, { told: empty, askMs: 10, usageHoldMs: 0 });
    await until(async () => (await status())['traffic'] === undefined);
    assert.equal((await status())['lastUsedTime'], '2026-01-01T10:10:00Z');
  });

  test('counts a generation for each change of a spec, also one made while it was down', async (t) => {
    const [folder, state] = [await folderOf(t, { 'a.yaml': user('orders') }), await folderOf(t)];
    const generation = async (): Promise<number> =>
      parse(await readFile(join(state, 'status/SmtpPlusUser/shop/orders.yaml'), 'utf8')).metadata.generation;
    const first = await start(t, folder, state);
    assert.equal(await generation(), 1);
    await writeFiles(folder, { 'a.yaml': user('orders', 'active: false') });
    await until(async () => (await generation()) === 2);
    await first.close();
    await writeFiles(folder, { 'a.yaml': user('orders', 'active: true') });
    await start(t, folder, state);
    assert.equal(await generation(), 3);
  });

  test('has a change in force soon, however an editor writes it', async (t) => {
    const folder = await folderOf(t, { 's.yaml': sender, '..1/a.yaml': user('orders'), 'sub/b.yaml': user('b') });
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/a.yaml', join(folder, 'a.yaml'));
    const { user: inForce } = await start(t, folder, await folderOf(t));
    const becomes = async (name: string, active: boolean | undefined): Promise<void> => {
      await until(() => inForce(`${name}.shop`)?.active === active);
    };
    assert.equal(inForce('orders.shop')?.active, true);

    await writeFiles(folder, { '..2/a.yaml': user('orders', 'active: false') });
    await symlink('..2', join(folder, '..next'));
    await rename(join(folder, '..next'), join(folder, '..data'));
    await becomes('orders', false);

    await writeFile(join(folder, 'b.yaml.tmp'), user('b', 'active: false'));
    await rename(join(folder, 'b.yaml.tmp'), join(folder, 'sub', 'b.yaml'));
    await becomes('b', false);
    await writeFile(join(folder, 'sub', 'b.yaml'), user('b'));
    await becomes('b', true);
    await rm(join(folder, 'sub', 'b.yaml'));
    await becomes('b', undefined);
    await writeFiles(folder, { 'new/deep/c.yaml': user('c') });
    await becomes('c', true);
    await rm(join(folder, 'new'), { recursive: true });
    await becomes('c', undefined);
  });

  test('changes nothing but what could be read when a file is no YAML, says so once, and goes on', async (t) => {
    const folder = await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders'), 'b.yaml': user('b') });
    const state = await folderOf(t);
    const { user: inForce, lines, settled } = await start(t, folder, state);
    const password = await passwordIn(state, 'orders-smtp');

    await writeFiles(folder, {
      'a.yaml': `${user('orders', 'active: false')}  x: [\n`,
      'b.yaml': user('b', 'active: false'),
    });
    await until(() => inForce('b.shop')?.active === false);
    assert.equal(inForce('orders.shop')?.active, true);
    const rounds = settled();
    await writeFiles(folder, { 'c.yaml': user('c') });
    await until(() => settled() > rounds && inForce('c.shop') !== undefined);
    const complaints = lines.filter((line) => line.includes('"syntax"'));
    assert.equal(complaints.length, 1);
    assert.ok(complaints[0]?.includes(`${join(folder, 'a.yaml')}:5:`));

    await writeFiles(folder, { 'a.yaml': user('orders', 'active: false') });
    await until(() => inForce('orders.shop')?.active === false);
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
    assert.equal(lines.filter((line) => line.includes('every manifest can be read again')).length, 1);
  });

  test('keeps the password of a user whose file was emptied, moved or broken meanwhile', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const first = await start(t, folder, state);
    const password = await passwordIn(state, 'orders-smtp');
    // what a shell does before `>` gets its content
    await truncate(join(folder, 'a.yaml'));
    await until(() => first.lines.some((line) => line.includes('empty')));
    assert.equal(first.user('orders.shop')?.active, true);

    await rm(join(folder, 'a.yaml'));
    await until(() => first.user('orders.shop') === undefined);
    await writeFiles(folder, { 'moved.yaml': user('orders') });
    await until(() => first.user('orders.shop')?.active);
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
    await first.close();

    await writeFiles(folder, { 'moved.yaml': 'a: [' });
    const second = await start(t, folder, state);
    assert.equal(second.user('orders.shop')?.active, true, 'what the file said last stays in force over a restart');
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
  });

  test('says `Programmed` of what the relay runs, not of what it was given', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    let isReading = true;
    const { settled, lines } = await start(t, folder, state, { isReading: () => isReading });
    const isTold = (name: string): boolean =>
      lines.some((line) => line.includes(`"object":"shop/${name}","reason":"Ready"`));
    assert.ok(isTold('orders'));
    const programmed = async (name: string): Promise<string | undefined> =>
      (await conditionsIn(state, 'SmtpPlusUser', name))['Programmed'];
    assert.equal(await programmed('orders'), 'True Programmed');

    isReading = false;
    const rounds = settled();
    await writeFiles(folder, { 'a.yaml': user('orders', 'active: false'), 'b.yaml': user('b') });
    await until(() => settled() > rounds);
    assert.deepEqual(
      [await programmed('orders'), await programmed('b')],
      ['False RelaysLagging', 'False RelaysLagging'],
    );
    assert.equal(isTold('b'), false);
    isReading = true;
    await until(async () => (await programmed('orders')) === 'True Programmed');
    assert.equal(await programmed('b'), 'True Programmed');
    assert.ok(isTold('b'));
  });

  test('looks once at each change, and not at the Secrets that it writes itself', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const { settled, user: inForce } = await start(t, folder, state);
    // longer than it takes for an event, and for a poll, to lead to a round
    const quiet = (): Promise<void> => sleep(2500);
    await quiet();
    assert.equal(settled(), 1);
    await writeFiles(folder, { 'b.yaml': user('b') });
    await until(() => settled() === 2);
    assert.equal(inForce('b.shop')?.credentials.length, 1);
    await quiet();
    assert.equal(settled(), 2);
    await writeFile(join(state, 'secrets/shop/b-smtp.yaml'), '');
    await until(() => settled() === 3);
  });

  test('writes a Secret again that was damaged while it ran, with the same password', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await start(t, folder, state);
    const password = await passwordIn(state, 'orders-smtp');
    await truncate(join(state, 'secrets/shop/orders-smtp.yaml'), 60);
    assert.equal(await until(() => passwordIn(state, 'orders-smtp')), password);
  });

  test('deletes the Secret and status of a user who is gone, and makes a deleted Secret again', async (t) => {
    const [folder, state] = [
      await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders'), 'b.yaml': user('b') }),
      await folderOf(t),
    ];
    const { user: inForce } = await start(t, folder, state, { secretGraceMs: 100 });
    const before = inForce('b.shop')?.credentials[0]?.verifier;
    await rm(join(state, 'secrets/shop/b-smtp.yaml'));
    await until(async () => (await passwordIn(state, 'b-smtp')) !== '');
    await until(() => inForce('b.shop')?.credentials[0]?.verifier !== before);

    await rm(join(folder, 'a.yaml'));
    await until(() => inForce('orders.shop') === undefined);
    await until(async () => !(await readdir(join(state, 'secrets/shop'))).includes('orders-smtp.yaml'));
    await until(async () => (await readdir(join(state, 'status/SmtpPlusUser/shop'))).join() === 'b.yaml');
  });

  test('keeps a retained Secret whose user is gone, and its password for when it is back', async (t) => {
    const retained = user('orders', 'credentials: {deletionPolicy: Retain}');
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': retained }), await folderOf(t)];
    const first = await start(t, folder, state, { secretGraceMs: 100 });
    const file = join(state, 'secrets/shop/orders-smtp.yaml');
    const before = await readFile(file, 'utf8');
    assert.equal(parse(before).metadata.ownerReferences, undefined);
    await rm(join(folder, 'a.yaml'));
    await until(() => first.user('orders.shop') === undefined);
    await first.close();

    const second = await start(t, folder, state, { secretGraceMs: 0, prune: true });
    assert.equal(await readFile(file, 'utf8'), before);
    await writeFile(join(folder, 'a.yaml'), retained);
    await until(() => second.user('orders.shop') !== undefined);
    assert.equal(await readFile(file, 'utf8'), before);
  });

  test('serves as many users of a namespace as it may have, and those who were there keep their place', async (t) => {
    const settings = { namespaceLimits: { users: 2 } };
    const folder = await folderOf(t, { 's.yaml': sender, 'x.yaml': user('x'), 'z.yaml': user('z') });
    const state = await folderOf(t);
    const first = await start(t, folder, state, { settings, secretGraceMs: 0 });
    const password = await passwordIn(state, 'z-smtp');
    await writeFiles(folder, { 'a.yaml': user('a') });
    await until(async () => (await conditionsIn(state, 'SmtpPlusUser', 'a'))['Stalled']?.includes('TooManyUsers'));
    assert.deepEqual([first.user('a.shop'), await passwordIn(state, 'z-smtp')], [undefined, password]);
    await first.close();

    const second = await start(t, folder, state, { settings, secretGraceMs: 0 });
    assert.notEqual(second.user('z.shop'), undefined);
    assert.equal(second.user('a.shop'), undefined);
    await rm(join(folder, 'x.yaml'));
    await until(() => second.user('a.shop') !== undefined);
    assert.equal(await passwordIn(state, 'z-smtp'), password);
  });

  test('names damaged files of the state folder, and goes on with new ones', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await start(t, folder, state)).close();
    const secret = join(state, 'secrets/shop/orders-smtp.yaml');
    const status = join(state, 'status/SmtpPlusUser/shop/orders.yaml');
    const [name = ''] = await readdir(join(state, 'memory'));
    const memory = join(state, 'memory', name);
    await truncate(secret, 60);
    await writeFile(status, 'metadata: [');
    await writeFile(memory, '{');
    const { lines, user: inForce } = await start(t, folder, state);
    assert.ok(lines.some((line) => line.includes(`${secret}.damaged`)));
    assert.ok(lines.some((line) => line.includes(`${memory} is damaged`)));
    assert.match(await readFile(status, 'utf8'), /^apiVersion: /);
    assert.equal((await stat(`${secret}.damaged`)).size, 60);
    const verifier = inForce('orders.shop')?.credentials[0]?.verifier ?? '';
    assert.equal(await verifyPassword(await passwordIn(state, 'orders-smtp'), verifier), true);
  });

  test('does not start on a Secret that it cannot read, and leaves it where it is', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await start(t, folder, state)).close();
    const secret = join(state, 'secrets/shop/orders-smtp.yaml');
    await rename(secret, `${secret}.kept`);
    // reading there is an I/O error; a link to itself fails even before it is opened
    for (const target of ['/proc/self/mem', secret]) {
      await symlink(target, secret);
      await assert.rejects(start(t, folder, state), { message: new RegExp(`^${secret} cannot be read: .*; make it`) });
      assert.deepEqual((await readdir(join(state, 'secrets/shop'))).sort(), [
        'orders-smtp.yaml',
        'orders-smtp.yaml.kept',
      ]);
      await rm(secret);
    }
    await rename(join(state, 'secrets/shop'), join(state, 'kept'));
    await symlink(join(state, 'secrets/shop'), join(state, 'secrets/shop'));
    await assert.rejects(start(t, folder, state), /secrets\/shop cannot be read: its symbolic links/);
  });

  test('goes on, revocations too, beside something unreadable among its Secrets', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    const { user: inForce } = await start(t, folder, state);
    await symlink('nowhere', join(state, 'secrets/shop/backup.yaml'));
    await rm(join(folder, 'a.yaml'));
    await until(() => inForce('orders.shop') === undefined);
  });

  test('makes statuses and configuration again that somebody deleted', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await start(t, folder, state, { idleMs: 100 });
    await rm(join(state, 'status'), { recursive: true });
    await rm(join(state, 'relay'), { recursive: true });
    assert.match((await until(() => conditionsIn(state, 'SmtpPlusUser', 'orders')))['Ready'] ?? '', /^True/);
    await until(async () => (await readdir(join(state, 'relay'))).includes('class.json'));
  });

  test('is not given another identity while there are Secrets that follow from the one before', async (t) => {
    const [folder, state] = [await folderOf(t, { 'a.yaml': user('orders') }), await folderOf(t)];
    await (await start(t, folder, state)).close();
    const id = await readFile(join(state, 'installation-id'), 'utf8');
    const problem = async (): Promise<string> => {
      const opened = await openInstallation(state);
      return 'problem' in opened ? opened.problem : '';
    };
    await writeFile(join(state, 'installation-id'), id.slice(0, 20));
    assert.match(await problem(), /installation-id is damaged: restore it/);
    await rm(join(state, 'installation-id'));
    assert.match(await problem(), /installation-id is missing: restore it/);
    await writeFile(join(state, 'installation-id'), id);
    assert.equal(await problem(), '');
  });

  test('takes a password that people chose from a Secret among the manifests, and hashes it slowly', async (t) => {
    const own = `apiVersion: v1\nkind: Secret\nmetadata: {name: mine, namespace: shop}\nstringData: {password: "correct horse battery\\n"}\n`;
    const spec = 'active: true, credentials: {passwordSecretRef: {name: mine}}';
    const folder = await folderOf(t, { 's.yaml': sender, 'a.yaml': `${own}---\n${user('orders', spec)}` });
    const state = await folderOf(t);
    const { user: inForce } = await start(t, folder, state);
    const verifier = inForce('orders.shop')?.credentials[0]?.verifier ?? '';
    assert.match(verifier, /^argon2id\$/);
    assert.equal(await verifyPassword('correct horse battery', verifier), true);
  });

  test('never takes over a Secret among the manifests, whatever owner it claims', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders') }), await folderOf(t)];
    await (await start(t, folder, state)).close();
    const ours = await readFile(join(state, 'secrets/shop/orders-smtp.yaml'), 'utf8');
    await writeFiles(folder, { 'z.yaml': ours });
    await start(t, folder, state);
    assert.match(
      (await conditionsIn(state, 'SmtpPlusUser', 'orders'))['CredentialsReady'] ?? '',
      /^False SecretNotOwned/,
    );
  });

  test('tells users of another class nothing of its own server', async (t) => {
    const list = (name: string): string =>
      sender
        .replace('VerifiedSender', 'SmtpPlusList')
        .replace('shop-example', name)
        .replace(/spec: .*/, `spec: {relayClassName: ${name}}`);
    const users = ['default', 'bulk', 'fast'].map((name) => user(name, `active: true, listRef: {name: ${name}}`));
    const folder = await folderOf(t, {
      'a.yaml': [sender, ...['default', 'bulk', 'fast'].map(list), ...users].join('---\n'),
    });
    const state = await folderOf(t);
    const existingSenders = [{ shop: 'shop.example' }];
    const settings = {
      classes: { default: { existingSenders }, bulk: { existingSenders }, fast: { existingSenders, ports: [587] } },
    };
    await start(t, folder, state, { settings });

    const ours = await secretIn(state, 'default-smtp');
    assert.deepEqual([ours['port'], ours['ca.crt']], ['2525', 'PEM of this relay']);
    const theirs = await secretIn(state, 'fast-smtp');
    assert.deepEqual([theirs['port'], theirs['ca.crt']], ['587', undefined], 'what its settings tell is told');
    assert.deepEqual((await readdir(join(state, 'secrets/shop'))).sort(), ['default-smtp.yaml', 'fast-smtp.yaml']);
    assert.match((await conditionsIn(state, 'SmtpPlusUser', 'bulk'))['CredentialsReady'] ?? '', /^False/);
  });

  test('says in a log line that it cannot write, and catches up when it can', async (t) => {
    const [folder, state] = [await folderOf(t, { 's.yaml': sender }), await folderOf(t)];
    const { lines } = await start(t, folder, state);
    await rm(join(state, 'secrets'), { recursive: true });
    await writeFile(join(state, 'secrets'), 'in the way');
    await writeFiles(folder, { 'a.yaml': user('orders') });
    await until(() => lines.some((line) => line.includes('could not carry out')));
    await rm(join(state, 'secrets'));
    assert.notEqual(await until(() => passwordIn(state, 'orders-smtp')), '');
  });
});

/** Every file under a folder with its text, and its inode: a file that was written again is another one. */
async function contents(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files
    .sort()
    .map(async (file) => [file, `${(await stat(file)).ino} ${await readFile(file, 'utf8')}`] as const);
  return Object.fromEntries(await Promise.all(read));
}
