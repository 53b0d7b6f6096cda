/** What the objects say of the relays: whether they run them, and that none is left to do so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { USERS } from '../../operator/kubernetes/client/resources.ts';
import { startReflector } from '../../operator/kubernetes/client/reflector.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, namespace, sender, user, type Admin, type LiveObject } from './support/admin.ts';
import { startRelayPod } from './support/relay-pod.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const settings = { classes: { default: { existingSenders: [{ lag: 'lag.example' }, { gone: 'gone.example' }] } } };

describeWithControlPlane('what objects say of the relays', (cluster) => {
  let admin: Admin;
  let operator: TestOperator;
  before(async () => {
    const kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await startTestOperator(cluster(), kubeconfig, { settings, instead: { unservedMs: 200 } });
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  const documents = (): Readonly<Record<string, string>> => operator.written()['default'] ?? {};
  const tenant = (name: string) => [
    namespace(name),
    sender(`${name}/own`, { domain: `${name}.example` }),
    user(`${name}/app`),
  ];

  test('a change is never said to be in force before every ready pod runs it', async (t) => {
    const pod = await startRelayPod(admin, 'relay-lag');
    t.after(pod.close);
    pod.follow(documents);
    await admin.apply(...tenant('lag'));
    await admin.waitFor('SmtpPlusUser', 'lag/app', 'Programmed', 'True Programmed');

    const said: string[] = [];
    const following = new AbortController();
    t.after(() => following.abort());
    startReflector(admin.client, {
      resource: USERS,
      namespace: 'lag',
      keep: (object) => {
        const { metadata, status } = object as LiveObject;
        const programmed = status?.conditions?.find(({ type }) => type === 'Programmed');
        if (programmed?.observedGeneration === metadata.generation) {
          said.push(`${metadata.generation} ${programmed?.status}`);
        }
      },
      onChange: () => undefined,
      onTrouble: assert.fail,
      signal: following.signal,
    });
    const old = { ...documents() };
    pod.follow(() => old);
    await admin.patch('SmtpPlusUser', 'lag/app', { spec: { active: false } });
    const { message } = await eventually(async () => {
      const lag = await admin.waitFor('SmtpPlusUser', 'lag/app', 'Programmed', 'False RelaysLagging');
      assert.match(lag.message, /pod relay-lag still runs an older configuration/);
      return lag;
    });
    assert.equal(said.includes('2 True'), false, `${said.join(', ')}; ${message}`);

    pod.follow(documents);
    await admin.waitFor('SmtpPlusUser', 'lag/app', 'Programmed', 'True Programmed');
  });

  test('objects are not ready while no relay is, and are again when one comes back; an Event tells of it once', async (t) => {
    const pod = await startRelayPod(admin, 'relay-before');
    t.after(pod.close);
    pod.follow(documents);
    await admin.apply(...tenant('gone'));
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Ready', 'True Ready');

    await pod.close();
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Programmed', 'False NoRelayReady');
    const { message } = await admin.waitFor('SmtpPlusUser', 'gone/app', 'Ready', 'False NoRelayReady');
    assert.match(message, /smtpplus\.io\/relay-class=default/);
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Stalled', 'True NoRelayReady');

    const back = await startRelayPod(admin, 'relay-after');
    t.after(back.close);
    back.follow(documents);
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Programmed', 'True Programmed');
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Ready', 'True Ready');
    await eventually(async () => {
      const text = await cluster().kubectl(['-n', 'gone', 'get', 'events', '-o', 'json']);
      const { items } = JSON.parse(text) as {
        items: { reason: string; count: number; involvedObject: { kind: string } }[];
      };
      const told = items.filter(
        ({ reason, involvedObject }) => reason === 'NoRelayReady' && involvedObject.kind === 'SmtpPlusUser',
      );
      assert.deepEqual(
        told.map(({ count }) => count),
        [1],
      );
    });
  });
});
