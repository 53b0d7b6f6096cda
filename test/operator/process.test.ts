/** The operator as a process: from its command line to its orderly end. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE } from './support/operator.ts';
import { startOperatorProcess } from './support/process.ts';

/** As Prometheus has it. */
const tokenOf = async (admin: Admin) => (await admin.secret(`${OPERATOR_NAMESPACE}/smtp-plus-metrics`))['token'];

describeWithControlPlane('the operator process', (cluster) => {
  let kubeconfig: string;
  before(async () => {
    kubeconfig = await install(cluster());
  });

  const start = (t: TestContext) => startOperatorProcess(t, kubeconfig);
  const holder = () =>
    cluster().kubectl([
      '-n',
      OPERATOR_NAMESPACE,
      'get',
      'lease',
      'smtp-plus-operator',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    ]);

  test('works, shows health and metrics, and gives its lease up when it is told to end', async (t) => {
    const operator = start(t);
    await operator.says('everything is planned');
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('shop'), user('shop/app'));
    await admin.secret('shop/app-smtp');
    assert.equal(await operator.page('/readyz'), 'ok\n');
    // a write is counted when its answer is there
    const metrics = await eventually(async () => {
      const page = await operator.page('/metrics', await tokenOf(admin));
      assert.match(page, /smtpplus_operator_writes_total\{what="secret"\} 1/);
      return page;
    });
    assert.match(metrics, /smtpplus_operator_leader 1/);
    for (const page of ['/metrics', '/configz']) {
      assert.match(await operator.page(page), /^This page names lists and hosts of all tenants, and needs the header/);
    }
    assert.match(await operator.page('/configz', await tokenOf(admin)), /"leader":true,.*"troubles":\[\]/);
    assert.doesNotMatch(metrics, /app-smtp|app\.shop/);
    operator.child.kill('SIGTERM');
    assert.equal(await operator.exit, 0);
    assert.equal(await holder(), '');
    admin.client.close();
  });

  test('takes up its settings as they change, and goes on by those before where they are wrong', async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-operator-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, 'settings.yaml');
    const write = async (text: string): Promise<void> => {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    };
    await write('classes: {default: {hostname: one.example}}');
    const pod = { POD_NAME: 'operator-0', POD_UID: 'uid-of-operator-0' };
    const operator = startOperatorProcess(t, kubeconfig, { flags: ['--settings', file], env: pod });
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const hostIs = (host: string) =>
      eventually(async () => assert.equal((await admin.secret('shop/app-smtp'))['host'], host));
    const isTold = (reason: string, message: RegExp) =>
      eventually(async () => {
        const events = await cluster().kubectl(['-n', OPERATOR_NAMESPACE, 'get', 'events', '-o', 'json']);
        const { items } = JSON.parse(events) as {
          items: { reason: string; message: string; involvedObject: object }[];
        };
        const event = items.find((item) => item.reason === reason && message.test(item.message));
        assert.deepEqual(event?.involvedObject, {
          apiVersion: 'v1',
          kind: 'Pod',
          namespace: OPERATOR_NAMESPACE,
          name: pod.POD_NAME,
          uid: pod.POD_UID,
        });
      });
    const metric = (line: RegExp) =>
      eventually(async () => assert.match(await operator.page('/metrics', await tokenOf(admin)), line));
    await operator.says('everything is planned');
    await admin.apply(namespace('shop'), user('shop/app'));
    await hostIs('one.example');

    await write('classes: {default: {hostname: two.example}}');
    await hostIs('two.example');
    await isTold('SettingsTaken', /is in force/);

    await write('classes: {default: {hots: three.example}}');
    await isTold('SettingsRefused', /settings\.yaml:1:21 classes\.default\.hots: no such setting/);
    await metric(/^smtpplus_settings_file_refused 1$/m);
    await admin.apply(user('shop/late'));
    assert.equal((await admin.secret('shop/late-smtp'))['host'], 'two.example');

    await write('classes: {default: {hostname: three.example}}');
    await hostIs('three.example');
    await metric(/^smtpplus_settings_file_refused 0$/m);

    // a file that they name
    const password = path.join(folder, 'password');
    await writeFile(password, 'a-password');
    const upstream = `{host: smtp.example, username: relay, passwordFile: ${password}}`;
    await admin.apply(list('shop/letters'));
    await write(`classes: {default: {hostname: three.example, upstream: ${upstream}}}`);
    const passwordIs = (text: string) =>
      eventually(async () => {
        const labelled = ['get', 'secrets', '-l', 'smtpplus.io/relay-config=default', '-o', 'json'];
        const secrets = await cluster().kubectl(['-n', OPERATOR_NAMESPACE, ...labelled]);
        const { items } = JSON.parse(secrets) as { items: { data: Record<string, string> }[] };
        const documents = items.flatMap(({ data }) => Object.values(data)).map((data) => Buffer.from(data, 'base64'));
        assert.ok(documents.some((document) => document.includes(`"password":"${text}"`)));
      });
    await passwordIs('a-password');
    await writeFile(password, 'another-password');
    await passwordIs('another-password');
    operator.child.kill('SIGTERM');
    assert.equal(await operator.exit, 0);
    admin.client.close();
  });

  test('that was stopped for longer than its lease ends without having written anything more', async (t) => {
    const first = start(t);
    await first.says('everything is planned');
    const before = await holder();
    first.child.kill('SIGSTOP');
    const second = start(t);
    await second.says('everything is planned');
    assert.notEqual(await holder(), before);
    first.child.kill('SIGCONT');
    assert.equal(await first.exit, 1);
    assert.notEqual(await holder(), before);
    second.child.kill('SIGTERM');
    assert.equal(await second.exit, 0);
  });

  test('waits for an API server that starts later', async (t) => {
    await cluster().stopApiServer();
    const operator = start(t);
    try {
      await operator.says('cannot be reached: connection refused');
    } finally {
      await cluster().startApiServer();
    }
    await operator.says('everything is planned');
    operator.child.kill('SIGTERM');
    assert.equal(await operator.exit, 0);
  });
});
