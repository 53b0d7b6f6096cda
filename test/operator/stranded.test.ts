/** Relays that go, on a real API server: what those that stay are told, and what becomes of volumes without a relay. */
import assert from 'node:assert/strict';
import { before, beforeEach, test, type TestContext } from 'node:test';
import type { ClassDocument } from '../../relay/config/config.ts';
import { startDrains } from '../../operator/kubernetes/stranded/drains.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, type Admin, type LiveObject } from './support/admin.ts';
import { claimOf, createFleet } from './support/fleet.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const RELAY = 'smtp-plus-relay-1';
const POD = `${OPERATOR_NAMESPACE}/${RELAY}`;

interface PodObject extends LiveObject {
  readonly spec?: {
    readonly containers: readonly { readonly args: readonly string[]; readonly livenessProbe?: unknown }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
    }[];
  } & Record<string, unknown>;
}

describeWithControlPlane('relays that go', (cluster) => {
  let kubeconfig: string;
  let admin: Admin;
  let fleet: ReturnType<typeof createFleet>;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    fleet = createFleet(admin);
  });
  beforeEach(async () => {
    await fleet.remove();
    for (const name of [RELAY, 'smtp-plus-relay-0'])
      await admin.remove('Pod', `${OPERATOR_NAMESPACE}/${name}`).catch(() => {});
  });

  async function start(t: TestContext, drainSpools?: string): Promise<TestOperator> {
    const operator = await startTestOperator(cluster(), kubeconfig, { settings: drainSpools ? { drainSpools } : {} });
    t.after(operator.close);
    return operator;
  }

  async function handover(): Promise<ClassDocument['handover']> {
    const secret = await admin.secret(`${OPERATOR_NAMESPACE}/smtp-plus-default-class`);
    return (JSON.parse(secret['class.json'] ?? '') as ClassDocument).handover;
  }

  async function eventsOf(relay: string): Promise<readonly string[]> {
    const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/events`;
    const answer = await admin.client.request<{
      items: { reason: string; message: string; involvedObject: { uid: string } }[];
    }>({
      method: 'GET',
      path,
    });
    const { uid } = (await fleet.claim(relay)).metadata;
    const items = answer.ok ? answer.body.items : [];
    return items.filter((one) => one.involvedObject.uid === uid).map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** Two relays, of which the second one goes, and leaves this. */
  async function scaledIn(left: number | undefined): Promise<void> {
    await fleet.scale(2);
    for (const number of [0, 1]) await fleet.startRelay(number);
    await fleet.scale(1);
    await fleet.stopRelay(1, left);
  }

  const noted = async (): Promise<string | undefined> =>
    (await fleet.claim(RELAY)).metadata.annotations?.['smtpplus.io/spool-messages'];

  test('relays are told how many of them there are to be, and the key of their class', async (t) => {
    await fleet.scale(2);
    await start(t);
    const first = await eventually(async () => (await handover()) ?? assert.fail('nothing is told'));
    assert.equal(first.relays, 2);
    assert.match(first.key, /^[0-9a-f]{64}$/);
    await fleet.scale(1);
    await eventually(async () => assert.deepEqual(await handover(), { ...first, relays: 1 }));
  });

  test('a volume with mail and without a relay is told, and a pod of the relay’s name empties it', async (t) => {
    const operator = await start(t);
    await scaledIn(230);
    const pod = await eventually(
      async () => ((await admin.get('Pod', POD)) as PodObject | undefined) ?? assert.fail('no pod'),
    );
    assert.equal(await noted(), '230');
    const [container] = pod.spec?.containers ?? [];
    assert.deepEqual(container?.args.slice(-2), ['--drain', '--last-words=/dev/termination-log']);
    assert.equal(container.livenessProbe, undefined);
    const claims = pod.spec?.volumes.flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
    assert.deepEqual(claims, [claimOf(RELAY)]);
    assert.equal(pod.metadata.labels?.['smtpplus.io/relay-class'], undefined, 'no mail comes to it');
    await eventually(async () =>
      assert.deepEqual(await eventsOf(RELAY), [
        `SpoolStranded: 230 messages wait on this volume, and no relay reads it any more. The pod ${RELAY} empties it.`,
      ]),
    );
    const metric = await operator.metrics.registry.getSingleMetric('smtpplus_operator_stranded_messages')?.get();
    assert.deepEqual(
      metric?.values.map(({ value }) => value),
      [230],
    );

    await fleet.drained(RELAY, 0);
    await eventually(async () => assert.equal(await admin.get('Pod', POD), undefined));
    assert.equal(await noted(), '0');
    await eventually(async () => assert.match((await eventsOf(RELAY)).join(), /SpoolDrained/));
    await eventually(async () => {
      const after = await operator.metrics.registry.getSingleMetric('smtpplus_operator_stranded_spools')?.get();
      assert.deepEqual(
        after?.values.map(({ value }) => value),
        [0],
      );
    });
  });

  test('the volume of a relay that left nothing is left alone', async (t) => {
    const operator = await start(t);
    await scaledIn(0);
    await eventually(async () => assert.equal(await noted(), '0'));
    await operator.idle();
    assert.equal(await admin.get('Pod', POD), undefined);
    assert.deepEqual(await eventsOf(RELAY), []);
  });

  test('that left nothing, and may have run again while nobody watched, are looked at once more', async (t) => {
    const before = await start(t);
    await scaledIn(0);
    await eventually(async () => assert.equal(await noted(), '0'));
    await before.close();
    const unwatchedSince = new Date(Date.now() - 3_600_000);
    const operator = await startTestOperator(cluster(), kubeconfig, { unwatchedSince });
    t.after(operator.close);
    await eventually(async () => assert.notEqual(await admin.get('Pod', POD), undefined));
    await fleet.drained(RELAY, 0);
    await eventually(async () => assert.equal(await noted(), '0'));
  });

  test('of a relay that was killed nobody knows what it left, so that its volume is looked at', async (t) => {
    await start(t);
    await scaledIn(undefined);
    await eventually(async () => assert.notEqual(await admin.get('Pod', POD), undefined));
    await eventually(async () => assert.match((await eventsOf(RELAY)).join(), /Mail may wait on this volume/));
  });

  test('where the owner wants to be asked, the Event says how', async (t) => {
    await start(t, 'OnRequest');
    await scaledIn(3);
    const asked = `kubectl -n ${OPERATOR_NAMESPACE} annotate pvc ${claimOf(RELAY)} smtpplus.io/drain=true`;
    await eventually(async () => assert.ok((await eventsOf(RELAY)).join().includes(asked)));
    assert.equal(await admin.get('Pod', POD), undefined);
    await fleet.annotateClaim(RELAY, { 'smtpplus.io/drain': 'true' });
    await eventually(async () => assert.notEqual(await admin.get('Pod', POD), undefined));
  });

  test('a relay that is wanted again gets its name and its volume back', async (t) => {
    await start(t);
    await scaledIn(5);
    await eventually(async () => assert.notEqual(await admin.get('Pod', POD), undefined));
    await fleet.scale(2);
    await eventually(async () => assert.equal(await admin.get('Pod', POD), undefined));
    await fleet.startRelay(1);
    // what it says next time counts
    await eventually(async () => assert.equal(await noted(), undefined));
  });

  test('a relay that comes back after a restart is none of this', async (t) => {
    const operator = await start(t);
    await fleet.scale(2);
    for (const number of [0, 1]) await fleet.startRelay(number);
    await fleet.stopRelay(1, 7);
    await eventually(async () => assert.equal(await noted(), '7'));
    await operator.idle();
    assert.equal(await admin.get('Pod', POD), undefined);
    assert.deepEqual(await eventsOf(RELAY), []);
  });

  test('leave a relay alone that has come back under the name of the pod that emptied its volume', async (t) => {
    await fleet.startRelay(1);
    const stopping = new AbortController();
    t.after(() => stopping.abort());
    const nothing = (): void => undefined;
    const options = { namespace: OPERATOR_NAMESPACE, onChange: nothing, onTrouble: nothing, signal: stopping.signal };
    const drains = startDrains(admin.client, options);
    await drains.synced;
    const before = { className: 'default', relay: RELAY, uid: 'of-the-pod-before', isGoing: false, left: 0 };
    await drains.remove({ ...before, hasEnded: true });
    const pod = (await admin.get('Pod', POD)) ?? assert.fail('the pod is gone');
    assert.equal(pod.metadata.deletionTimestamp, undefined);
  });
});
