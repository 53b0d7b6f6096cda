/** What people add to credentials Secrets, on a real API server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { createAdmin, namespace, user, type Admin } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const settings = { classes: { default: { hostname: 'smtp.example.com' } } };

describeWithControlPlane('the template of a credentials Secret', (cluster) => {
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
});
