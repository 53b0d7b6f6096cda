/** The operator as a process: from its command line to its orderly end. */
import assert from 'node:assert/strict';
import { before, test, type TestContext } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { createAdmin, namespace, user } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { install, OPERATOR_NAMESPACE } from './support/operator.ts';
import { startOperatorProcess } from './support/process.ts';

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
      const page = await operator.page('/metrics');
      assert.match(page, /smtpplus_operator_writes_total\{what="secret"\} 1/);
      return page;
    });
    assert.match(metrics, /smtpplus_operator_leader 1/);
    assert.doesNotMatch(metrics, /app-smtp|app\.shop/);
    operator.child.kill('SIGTERM');
    assert.equal(await operator.exit, 0);
    assert.equal(await holder(), '');
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
