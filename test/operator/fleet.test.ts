/** Of how many relays each one allows its share of a user's limits. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { classDocumentSchema } from '../../relay/config/config.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator } from './support/operator.ts';
import { startRelayPod } from './support/relay-pod.ts';

describeWithControlPlane('the number of relays', (cluster) => {
  let kubeconfig: string;
  before(async () => {
    kubeconfig = await install(cluster());
  });

  /** As relays are told it. */
  async function told(): Promise<number> {
    const get = ['-n', OPERATOR_NAMESPACE, 'get', 'secret', 'smtp-plus-default-class', '-o', 'json'];
    const { data } = JSON.parse(await cluster().kubectl(get)) as { data: Record<string, string> };
    const text = Buffer.from(data['class.json'] ?? '', 'base64').toString('utf8');
    return classDocumentSchema.parse(JSON.parse(text)).relays;
  }

  test('that relays are told follows their pods, and an operator that starts anew says the same', async (t) => {
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    t.after(() => admin.client.close());
    const start = () => startTestOperator(cluster(), kubeconfig, { instead: { fleetHoldMs: 100 } });
    let operator = await start();
    t.after(() => operator.close());
    const becomes = (count: number) => eventually(async () => assert.equal(await told(), count));
    await becomes(1);
    const pods: Awaited<ReturnType<typeof startRelayPod>>[] = [];
    for (const name of ['relay-0', 'relay-1', 'relay-2']) pods.push(await startRelayPod(admin, name));
    t.after(async () => {
      for (const pod of pods) await pod.close();
    });
    await becomes(3);
    await operator.close();
    operator = await start();
    await operator.idle();
    assert.equal(await told(), 3);
    await admin.patch(
      'Pod',
      `${OPERATOR_NAMESPACE}/relay-2`,
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      'status',
    );
    await becomes(2);
    await pods[1]?.close();
    await becomes(1);
  });
});
