/** What was valid stays so, in a folder as in a cluster (test/operator/passwords-kept.test.ts). */
import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { openInstallation } from '../../operator/directory/installation-file.ts';
import { verifyPassword } from '../../relay/password-hash.ts';
import { conditionsIn, passwordIn, sender, startAdapter, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';

type Adapter = Awaited<ReturnType<typeof startAdapter>>;
type Secret = { metadata: Record<string, unknown>; data: Record<string, string> };

const fileOf = (state: string, name = 'orders-smtp'): string => join(state, 'secrets', 'shop', `${name}.yaml`);
const own = (password: string): string => `apiVersion: v1
kind: Secret
metadata: {name: own, namespace: shop}
stringData: {password: ${password}}
`;
const OWN = user('orders', 'active: true, credentials: {passwordSecretRef: {name: own}}');

/** What is deleted just after the start, before it is watched, is missed by a look without an event. */
const SOON = { idleMs: 300 };

/** A folder with a user in it, at work. */
async function given(t: TestContext, manifest = user('orders'), more: Readonly<Record<string, string>> = {}) {
  const [folder, state] = [await folderOf(t, { 's.yaml': sender, 'a.yaml': manifest, ...more }), await folderOf(t)];
  const adapter = await startAdapter(t, folder, state, SOON);
  return { folder, state, adapter, password: await passwordIn(state, 'orders-smtp') };
}

/** Waits until the relay accepts the password, for ever or to an end. */
async function accepts({ user: inForce }: Adapter, password: string, how: 'ending' | 'lasting'): Promise<string> {
  return until(async () => {
    for (const { verifier, notAfter } of inForce('orders.shop')?.credentials ?? []) {
      const isSo = (notAfter === undefined) === (how === 'lasting');
      if (isSo && (await verifyPassword(password, verifier))) return notAfter ?? 'never';
    }
    return undefined;
  });
}

async function isRefused({ user: inForce }: Adapter, password: string): Promise<void> {
  for (const { verifier } of inForce('orders.shop')?.credentials ?? assert.fail()) {
    assert.equal(await verifyPassword(password, verifier), false);
  }
}

/** Waits until the Secret holds another password than these. */
function another(state: string, ...passwords: readonly string[]): Promise<string> {
  return until(async () => {
    const current = await passwordIn(state, 'orders-smtp').catch(() => undefined);
    return current === undefined || passwords.includes(current) ? undefined : current;
  });
}

async function change(file: string, edit: (secret: Secret) => void): Promise<void> {
  const secret = parse(await readFile(file, 'utf8')) as Secret;
  edit(secret);
  await writeFile(file, stringify(secret));
}

describe('in a folder, a password that was valid', () => {
  test('stays in a Secret whose owner reference is gone', async (t) => {
    const { state, adapter, password } = await given(t);
    await change(fileOf(state), ({ metadata }) => delete metadata['ownerReferences']);
    await until(async () => (await readFile(fileOf(state), 'utf8')).includes('ownerReferences'));
    assert.equal(await passwordIn(state, 'orders-smtp'), password);
    await accepts(adapter, password, 'lasting');
  });

  test('gives way to another one in the state folder of another installation, and its user works', async (t) => {
    const { folder, state, adapter, password } = await given(t);
    await adapter.close();
    const elsewhere = await folderOf(t);
    await openInstallation(elsewhere);
    await cp(join(state, 'secrets'), join(elsewhere, 'secrets'), { recursive: true });
    const second = await startAdapter(t, folder, elsewhere);
    await accepts(second, await another(elsewhere, password), 'lasting');
    await isRefused(second, password);
    assert.equal((await conditionsIn(elsewhere, 'SmtpPlusUser', 'orders'))['Active'], 'True Active');
    assert.ok(second.lines.some((line) => line.includes('PasswordReissued') && line.includes('as after a restore')));
  });

  test('stays valid for the overlap where its Secret is deleted, also while nothing runs', async (t) => {
    const { folder, state, adapter, password: first } = await given(t);
    await rm(fileOf(state));
    const second = await another(state, first);
    const end = await accepts(adapter, first, 'ending');
    await accepts(adapter, second, 'lasting');
    await adapter.close();
    await rm(fileOf(state));
    const again = await startAdapter(t, folder, state);
    await accepts(again, await another(state, first, second), 'lasting');
    await accepts(again, second, 'ending');
    assert.equal(await accepts(again, first, 'ending'), end);
  });

  test('stays valid for the overlap where the Secret gets another name, or an edit', async (t) => {
    const { folder, state, adapter, password: first } = await given(t);
    await change(fileOf(state), ({ data }) => (data['password'] = Buffer.from('edited by hand').toString('base64')));
    const second = await another(state, first, 'edited by hand');
    await accepts(adapter, first, 'ending');
    await writeFiles(folder, { 'a.yaml': user('orders', 'active: true, credentials: {secretName: other}') });
    await accepts(adapter, second, 'ending');
    await accepts(adapter, await passwordIn(state, 'other'), 'lasting');
    await accepts(adapter, first, 'ending');
    await isRefused(adapter, 'edited by hand');
  });

  test('stays valid for the overlap where people change the one of their own, or delete it', async (t) => {
    const { folder, state, adapter } = await given(t, OWN, { 'p.yaml': own('the first of them') });
    await writeFiles(folder, { 'p.yaml': own('the second of them') });
    const end = await accepts(adapter, 'the first of them', 'ending');
    await accepts(adapter, 'the second of them', 'lasting');
    await rm(join(folder, 'p.yaml'));
    await accepts(adapter, 'the second of them', 'ending');
    await adapter.close();
    await writeFiles(folder, { 'p.yaml': own('the third of them') });
    const again = await startAdapter(t, folder, state);
    await accepts(again, 'the third of them', 'lasting');
    await accepts(again, 'the second of them', 'ending');
    assert.equal(await accepts(again, 'the first of them', 'ending'), end);
  });

  test('ends at once where its owner says so, with all that came before', async (t) => {
    const { folder, state, adapter, password: first } = await given(t);
    await rm(fileOf(state));
    const second = await another(state, first);
    await accepts(adapter, first, 'ending');
    const rotation = '{overlap: 0s, trigger: it has leaked}';
    await writeFiles(folder, { 'a.yaml': user('orders', `active: true, credentials: {rotation: ${rotation}}`) });
    await accepts(adapter, await another(state, first, second), 'lasting');
    for (const password of [first, second]) await isRefused(adapter, password);
  });

  test('is left alone in a Secret among the manifests, whatever its labels say', async (t) => {
    const manifest = `apiVersion: v1
kind: Secret
type: servicebinding.io/smtp
metadata:
  name: orders-smtp
  namespace: shop
  labels: {app.kubernetes.io/managed-by: smtp-plus, smtpplus.io/user: orders}
stringData: {password: theirs}
`;
    const folder = await folderOf(t, { 's.yaml': sender, 'a.yaml': user('orders'), 'p.yaml': manifest });
    const state = await folderOf(t);
    await startAdapter(t, folder, state);
    const conditions = await conditionsIn(state, 'SmtpPlusUser', 'orders');
    assert.equal(conditions['CredentialsReady'], 'False SecretNotOwned');
    await assert.rejects(readFile(fileOf(state)));
  });
});
