/** What statuses say of use, by what relay pods have counted. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { shardDocumentSchema, fileOf, type UserConfig } from '../../relay/config/config.ts';
import type { Tally } from '../../relay/observe/usage-report.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from './support/admin.ts';
import { startRelayPod } from './support/relay-pod.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] }, bulk: {} } };

describeWithControlPlane('what statuses say of use', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator;
  const start = () =>
    startTestOperator(cluster(), kubeconfig, { settings, instead: { usageMs: { ask: 50, hold: 0 } } });
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    operator = await start();
    await admin.apply(
      namespace('shop'),
      sender('shop/own', { domain: 'shop.example' }),
      list('shop/house', {}),
      user('shop/app', { listRef: { name: 'house' } }),
      user('shop/quiet', { listRef: { name: 'house' } }),
    );
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  const running: Awaited<ReturnType<typeof startRelayPod>>[] = [];
  // what a failed test has left would be in the way of the next one
  afterEach(async () => {
    for (const pod of running.splice(0)) await pod.close();
  });

  async function startPod(name: string) {
    let tally: Tally | undefined;
    const pod = await startRelayPod(admin, name);
    running.push(pod);
    pod.follow(() => operator.written()['default'] ?? {});
    pod.count(() => ({
      since: '2026-01-01T00:00:00.000Z',
      lists: tally === undefined ? {} : { 'shop/house': tally },
      users: tally === undefined ? {} : { 'shop/app': tally },
    }));
    return { ...pod, counts: (next: Tally | undefined) => (tally = next) };
  }

  async function statusWrites(): Promise<number | undefined> {
    const { values } = await operator.metrics.writes.get();
    return values.find(({ labels }) => labels['what'] === 'status')?.value;
  }

  async function statusOf(kind: string, key: string) {
    const [space = '', name = ''] = key.split('/');
    const text = await cluster().kubectl(['-n', space, 'get', kind, name, '-o', 'json']);
    return (JSON.parse(text) as { status: { traffic?: Record<string, unknown>; lastUsedTime?: string } }).status;
  }

  /** As the relays are given it. */
  async function configOf(username: string): Promise<UserConfig | undefined> {
    const text = await cluster().kubectl(['-n', OPERATOR_NAMESPACE, 'get', 'secrets', '-o', 'json']);
    const { items } = JSON.parse(text) as { items: { data?: Record<string, string> }[] };
    const file = fileOf(username);
    const documents = items
      .flatMap((item) => item.data?.[file] ?? [])
      .map((data) => shardDocumentSchema.parse(JSON.parse(Buffer.from(data, 'base64').toString('utf8'))));
    return documents.map(({ users }) => users[username]).find((entry) => entry !== undefined);
  }

  test('all relay pods together, of lists and of users, whatever restarts', async () => {
    const [first, second] = [await startPod('relay-0'), await startPod('relay-1')];
    first.counts({ accepted: 3, recipients: 3, bytes: 900, delivered: 3, lastMessage: '2026-01-01T01:02:03.000Z' });
    second.counts({ accepted: 1, recipients: 1, bytes: 100, bounced: 1, refused: { too_large: 2 } });
    const traffic = {
      since: '2026-01-01T00:00:00Z',
      accepted: 4,
      recipients: 4,
      bytes: 1000,
      delivered: 3,
      bounced: 1,
      deferred: 0,
      refused: 2,
      refusals: [{ reason: 'too_large', count: 2 }],
    };
    await eventually(async () => assert.deepEqual((await statusOf('smtpplususer', 'shop/app')).traffic, traffic));
    await eventually(async () => assert.deepEqual((await statusOf('smtppluslist', 'shop/house')).traffic, traffic));
    assert.equal((await statusOf('smtpplususer', 'shop/app')).lastUsedTime, '2026-01-01T01:00:00Z');
    assert.equal((await statusOf('smtpplususer', 'shop/quiet')).traffic, undefined);

    // pods that are away tell nothing, and an operator that has just started takes nothing back
    await operator.close();
    await Promise.all([first.close(), second.close()]);
    operator = await start();
    await operator.idle();
    assert.deepEqual((await statusOf('smtpplususer', 'shop/app')).traffic, traffic);

    const third = await startPod('relay-0');
    third.counts(undefined);
    await eventually(async () => assert.equal((await statusOf('smtpplususer', 'shop/app')).traffic, undefined));
    assert.equal((await statusOf('smtpplususer', 'shop/app')).lastUsedTime, '2026-01-01T01:00:00Z');
    await eventually(async () => assert.equal((await statusOf('smtppluslist', 'shop/house')).traffic, undefined));
    // and nothing is written again for what stays as it is
    await operator.idle();
    const writes = await statusWrites();
    let rounds = 0;
    third.count(() => {
      rounds++;
      return { since: `2026-01-01T0${rounds % 10}:00:00.000Z`, lists: {}, users: {} };
    });
    await eventually(async () => assert.ok(rounds > 10));
    await operator.idle();
    assert.equal(await statusWrites(), writes);
    await third.close();
  });

  test('a user whom one relay has paused is paused in all, until somebody resumes it, whoever restarts', async () => {
    const pod = await startPod('relay-0');
    await admin.apply(user('shop/leaky', { listRef: { name: 'house' }, pauseAbove: { bounceRate: 10 } }));
    await admin.waitFor('SmtpPlusUser', 'shop/leaky', 'Ready', 'True Ready');
    const paused = { since: '2026-01-01T01:02:03.456Z', bounced: 11, judged: 20, resume: '' };
    const since = '2026-01-01T00:00:00.000Z';
    pod.count(() => ({ since, lists: {}, users: { 'shop/leaky': { paused } } }));
    await admin.waitFor('SmtpPlusUser', 'shop/leaky', 'Paused', 'True Paused');
    await admin.waitFor('SmtpPlusUser', 'shop/leaky', 'Ready', 'False Paused');
    await eventually(async () => assert.equal((await configOf('leaky.shop'))?.paused, true));

    // its relay has lost what it knew, and the operator is another one
    pod.count(() => ({ since, lists: {}, users: {} }));
    await operator.close();
    operator = await start();
    await operator.idle();
    await admin.waitFor('SmtpPlusUser', 'shop/leaky', 'Ready', 'False Paused');
    assert.equal((await configOf('leaky.shop'))?.paused, true);

    await admin.patch('SmtpPlusUser', 'shop/leaky', { metadata: { annotations: { 'smtpplus.io/resume': 'mended' } } });
    await admin.waitFor('SmtpPlusUser', 'shop/leaky', 'Ready', 'True Ready');
    await eventually(async () => {
      const { paused: isPaused, pauseAbove } = (await configOf('leaky.shop')) ?? {};
      assert.deepEqual([isPaused, pauseAbove], [undefined, { bounceRate: 10, of: 100, resume: 'mended' }]);
    });
    await pod.close();
  });

  test('a quota is that of all relays together, and a higher one ends the wait', async () => {
    const [first, second] = [await startPod('relay-0'), await startPod('relay-1')];
    await admin.apply(user('shop/busy', { listRef: { name: 'house' }, limits: { messagesPerMonth: 10 } }));
    const month = new Date().toISOString().slice(0, 7);
    const counts = (messages: number) => () => ({
      since: '2026-01-01T00:00:00.000Z',
      lists: {},
      users: { 'shop/busy': { month: { name: month, messages } } },
    });
    first.count(counts(4));
    second.count(counts(4));
    await admin.waitFor('SmtpPlusUser', 'shop/busy', 'QuotaNearlyUsed', 'True QuotaNearlyUsed');
    await admin.waitFor('SmtpPlusUser', 'shop/busy', 'Ready', 'True Ready');
    second.count(counts(6));
    await admin.waitFor('SmtpPlusUser', 'shop/busy', 'Ready', 'False QuotaUsed');
    await eventually(async () => assert.equal((await configOf('busy.shop'))?.quotaUsed, month));
    await admin.patch('SmtpPlusUser', 'shop/busy', { spec: { limits: { messagesPerMonth: 100 } } });
    await admin.waitFor('SmtpPlusUser', 'shop/busy', 'Ready', 'True Ready');
    await Promise.all([first.close(), second.close()]);
  });

  test('relays of a class tell nothing of users of another class', async () => {
    await admin.apply(user('shop/victim', { listRef: { name: 'house' }, limits: { messagesPerMonth: 10 } }));
    const own = await startPod('relay-0');
    await admin.waitFor('SmtpPlusUser', 'shop/victim', 'Ready', 'True Ready');
    const month = { name: new Date().toISOString().slice(0, 7), messages: 1_000_000 };
    const paused = { since: '2026-01-01T01:02:03.456Z', bounced: 11, judged: 20, resume: '' };
    const hostile = await startRelayPod(admin, 'bulk-0', 'bulk');
    running.push(hostile);
    let asked = 0;
    hostile.count(() => {
      asked += 1;
      return {
        since: '2025-01-01T00:00:00.000Z',
        lists: { 'shop/house': { accepted: 1000 } },
        users: { 'shop/victim': { accepted: 1000, month, paused } },
      };
    });
    own.count(() => ({
      since: '2026-01-01T00:00:00.000Z',
      lists: {},
      users: { 'shop/victim': { accepted: asked > 2 ? 2 : 1 } },
    }));
    await eventually(async () => {
      const { traffic } = await statusOf('smtpplususer', 'shop/victim');
      assert.deepEqual([traffic?.['accepted'], traffic?.['since']], [2, '2026-01-01T00:00:00Z']);
    });
    await admin.waitFor('SmtpPlusUser', 'shop/victim', 'Ready', 'True Ready');
    assert.equal((await statusOf('smtppluslist', 'shop/house')).traffic, undefined);
  });
});
