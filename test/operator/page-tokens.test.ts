/** Who may read what relays and operator say of all tenants: a real relay, and an operator that asks it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test, type TestContext } from 'node:test';
import { pageTokensOf } from '../../operator/kubernetes/page-tokens.ts';
import { readClasses } from '../../operator/kubernetes/classes.ts';
import { createInstallation } from '../../operator/installation.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';
import { startRelayOfCluster, type RelayOfCluster } from './support/relay-of-cluster.ts';
import { makeReadyPod, startRelayPod } from './support/relay-pod.ts';

const OF_CLASS = `${OPERATOR_NAMESPACE}/smtp-plus-default-metrics`;
const OF_OPERATOR = `${OPERATOR_NAMESPACE}/smtp-plus-metrics`;
const GUARDED = ['/metrics', '/configz', '/upstreamz', '/queue', '/usage'];
const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] } } };

describeWithControlPlane('what relays say of all tenants', (cluster) => {
  let kubeconfig: string;
  let admin: Admin;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('shop'), sender('shop/domain', { domain: 'shop.example' }));
  });
  beforeEach(async () => {
    for (const key of [OF_CLASS, OF_OPERATOR]) await admin.remove('Secret', key).catch(() => {});
  });
  after(() => admin.client.close());

  async function start(t: TestContext, options: Parameters<typeof startTestOperator>[2] = {}): Promise<TestOperator> {
    const operator = await startTestOperator(cluster(), kubeconfig, { settings, ...options });
    t.after(() => operator.close());
    return operator;
  }

  /** A relay as in a pod, with what the API server knows of it. */
  async function startRelay(t: TestContext): Promise<RelayOfCluster> {
    const relay = await startRelayOfCluster(t, admin);
    await makeReadyPod(admin, { name: 'relay-0', port: relay.httpPort });
    t.after(() => admin.remove('Pod', `${OPERATOR_NAMESPACE}/relay-0`));
    return relay;
  }

  async function statusOf({ httpPort }: RelayOfCluster, page: string, token?: string): Promise<number> {
    const headers = { connection: 'close', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const response = await fetch(`http://127.0.0.1:${httpPort}${page}`, { headers });
    await response.text();
    return response.status;
  }

  const statuses = (relay: RelayOfCluster, token?: string) =>
    Promise.all(GUARDED.map((page) => statusOf(relay, page, token)));
  const ALL = (status: number) => GUARDED.map(() => status);
  const becomes = (relay: RelayOfCluster, status: number, token?: string) =>
    eventually(async () => assert.deepEqual(await statuses(relay, token), ALL(status)));
  /** That a user is Ready takes an answer of each relay about what it runs. */
  async function isHeardOf(name: string): Promise<void> {
    await admin.apply(user(`shop/${name}`));
    await admin.waitFor('SmtpPlusUser', `shop/${name}`, 'Ready', 'True Ready');
  }

  test('is for whoever has the token of the class, which is in a Secret, and the operator has it', async (t) => {
    const relay = await startRelay(t);
    await start(t);
    await becomes(relay, 401);
    const { token = '', ...others } = await admin.secret(OF_CLASS);
    assert.deepEqual([token.length, others], [43, {}]);
    assert.deepEqual((await admin.get('Secret', OF_CLASS))?.['type' as never], 'Opaque');
    assert.deepEqual(await statuses(relay, token), ALL(200));
    const { token: ofOperator = '' } = await admin.secret(OF_OPERATOR);
    assert.notEqual(ofOperator, token);
    assert.deepEqual(await statuses(relay, ofOperator), ALL(401));
    for (const page of ['/healthz', '/readyz']) assert.equal(await statusOf(relay, page), 200);
    await isHeardOf('heard');
    const text = await cluster().kubectl([
      '-n',
      OPERATOR_NAMESPACE,
      'get',
      'secret',
      'smtp-plus-default-class',
      '-o',
      'json',
    ]);
    const { data } = JSON.parse(text) as { data: Record<string, string> };
    const document = Buffer.from(data['class.json'] ?? '', 'base64').toString('utf8');
    assert.ok(document.includes('tokenHash') && !document.includes(token));
  });

  test('keeps its token over a restart of the operator, and a Secret that somebody edits or deletes is repaired', async (t) => {
    const first = await start(t);
    const { token = '' } = await eventually(async () => admin.secret(OF_CLASS));
    await first.close();
    await start(t);
    const isAsBefore = () => eventually(async () => assert.deepEqual(await admin.secret(OF_CLASS), { token }));
    await admin.remove('Secret', OF_CLASS);
    await isAsBefore();
    const annotations = { 'replicator.example/replicate-to': 'monitoring' };
    const data = { token: Buffer.from('mine').toString('base64'), more: Buffer.from('x').toString('base64') };
    await admin.patch('Secret', OF_CLASS, { metadata: { annotations }, data });
    await isAsBefore();
    assert.deepEqual((await admin.get('Secret', OF_CLASS))?.metadata.annotations, annotations);
  });

  test('has its token in no Secret that is somebody else’s, and the operator says which one is in the way', async (t) => {
    await admin.apply(secret(OF_CLASS, { token: 'of somebody else' }));
    const operator = await start(t);
    const words =
      /smtp-plus-default-metrics has no label smtpplus\.io\/metrics-token, so that somebody else has made it/;
    await eventually(async () => assert.match(operator.troubles.join('\n'), words));
    assert.deepEqual(await admin.secret(OF_CLASS), { token: 'of somebody else' });
    assert.equal((await admin.secret(OF_OPERATOR))['token']?.length, 43);
  });

  test('is open to everybody where the settings say so, and closed again where they say so no more, without a restart', async (t) => {
    const relay = await startRelay(t);
    const open = await start(t, { settings: { ...settings, pageAccess: 'Everybody' } });
    await becomes(relay, 200);
    await isHeardOf('open');
    await open.close();
    await start(t);
    await becomes(relay, 401);
    await isHeardOf('closed');
  });

  test('an operator of the version before, which sends no token, locks nobody out', async (t) => {
    const relay = await startRelay(t);
    const current = await start(t);
    await becomes(relay, 401);
    await current.close();
    // it writes a configuration that tells of no token, and so relays open their pages to it
    const parsed = settingsSchema.parse({ ...settings, pageAccess: 'Everybody' });
    const installation = createInstallation('0'.repeat(64));
    const { secrets } = pageTokensOf(parsed, installation);
    await start(t, {
      instead: { pageTokens: { ofClass: () => '', secrets }, readClasses: () => readClasses(parsed, installation) },
    });
    await becomes(relay, 200);
    await isHeardOf('older-operator');
  });

  test('a relay of the version before, which asks for no token, is heard as before', async (t) => {
    const operator = await start(t);
    const pod = await startRelayPod(admin, 'relay-0');
    t.after(() => pod.close());
    pod.follow(() => operator.written()['default'] ?? {});
    await isHeardOf('older-relay');
  });

  test('a relay that refuses the token of the operator is named, with the reason, where it matters', async (t) => {
    const relay = await startRelay(t);
    const other = createInstallation('1'.repeat(64));
    await start(t, { instead: { pageTokens: { ...pageTokensOf(settingsSchema.parse(settings), other) } } });
    await becomes(relay, 401);
    await admin.apply(user('shop/unheard'));
    await eventually(async () => {
      const text = await cluster().kubectl(['-n', 'shop', 'get', 'spu', 'unheard', '-o', 'json']);
      assert.match(text, /pod relay-0 did not say which configuration it runs \(it refuses our token \(401\)/);
    });
  });
});
