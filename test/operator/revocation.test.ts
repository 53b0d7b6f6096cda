/** What takes something away overtakes what is queued, for others and for its own namespace. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, namespace, sender, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

/** At 10 requests a second these keep the operator busy for longer than it takes to make them, on any machine. */
const NEW_USERS = 400;

describeWithControlPlane('a revocation while one namespace makes users', (cluster) => {
  let admin: Admin;
  let operator: TestOperator;
  before(async () => {
    const kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const settings = {
      classes: { default: { existingSenders: [{ quiet: 'quiet.example' }, { noisy: 'noisy.example' }] } },
    };
    operator = await startTestOperator(cluster(), kubeconfig, { settings, perSecond: 10, burst: 40 });
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  async function secretsWritten(): Promise<number> {
    const { values } = await operator.metrics.writes.get();
    return values.find(({ labels }) => labels['what'] === 'secret')?.value ?? 0;
  }

  test('is in force, and said, while hundreds still wait', async () => {
    const tenant = (name: string) => [
      namespace(name),
      sender(`${name}/own`, { domain: `${name}.example` }),
      user(`${name}/app`),
    ];
    await admin.apply(...tenant('quiet'), ...tenant('noisy'));
    for (const name of ['quiet', 'noisy']) await admin.waitFor('SmtpPlusUser', `${name}/app`, 'Active', 'True Active');
    await eventually(async () => assert.equal((await admin.relayUsers())['app.noisy']?.active, true));

    // at once: one after the other, on a busy machine, would be no faster than the operator
    await Promise.all(Array.from({ length: NEW_USERS }, (_, i) => admin.apply(user(`noisy/new-${i}`))));
    await until(() => operator.depth() > NEW_USERS / 2, { what: 'users wait to be written' });
    for (const name of ['quiet', 'noisy']) {
      await admin.patch('SmtpPlusUser', `${name}/app`, { spec: { active: false } });
      await eventually(async () => assert.equal((await admin.relayUsers())[`app.${name}`]?.active, false));
      await admin.waitFor('SmtpPlusUser', `${name}/app`, 'Active', 'False Inactive');
      const written = await secretsWritten();
      assert.ok(written < NEW_USERS, `${name}: ${written} Secrets were written before it`);
    }
  });
});
