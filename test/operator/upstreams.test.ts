/** What the objects say of mail that does not leave, by what relay pods tell of it. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import type { KnownUpstreams, UpstreamTrouble } from '../../relay/observe/upstream-report.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from './support/admin.ts';
import { startRelayPod } from './support/relay-pod.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const NAMES = ['down', 'apart', 'again', 'full', 'gone'];
const settings = {
  classes: { default: { existingSenders: NAMES.map((name) => ({ [name]: `${name}.example` })) } },
};
const trouble: UpstreamTrouble = {
  since: '2026-01-01T00:00:00Z',
  time: '2026-01-01T00:05:00Z',
  error: 'down.example:587: connect ECONNREFUSED 192.0.2.1:587',
};

describeWithControlPlane('what objects say of mail that does not leave', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator;
  const start = () => startTestOperator(cluster(), kubeconfig, { settings, instead: { unservedMs: 200, tellMs: 0 } });
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await start();
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  /** A pod that runs everything, and tells what it is given to tell, at once. */
  async function startPod(t: TestContext, name: string) {
    let told = { upstreams: [] as KnownUpstreams, fullSince: undefined as Date | undefined };
    let count = 0;
    const pod = await startRelayPod(admin, name);
    t.after(pod.close);
    pod.follow(() => operator.written()['default'] ?? {});
    pod.tell(() => told);
    // a change of the pod has the operator ask
    const nudge = () => {
      const annotations = { 'test.smtpplus.io/count': String(++count) };
      return admin.patch('Pod', `${OPERATOR_NAMESPACE}/${name}`, { metadata: { annotations } });
    };
    return {
      tells: async (upstreams: KnownUpstreams, { isFull = false } = {}) => {
        told = { upstreams, fullSince: isFull ? new Date() : undefined };
        await nudge();
      },
      close: pod.close,
    };
  }

  const tenant = (name: string, mode = 'Spool') => [
    namespace(name),
    sender(`${name}/own`, { domain: `${name}.example` }),
    list(`${name}/house`, { upstream: { host: 'down.example' }, delivery: { mode } }),
    user(`${name}/app`, { listRef: { name: 'house' } }),
  ];

  async function events(name: string, wanted: string): Promise<string[]> {
    const text = await cluster().kubectl(['-n', name, 'get', 'events', '-o', 'json']);
    const { items } = JSON.parse(text) as {
      items: { reason: string; count: number; message: string; involvedObject: { kind: string; name: string } }[];
    };
    return items
      .filter(({ reason }) => reason === wanted)
      .map(({ involvedObject, count }) => `${involvedObject.kind}/${involvedObject.name} ${count}`)
      .sort();
  }

  test('a smart host that is down is said of the list and of its users, once, and is over when it takes mail', async (t) => {
    const pod = await startPod(t, 'relay-down');
    await admin.apply(...tenant('down'));
    await admin.waitFor('SmtpPlusUser', 'down/app', 'Ready', 'True Ready');
    await admin.waitFor('SmtpPlusList', 'down/house', 'UpstreamReachable', 'Unknown NotTried');

    await pod.tells([{ lists: ['down/house'], trouble }]);
    const said = await admin.waitFor('SmtpPlusList', 'down/house', 'UpstreamReachable', 'False UpstreamUnreachable');
    assert.match(said.message, /no mail since 2026-01-01T00:00:00Z\. .*, at 2026-01-01T00:05:00Z: down\.example:587/);
    await admin.waitFor('SmtpPlusList', 'down/house', 'Ready', 'False UpstreamUnreachable');
    await eventually(async () => {
      const { message } = await admin.waitFor('SmtpPlusUser', 'down/app', 'Ready', 'True Ready');
      assert.match(message, /^It can send\. Its mail is accepted and waits, because the upstream takes none/);
    });
    // the last error alone is no news for some time
    await operator.idle();
    const writes = operator.writes();
    await pod.tells([{ lists: ['down/house'], trouble: { ...trouble, time: '2026-01-01T00:05:30Z' } }]);
    await operator.idle();
    assert.equal(operator.writes(), writes);

    await pod.tells([{ lists: ['down/house'] }]);
    await admin.waitFor('SmtpPlusList', 'down/house', 'UpstreamReachable', 'True Reachable');
    await admin.waitFor('SmtpPlusList', 'down/house', 'Ready', 'True Ready');
    await eventually(async () =>
      assert.deepEqual(await events('down', 'UpstreamUnreachable'), ['SmtpPlusList/house 1']),
    );
    await pod.close();
  });

  test('relays that disagree are told apart, and users of the passthrough cannot send', async (t) => {
    const [first, second] = [await startPod(t, 'relay-0'), await startPod(t, 'relay-1')];
    await admin.apply(...tenant('apart', 'Passthrough'));
    await admin.waitFor('SmtpPlusUser', 'apart/app', 'Ready', 'True Ready');
    await first.tells([{ lists: ['apart/house'] }]);
    await second.tells([{ lists: ['apart/house'], trouble }]);
    await eventually(async () => {
      const { message } = await admin.waitFor(
        'SmtpPlusList',
        'apart/house',
        'UpstreamReachable',
        'False UpstreamUnreachable',
      );
      assert.match(message, /no mail from 1 of 2 relays \(relay-1\) since/);
    });
    const { message } = await admin.waitFor('SmtpPlusUser', 'apart/app', 'Ready', 'False UpstreamUnreachable');
    assert.match(message, /^Some of its mail is refused with 451/);
    await Promise.all([first.close(), second.close()]);
  });

  test('an operator that starts anew takes nothing back, and writes nothing', async (t) => {
    const pod = await startPod(t, 'relay-again');
    await admin.apply(...tenant('again', 'Passthrough'));
    await pod.tells([{ lists: ['again/house'], trouble }]);
    await admin.waitFor('SmtpPlusUser', 'again/app', 'Ready', 'False UpstreamUnreachable');
    const since = (await admin.waitFor('SmtpPlusList', 'again/house', 'Ready', 'False UpstreamUnreachable'))
      .lastTransitionTime;
    await operator.idle();
    const version = async () => (await admin.get('SmtpPlusUser', 'again/app'))?.metadata.resourceVersion;
    const before = await version();
    await operator.close();
    operator = await start();
    await operator.idle();
    const { lastTransitionTime } = await admin.waitFor(
      'SmtpPlusList',
      'again/house',
      'Ready',
      'False UpstreamUnreachable',
    );
    assert.equal(lastTransitionTime, since);
    assert.equal(await version(), before);
    await pod.close();
  });

  test('nobody who wishes to send is ready while every disk is full; while one has room, they hear of the others', async (t) => {
    const [first, second] = [await startPod(t, 'relay-a'), await startPod(t, 'relay-b')];
    await admin.apply(...tenant('full'));
    await admin.waitFor('SmtpPlusUser', 'full/app', 'Ready', 'True Ready');
    await first.tells([], { isFull: true });
    await eventually(async () => {
      const { message } = await admin.waitFor('SmtpPlusUser', 'full/app', 'Ready', 'True Ready');
      assert.match(message, /1 of 2 relays of class default \(relay-a\) have a full spool/);
    });
    await second.tells([], { isFull: true });
    await admin.waitFor('SmtpPlusUser', 'full/app', 'Ready', 'False RelaysFull');
    await admin.waitFor('SmtpPlusList', 'full/house', 'Ready', 'False RelaysFull');
    await admin.waitFor('SmtpPlusUser', 'full/app', 'Programmed', 'True Programmed');
    await first.tells([]);
    await second.tells([]);
    await admin.waitFor('SmtpPlusUser', 'full/app', 'Ready', 'True Ready');
    await eventually(async () =>
      assert.deepEqual(await events('full', 'RelaysFull'), ['SmtpPlusList/house 1', 'SmtpPlusUser/app 1']),
    );
    await Promise.all([first.close(), second.close()]);
  });

  test('a list that is deleted says in an Event whom that cuts off', async (t) => {
    const pod = await startPod(t, 'relay-gone');
    await admin.apply(...tenant('gone'));
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Ready', 'True Ready');
    await admin.remove('SmtpPlusList', 'gone/house');
    await admin.waitFor('SmtpPlusUser', 'gone/app', 'Ready', 'False ListNotFound');
    await eventually(async () => {
      const text = await cluster().kubectl(['-n', 'gone', 'get', 'events', '-o', 'jsonpath={.items[*].message}']);
      assert.match(text, /Deleted while 1 user \(gone\/app\) could send through it\. They are refused with 454/);
    });
    assert.deepEqual(await events('gone', 'UsersCutOff'), ['SmtpPlusList/house 1']);
    await pod.close();
  });
});
