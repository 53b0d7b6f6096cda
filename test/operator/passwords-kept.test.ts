/** What was valid stays so: Secrets that lose their owner, come back from a backup, vanish, or get another name. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createInstallation, newInstallationId } from '../../operator/installation.ts';
import { readInstallation } from '../../operator/kubernetes/installation-secret.ts';
import { sha256Verifier, verifyPassword } from '../../relay/password-hash.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, namespace, secret, user, type Admin, type Manifest, type RelayUser } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperatorOptions } from './support/operator.ts';

const OVERLAP_MS = 24 * 3600 * 1000;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describeWithControlPlane('a password that was valid', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let close: () => Promise<void>;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await start();
  });
  after(async () => {
    await close();
    admin.client.close();
  });

  async function start(instead: TestOperatorOptions['instead'] = {}): Promise<void> {
    ({ close } = await startTestOperator(cluster(), kubeconfig, { instead }));
  }
  /** Does something while no operator runs. */
  async function whileDown(happening: () => Promise<void>, instead?: TestOperatorOptions['instead']): Promise<void> {
    await close();
    await happening();
    await start(instead);
  }
  /** A namespace with one user in it, whose password the relays know. */
  async function given(name: string, spec: object = {}): Promise<string> {
    await admin.apply(namespace(name), user(`${name}/app`, spec));
    const { password = '' } = await admin.secret(`${name}/app-smtp`);
    await accepts(name, password);
    return password;
  }
  const passwordIn = async (key: string): Promise<string> => (await admin.secret(key))['password'] ?? '';
  /** Waits until a Secret holds another password than this one. */
  const another = (key: string, password: string): Promise<string> =>
    eventually(async () => {
      const current = await passwordIn(key);
      assert.notEqual(current, password);
      return current;
    });
  /** Waits until the relays accept the password of `app` in the namespace; how they do. */
  const accepts = (name: string, password: string, isEnding?: boolean): Promise<RelayUser['credentials'][number]> =>
    eventually(async () => {
      const { credentials = [] } = (await admin.relayUsers())[`app.${name}`] ?? {};
      const fits = await Promise.all(credentials.map(({ verifier }) => verifyPassword(password, verifier)));
      const found = credentials[fits.indexOf(true)] ?? assert.fail(`not accepted, of ${credentials.length}`);
      if (isEnding !== undefined) assert.equal(found.notAfter !== undefined, isEnding, 'whether it ends');
      return found;
    });
  /** The password before ends within the overlap, the one in the Secret does not. */
  async function assertOverlap(name: string, { before, now }: { before: string; now: string }): Promise<void> {
    const { notAfter = '' } = await accepts(name, before, true);
    const left = Date.parse(notAfter) - Date.now();
    assert.ok(left > 0 && left <= OVERLAP_MS, notAfter);
    await accepts(name, now, false);
  }
  const isRefused = async (name: string, password: string): Promise<void> => {
    const { credentials } = (await admin.relayUsers())[`app.${name}`] ?? assert.fail('no such user');
    for (const { verifier } of credentials) assert.equal(await verifyPassword(password, verifier), false);
  };
  const says = (name: string, words: RegExp): Promise<void> =>
    eventually(async () => assert.match(await cluster().kubectl(['-n', name, 'get', 'events', '-o', 'json']), words));
  const isOwned = (key: string): Promise<void> =>
    eventually(async () => {
      const [user, { metadata }] = await Promise.all([
        admin.get('SmtpPlusUser', key),
        admin.get('Secret', `${key}-smtp`).then((found) => found ?? assert.fail()),
      ]);
      assert.deepEqual(
        metadata.ownerReferences?.map(({ uid }) => uid),
        [user?.metadata.uid],
      );
    });
  /** The Secret as a backup has it that keeps no owner references. */
  async function backupOf(key: string): Promise<Manifest> {
    const { metadata, ...rest } = (await admin.get('Secret', key)) ?? assert.fail();
    const { name, labels = {}, annotations = {} } = metadata;
    const kept = { name, namespace: metadata.namespace ?? '', labels: { ...labels }, annotations: { ...annotations } };
    return { ...rest, apiVersion: 'v1', kind: 'Secret', metadata: kept };
  }
  const create = (manifest: Manifest): Promise<string> =>
    cluster().kubectl(['create', '-f', '-'], { stdin: JSON.stringify(manifest) });
  async function removeAll(name: string): Promise<void> {
    await admin.remove('SmtpPlusUser', `${name}/app`);
    await admin.remove('Secret', `${name}/app-smtp`);
  }

  test('stays in a Secret that comes back from a backup before its user does', async () => {
    const password = await given('restored');
    const backup = await backupOf('restored/app-smtp');
    await whileDown(async () => {
      await removeAll('restored');
      await create(backup);
      await admin.apply(user('restored/app'));
    });
    await isOwned('restored/app');
    assert.equal(await passwordIn('restored/app-smtp'), password);
    await accepts('restored', password, false);
    await admin.waitFor('SmtpPlusUser', 'restored/app', 'CredentialsReady', 'True CredentialsReady');
    await says('restored', /SecretAdopted/);
  });

  test('stays in a Secret whose owner reference was stripped', async () => {
    const password = await given('stripped');
    await admin.patch('Secret', 'stripped/app-smtp', { metadata: { ownerReferences: null } });
    await isOwned('stripped/app');
    assert.equal(await passwordIn('stripped/app-smtp'), password);
    await accepts('stripped', password, false);
  });

  test('stays in the Secret of a user whose name is too long for its label', async () => {
    const name = 'a'.repeat(100);
    await admin.apply(namespace('long'), user(`long/${name}`));
    const password = await passwordIn(`long/${name}-smtp`);
    await admin.patch('Secret', `long/${name}-smtp`, { metadata: { ownerReferences: null } });
    await isOwned(`long/${name}`);
    assert.equal(await passwordIn(`long/${name}-smtp`), password);
  });

  test('gives way to another one in a backup of another installation, and its user works', async () => {
    const password = await given('moved');
    const backup = await backupOf('moved/app-smtp');
    const installation = createInstallation(newInstallationId());
    await whileDown(
      async () => {
        await removeAll('moved');
        await create(backup);
        await admin.apply(user('moved/app'));
      },
      { installation },
    );
    try {
      const now = await another('moved/app-smtp', password);
      await isOwned('moved/app');
      await accepts('moved', now, false);
      await isRefused('moved', password);
      await admin.waitFor('SmtpPlusUser', 'moved/app', 'CredentialsReady', 'True CredentialsReady');
      await says(
        'moved',
        /had no owner, as after a restore, or when a user is created again, and its password is not known/,
      );
    } finally {
      await whileDown(async () => undefined);
    }
  });

  test('is not what somebody says it is who may write Secrets and not read them', async () => {
    await admin.apply(namespace('forged'));
    const password = 'P'.repeat(32);
    const verifier = sha256Verifier(password, Buffer.alloc(16, 1));
    const planted = secret('forged/app-smtp', { password }, 'servicebinding.io/smtp');
    const record = (seal: object): string =>
      JSON.stringify({
        verifier,
        issued: '2026-01-01T00:00:00Z',
        previous: [{ verifier, notAfter: '2999-01-01T00:00:00Z' }],
        ...seal,
      });
    for (const seal of [{}, { seal: 'A'.repeat(43) }]) {
      const labels = { 'app.kubernetes.io/managed-by': 'smtp-plus', 'smtpplus.io/user': 'app' };
      const annotations = { 'smtpplus.io/credentials': record(seal) };
      await create({ ...planted, metadata: { ...planted.metadata, labels, annotations } });
      await admin.apply(user('forged/app'));
      await accepts('forged', await another('forged/app-smtp', password), false);
      await isRefused('forged', password);
      await whileDown(() => removeAll('forged'));
    }
  });

  test('is left alone in a Secret that something else controls, whatever its labels say', async () => {
    await admin.apply(namespace('controlled'));
    const taken = secret('controlled/app-smtp', { password: 'theirs' }, 'servicebinding.io/smtp');
    const labels = { 'app.kubernetes.io/managed-by': 'smtp-plus', 'smtpplus.io/user': 'app' };
    const owner = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'app', uid: 'an-uid' };
    const ownerReferences = [{ ...owner, controller: true }];
    await create({ ...taken, metadata: { ...taken.metadata, labels, ownerReferences } as Manifest['metadata'] });
    await admin.apply(user('controlled/app'));
    await admin.waitFor('SmtpPlusUser', 'controlled/app', 'CredentialsReady', 'False SecretNotOwned');
    assert.equal(await passwordIn('controlled/app-smtp'), 'theirs');
  });

  test('of a user who is here keeps an operator from starting as another installation; of nobody here, it does not', async () => {
    await given('here');
    await admin.apply(namespace('no-installation-yet'));
    const readAnew = () => readInstallation(admin.client, 'no-installation-yet', ['here']);
    await assert.rejects(readAnew, /is gone, but there are credentials.*Secret here\/app-smtp/s);
    await whileDown(async () => {
      await admin.patch('Secret', 'here/app-smtp', { metadata: { ownerReferences: null } });
      await readAnew();
    });
  });

  test('stays valid for the overlap where its Secret is deleted', async () => {
    const before = await given('deleted');
    await admin.remove('Secret', 'deleted/app-smtp');
    await assertOverlap('deleted', { before, now: await another('deleted/app-smtp', before) });
    await says(
      'deleted',
      /was not there; it was made with a new password; the password that was valid before is valid until/,
    );
  });

  test('stays valid for the overlap where its Secret is deleted while no operator runs', async () => {
    const before = await given('vanished');
    await whileDown(() => admin.remove('Secret', 'vanished/app-smtp'));
    await assertOverlap('vanished', { before, now: await another('vanished/app-smtp', before) });
  });

  test('is kept where its Secret is made anew without a record while no operator runs', async () => {
    const password = await given('copied');
    const { metadata, ...rest } = await backupOf('copied/app-smtp');
    await whileDown(async () => {
      await admin.remove('Secret', 'copied/app-smtp');
      await create({ ...rest, metadata: { ...metadata, annotations: {} } });
    });
    await isOwned('copied/app');
    assert.equal(await passwordIn('copied/app-smtp'), password);
    await accepts('copied', password, false);
  });

  test('stays valid for the overlap where the Secret gets another name', async () => {
    const before = await given('renamed');
    await admin.apply(user('renamed/app', { credentials: { secretName: 'other' } }));
    await assertOverlap('renamed', { before, now: await passwordIn('renamed/other') });
  });

  test('stays valid for the overlap where the Secret is edited, each for its own', async () => {
    const first = await given('edited');
    await admin.patch('Secret', 'edited/app-smtp', { data: { password: base64('edited by hand') } });
    const second = await eventually(async () => {
      const now = await passwordIn('edited/app-smtp');
      assert.ok(now !== first && now !== 'edited by hand');
      return now;
    });
    await assertOverlap('edited', { before: first, now: second });
    const { notAfter } = await accepts('edited', first);
    await admin.patch('Secret', 'edited/app-smtp', { data: { password: base64(first) } });
    const third = await eventually(async () => {
      const now = await passwordIn('edited/app-smtp');
      assert.ok(now !== first && now !== second);
      return now;
    });
    await assertOverlap('edited', { before: second, now: third });
    assert.equal((await accepts('edited', first, true)).notAfter, notAfter);
    await isRefused('edited', 'edited by hand');
  });

  test('stays valid for the overlap where an older backup is put over it', async () => {
    const first = await given('older');
    const { metadata, data } = await backupOf('older/app-smtp');
    await admin.remove('Secret', 'older/app-smtp');
    const second = await another('older/app-smtp', first);
    await accepts('older', second, false);
    await admin.patch('Secret', 'older/app-smtp', {
      data,
      metadata: { ownerReferences: null, annotations: metadata.annotations },
    });
    await isOwned('older/app');
    await assertOverlap('older', { before: second, now: first });
    assert.equal(await passwordIn('older/app-smtp'), first);
  });

  test('stays valid for the overlap where people edit, delete or make anew the one of their own', async () => {
    const own = (password: string) => secret('own/chosen', { password });
    await admin.apply(namespace('own'), own('the first of them'));
    await given('own', { credentials: { passwordSecretRef: { name: 'chosen' } } });
    await admin.apply(own('the second of them'));
    await assertOverlap('own', { before: 'the first of them', now: 'the second of them' });
    const { notAfter } = await accepts('own', 'the first of them');
    await admin.remove('Secret', 'own/chosen');
    await admin.waitFor('SmtpPlusUser', 'own/app', 'CredentialsReady', 'False SecretNotFound');
    await accepts('own', 'the second of them', true);
    await whileDown(() => admin.apply(own('the third of them')));
    await assertOverlap('own', { before: 'the second of them', now: 'the third of them' });
    assert.equal((await accepts('own', 'the first of them', true)).notAfter, notAfter);
  });

  test('ends with its user: one that is made anew under the same name has another', async () => {
    const password = await given('anew');
    await whileDown(async () => {
      await removeAll('anew');
      await admin.apply(user('anew/app'));
    });
    await accepts('anew', await another('anew/app-smtp', password), false);
    await isRefused('anew', password);
  });

  test('stays valid when a second rotation comes within the overlap of the first', async () => {
    const rotated = (trigger: string) => user('twice/app', { credentials: { rotation: { interval: '12h', trigger } } });
    const first = await given('twice');
    await admin.apply(rotated('one'));
    const second = await another('twice/app-smtp', first);
    await assertOverlap('twice', { before: first, now: second });
    await admin.apply(rotated('two'));
    const third = await another('twice/app-smtp', second);
    await assertOverlap('twice', { before: second, now: third });
    await accepts('twice', first, true);
  });

  test('ends at once where its owner says so: all that came before, and a backup does not bring it back', async () => {
    const first = await given('revoked');
    await admin.remove('Secret', 'revoked/app-smtp');
    const second = await another('revoked/app-smtp', first);
    await assertOverlap('revoked', { before: first, now: second });
    const { metadata, data } = await backupOf('revoked/app-smtp');
    const rotation = { trigger: 'it has leaked' };
    await admin.apply(user('revoked/app', { credentials: { rotation: { ...rotation, overlap: '0s' } } }));
    const third = await another('revoked/app-smtp', second);
    await eventually(async () => {
      await accepts('revoked', third, false);
      await isRefused('revoked', first);
      await isRefused('revoked', second);
    });
    await admin.apply(user('revoked/app', { credentials: { rotation } }));
    await admin.patch('Secret', 'revoked/app-smtp', { data, metadata: { annotations: metadata.annotations } });
    await eventually(async () => assert.ok(![second, third].includes(await passwordIn('revoked/app-smtp'))));
    await assertOverlap('revoked', { before: third, now: await passwordIn('revoked/app-smtp') });
    await isRefused('revoked', second);
  });
});
