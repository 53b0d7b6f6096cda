/** The commands on a cluster: by the API server alone, as whoever the kubeconfig says, within what RBAC allows. */
import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../support/commands.ts';
import { jsonOf, runCommand } from '../support/command.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { folderOf } from '../support/folder.ts';
import { CLI } from '../support/standalone.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const settings = {
  classes: { default: { existingSenders: [{ shop: 'shop.example' }] } },
  // nobody answers there
  verification: { dnsServers: ['127.0.0.1:9'] },
};

describeWithControlPlane('the commands on a cluster', (cluster) => {
  let admin: Admin;
  let operator: TestOperator;
  let at: readonly string[];
  before(async () => {
    const kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
    await holdLease(new Date());
    at = ['--kubeconfig', cluster().kubeconfig];
    await admin.apply(
      namespace('shop'),
      namespace('other'),
      sender('shop/own', { domain: 'shop.example' }),
      sender('shop/lacking', { domain: 'lacking.example' }),
      list('shop/house', {}),
      user('shop/app', { listRef: { name: 'house' } }),
      user('other/app'),
    );
    await admin.secret('shop/app-smtp');
    await admin.waitFor('SmtpPlusUser', 'other/app', 'Active', 'False NoVerifiedSender');
    await admin.waitFor('VerifiedSender', 'shop/own', 'Verified', 'True Grandfathered');
  });
  /** As an operator does, for the next hour. */
  async function holdLease(renewTime: Date): Promise<void> {
    const spec = {
      holderIdentity: 'test',
      leaseDurationSeconds: 3600,
      renewTime: renewTime.toISOString().replace('Z', '000Z'),
    };
    const metadata = { name: 'smtp-plus-operator', namespace: OPERATOR_NAMESPACE };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    await cluster().kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(lease) });
  }

  after(async () => {
    await operator.close();
    admin.client.close();
  });

  test('show what is ready, what is not, and what to do about it', async () => {
    const { code, stdout, stderr } = await runCommand(['status', ...at]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '', 'the operator leads');
    await holdLease(new Date(0));
    const stale = await runCommand(['status', ...at]);
    assert.match(stale.stderr, /^warning: no operator is at work, so statuses may be out of date/);
    assert.match(stdout, /^KIND +READY +NOT READY +UNKNOWN\n/);
    assert.match(stdout, /SmtpPlusUser other\/app: NoVerifiedSender\n/);
    const senders = await runCommand(['senders', 'shop/lacking', ...at]);
    assert.match(
      senders.stdout,
      /^ {4}_smtpplus-challenge\.lacking\.example\. TXT "smtpplus-verification=[0-9a-f]+"$/m,
    );
    const one = await runCommand(['status', 'spl', 'shop/house', ...at]);
    assert.match(one.stdout, /^SmtpPlusList shop\/house\n/);
    const { missing } = await jsonOf<{ missing: string[] }>(['status', 'shop/nothing', ...at]);
    assert.deepEqual(missing, ['shop/nothing']);
  });

  test('give the password that the Secret has, and a new one where that is asked for', async () => {
    const before = await admin.secret('shop/app-smtp');
    assert.equal((await runCommand(['password', 'shop/app', ...at])).stdout, `${before['password']}\n`);
    const rotated = await runCommand(['rotate', 'shop/app', ...at]);
    assert.equal(rotated.code, 0, rotated.stderr);
    const now = (await runCommand(['password', 'shop/app', ...at])).stdout.trim();
    assert.notEqual(now, before['password']);
    assert.equal(now, (await admin.secret('shop/app-smtp'))['password']);
  });

  test('show a tenant its own namespace, and nothing of another', async () => {
    const kubeconfig = await cluster().serviceAccount('shop', 'tenant');
    // here nobody adds up the roles that `view` and `edit` are made of
    await cluster().kubectl(['create', 'role', 'secrets', '-n', 'shop', '--verb=get', '--resource=secrets']);
    for (const role of ['--clusterrole=smtp-plus-view', '--clusterrole=smtp-plus-edit', '--role=secrets']) {
      const words = ['create', 'rolebinding', role.replace(/^.*=/, ''), '-n', 'shop', role];
      await cluster().kubectl([...words, '--serviceaccount=shop:tenant']);
    }
    await cluster().kubectl(['config', 'set-context', 'test', '--namespace=shop'], { kubeconfig });
    const as = ['--kubeconfig', kubeconfig];
    const { users } = await jsonOf<{ users: { namespace: string }[] }>(['users', ...as]);
    assert.deepEqual(new Set(users.map((one) => one.namespace)), new Set(['shop']));
    assert.equal((await runCommand(['password', 'shop/app', ...as])).code, 0);
    for (const words of [
      ['users', 'other/'],
      ['users', '-n', 'other'],
      ['status', 'other/app'],
      ['password', 'other/app'],
      ['rotate', 'other/app'],
      ['send-test', 'other/app', 'a@b.example'],
      ['queue', 'list'],
      ['queue', 'drop', '--all', '--yes'],
      ['why', 'somebody@elsewhere.example'],
    ]) {
      const { code, stdout, stderr } = await runCommand([...words, ...as]);
      assert.deepEqual([code, stdout], [2, ''], words.join(' '));
      assert.match(
        stderr,
        /^error: you may not (read|see) .*forbidden.*(--namespace|pods in the namespace)?/,
        words.join(' '),
      );
    }
  });

  test('run as a plugin of kubectl', async (t) => {
    const folder = await folderOf(t);
    await symlink(CLI, join(folder, 'kubectl-smtpplus'));
    const { stdout } = await run(
      process.execPath,
      [join(folder, 'kubectl-smtpplus'), 'users', 'shop/app', '-o', 'json'],
      {
        env: { ...process.env, KUBECONFIG: cluster().kubeconfig },
      },
    );
    assert.equal((JSON.parse(stdout) as { users: unknown[] }).users.length, 1);
    const help = await run(process.execPath, [join(folder, 'kubectl-smtpplus'), 'users', '--help']);
    assert.match(help.stdout, /Example: kubectl smtpplus users/);
  });

  test('say what is wrong with a kubeconfig, and with a cluster that does not answer', async (t) => {
    const context = await runCommand(['users', ...at, '--context', 'nowhere']);
    assert.deepEqual([context.code, /has no context nowhere; it has test$/m.test(context.stderr)], [2, true]);
    const folder = await folderOf(t, {
      config: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
        users: [{ name: 'u', user: { token: 'x' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      }),
    });
    const gone = await runCommand(['users', '--kubeconfig', join(folder, 'config')]);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /^error: the API server https:\/\/127\.0\.0\.1:9 cannot be reached: connection refused/);
    const none = await runCommand(['users', '--kubeconfig', join(folder, 'missing')]);
    assert.deepEqual([none.code, /^error: kubeconfig .*missing cannot be read/.test(none.stderr)], [2, true]);
  });
});
