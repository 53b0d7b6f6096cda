/**
 * The plans that operator/core/testdata/ has, carried out in both worlds: an API server and a folder end in the same
 * Secrets and statuses. The clock stands still at the time of the input, so that not even times differ.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { reportOf } from '../support/golden/relay-report.ts';
import { goldenNames, openGolden } from '../support/golden/end-state.ts';
import { createAdmin, type Admin } from './support/admin.ts';
import { applyGolden, readEndState, removeGolden, startOnGolden } from './support/golden-cluster.ts';
import { startOnFolder } from './support/golden-folder.ts';
import { NOT_IN_A_CLUSTER, NOT_IN_A_FOLDER } from './support/golden-exceptions.ts';
import { install, OPERATOR_NAMESPACE, type TestOperator } from './support/operator.ts';
import { startRelayPod } from './support/relay-pod.ts';

const NAMES = goldenNames();
const title = (name: string) => name.replaceAll('-', ' ');

afterEach(() => mock.timers.reset());

describeWithControlPlane('on an API server', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator | undefined;
  const pods = new Map<string, Awaited<ReturnType<typeof startRelayPod>>>();
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    for (const relayClass of ['default', 'bulk']) {
      const pod = await startRelayPod(admin, `relay-${relayClass}`, relayClass);
      pod.follow(() => operator?.written()[relayClass] ?? {});
      pods.set(relayClass, pod);
    }
  });
  after(() => admin.client.close());

  for (const name of NAMES.filter((one) => !NOT_IN_A_CLUSTER.has(one))) {
    test(title(name), async () => {
      const golden = openGolden(name);
      await applyGolden(admin, golden, sleep);
      for (const [relayClass, pod] of pods) {
        const told = reportOf(golden.snapshot.relayFacts?.get(relayClass));
        pod.tell(() => told);
      }
      mock.timers.enable({ apis: ['Date'], now: golden.now });
      const running = await startOnGolden(cluster(), kubeconfig, golden);
      operator = running;
      try {
        await eventually(async () => assert.deepEqual(await readEndState(admin, golden), golden.expected));
      } finally {
        await running.close();
        await removeGolden(admin, golden);
      }
      assert.deepEqual(running.troubles, []);
    });
  }
});

describe('in a folder', () => {
  for (const name of NAMES.filter((one) => !NOT_IN_A_FOLDER.has(one))) {
    test(title(name), async (t) => {
      const golden = openGolden(name);
      mock.timers.enable({ apis: ['Date'], now: golden.now });
      const run = await startOnFolder(t, golden);
      await eventually(async () => {
        assert.ok(run.hasSettled(), 'it has settled');
        assert.deepEqual(await run.read(), golden.expected);
      });
    });
  }
});

test('what an adapter cannot be asked is listed, and stays the exception', () => {
  for (const [exceptions, most] of [
    [NOT_IN_A_CLUSTER, 26],
    [NOT_IN_A_FOLDER, 26],
  ] as const) {
    assert.ok(exceptions.size <= most, `${exceptions.size} exceptions`);
    for (const name of exceptions.keys()) assert.ok(NAMES.includes(name), `no golden input ${name}`);
  }
});
