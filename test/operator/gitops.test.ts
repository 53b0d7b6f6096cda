/** Tools that compare the cluster with a repository, and apply it again and again: they find nothing that the operator has changed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { createAdmin, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';
import { startRelayPod } from './support/relay-pod.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] } } };
const KINDS = 'smtppluslists,smtpplususers,verifiedsenders';

describeWithControlPlane('a repository that is applied over and over', (cluster) => {
  let admin: Admin;
  let operator: TestOperator;
  before(async () => {
    const kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
    const pod = await startRelayPod(admin, 'relay-0');
    pod.follow(() => operator.written()['default'] ?? {});
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  const versions = () =>
    cluster().kubectl([
      'get',
      KINDS,
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid} {.metadata.resourceVersion}{"\\n"}',
    ]);

  for (const [how, flags] of [
    ['by the server, as Flux does it', ['--server-side']],
    ['by the client, as Argo CD does it by default', []],
  ] as const) {
    test(`comes to the same, ${how}`, async () => {
      await cluster().kubectl(['apply', ...flags, '-k', EXAMPLES]);
      await admin.waitFor('SmtpPlusList', 'shop/transactional', 'Ready', 'True Ready');
      await admin.waitFor('SmtpPlusUser', 'shop/orders', 'Ready', 'True Ready');
      await operator.idle();
      assert.equal(await cluster().kubectl(['diff', ...flags, '-k', EXAMPLES]), '');
      const settled = await versions();
      await cluster().kubectl(['apply', ...flags, '-k', EXAMPLES]);
      assert.equal(await versions(), settled);
    });
  }
});
