/** What people add to credentials Secrets, and how long these live, on a real API server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { verifyPassword } from '../../relay/password-hash.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, namespace, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const settings = { classes: { default: { hostname: 'smtp.example.com' } } };

describeWithControlPlane('a credentials Secret', (cluster) => {
  let admin: Admin;
  let operator: TestOperator;
  before(async () => {
    const kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  const secretOf = async (key: string) => (await admin.get('Secret', key)) ?? assert.fail(`no Secret ${key}`);
  const templated = (key: string, secretTemplate: object) => user(key, { credentials: { secretTemplate } });

  test('adds labels, annotations and keys, repairs them, and takes them away with the template', async () => {
    const whole = { labels: { team: 'shop' }, annotations: { note: 'ours' }, keys: { SMTP_HOST: 'host' } };
    await admin.apply(namespace('added'), templated('added/app', whole));
    const first = await eventually(async () => {
      const { metadata } = await secretOf('added/app-smtp');
      assert.equal(metadata.labels?.['team'], 'shop');
      assert.equal(metadata.annotations?.['note'], 'ours');
      return admin.secret('added/app-smtp');
    });
    assert.equal(first['SMTP_HOST'], 'smtp.example.com');

    const edited = { metadata: { labels: { team: null }, annotations: { note: 'edited' } }, data: { SMTP_HOST: null } };
    await admin.patch('Secret', 'added/app-smtp', edited);
    await eventually(async () => {
      const { metadata } = await secretOf('added/app-smtp');
      assert.equal(metadata.labels?.['team'], 'shop');
      assert.equal(metadata.annotations?.['note'], 'ours');
      assert.deepEqual(await admin.secret('added/app-smtp'), first);
    });

    await admin.patch('Secret', 'added/app-smtp', { metadata: { labels: { theirs: 'stays' } } });
    await admin.patch('SmtpPlusUser', 'added/app', { spec: { credentials: { secretTemplate: null } } });
    await eventually(async () => {
      const { metadata } = await secretOf('added/app-smtp');
      assert.deepEqual(metadata.labels, {
        'app.kubernetes.io/managed-by': 'smtp-plus',
        'smtpplus.io/user': 'app',
        theirs: 'stays',
      });
      assert.deepEqual(Object.keys(metadata.annotations ?? {}), ['smtpplus.io/credentials']);
      const { SMTP_HOST: _, ...rest } = first;
      assert.deepEqual(await admin.secret('added/app-smtp'), rest);
    });
  });

  test('comes to rest: nothing is written again while nothing changes', async () => {
    await admin.apply(namespace('rest'), templated('rest/app', { labels: { team: 'a' }, keys: { HOST: 'host' } }));
    await admin.secret('rest/app-smtp');
    await operator.idle();
    const { metadata } = await secretOf('rest/app-smtp');
    await admin.patch('SmtpPlusUser', 'rest/app', { spec: { description: 'another' } });
    await admin.waitFor('SmtpPlusUser', 'rest/app', 'CredentialsReady', 'True CredentialsReady');
    await operator.idle();
    assert.equal((await secretOf('rest/app-smtp')).metadata.resourceVersion, metadata.resourceVersion);
  });

  const owners = async (key: string) => (await secretOf(key)).metadata.ownerReferences ?? [];
  const retained = (key: string) => user(key, { credentials: { deletionPolicy: 'Retain' } });

  test('that is retained has no owner, stays without its user, and is that of the user that is made again', async () => {
    await admin.apply(namespace('kept'), retained('kept/app'));
    const before = await admin.secret('kept/app-smtp');
    assert.deepEqual(await owners('kept/app-smtp'), []);
    await admin.waitFor('SmtpPlusUser', 'kept/app', 'CredentialsReady', 'True CredentialsReady');
    await operator.idle();
    await admin.remove('SmtpPlusUser', 'kept/app');
    await eventually(async () => assert.equal((await admin.relayUsers())['app.kept'], undefined));
    await operator.idle();
    assert.deepEqual(await admin.secret('kept/app-smtp'), before);

    await admin.apply(retained('kept/app'));
    await admin.waitFor('SmtpPlusUser', 'kept/app', 'CredentialsReady', 'True CredentialsReady');
    await eventually(async () => {
      const [credential] = (await admin.relayUsers())['app.kept']?.credentials ?? [];
      assert.ok(await verifyPassword(before['password'] ?? '', credential?.verifier ?? ''));
    });
    await operator.idle();
    assert.deepEqual(await admin.secret('kept/app-smtp'), before);
    assert.deepEqual(operator.troubles, []);
  });

  test('gets and loses its owner as the policy says, with the same password', async () => {
    await admin.apply(namespace('policy'), user('policy/app'));
    const before = await admin.secret('policy/app-smtp');
    assert.equal((await owners('policy/app-smtp')).length, 1);
    const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'theirs', uid: 'not-ours' };
    await admin.patch('Secret', 'policy/app-smtp', {
      metadata: { ownerReferences: [...(await owners('policy/app-smtp')), other] },
    });
    await admin.patch('SmtpPlusUser', 'policy/app', { spec: { credentials: { deletionPolicy: 'Retain' } } });
    await eventually(async () => assert.deepEqual(await owners('policy/app-smtp'), [other]));
    await admin.patch('SmtpPlusUser', 'policy/app', { spec: { credentials: { deletionPolicy: 'Delete' } } });
    await eventually(async () => assert.equal((await owners('policy/app-smtp')).length, 2));
    await operator.idle();
    const { metadata } = await secretOf('policy/app-smtp');
    assert.deepEqual(Object.keys(metadata.annotations ?? {}), ['smtpplus.io/credentials']);
    assert.deepEqual(await admin.secret('policy/app-smtp'), before);
  });

  test("is nobody else's because an annotation says so, and is not kept by one that its user does not ask for", async () => {
    await admin.apply(namespace('forged'), retained('forged/app'), user('forged/other'));
    const before = await admin.secret('forged/app-smtp');
    const { metadata: other } = (await admin.get('SmtpPlusUser', 'forged/other')) ?? assert.fail();
    const claim = { 'smtpplus.io/owner': JSON.stringify({ name: 'app', uid: other.uid }) };
    await admin.secret('forged/other-smtp');
    await admin.patch('Secret', 'forged/other-smtp', { metadata: { annotations: claim } });
    await eventually(async () => {
      const { metadata } = await secretOf('forged/other-smtp');
      assert.deepEqual(Object.keys(metadata.annotations ?? {}), ['smtpplus.io/credentials']);
      assert.equal(metadata.ownerReferences?.[0]?.uid, other.uid);
    });
    await admin.apply(namespace('thief'), user('thief/app', { credentials: { secretName: 'loot' } }));
    await admin.secret('thief/loot');
    const { metadata: victim } = (await admin.get('SmtpPlusUser', 'forged/app')) ?? assert.fail();
    await admin.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        namespace: 'thief',
        name: 'app-smtp',
        labels: { 'app.kubernetes.io/managed-by': 'smtp-plus' },
        annotations: { 'smtpplus.io/owner': JSON.stringify({ name: 'app', uid: victim.uid }) },
      },
      type: 'servicebinding.io/smtp',
      stringData: { password: 'chosen-by-a-thief' },
    });
    await operator.idle();
    assert.deepEqual(await admin.secret('thief/app-smtp'), { password: 'chosen-by-a-thief' });
    assert.deepEqual(await admin.secret('forged/app-smtp'), before);
    await admin.waitFor('SmtpPlusUser', 'forged/app', 'CredentialsReady', 'True CredentialsReady');
    assert.deepEqual(operator.troubles, []);
  });
});
