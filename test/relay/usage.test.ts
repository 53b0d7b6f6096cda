/** What a whole relay counts of its lists and users, and tells on its page `/usage`. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { queueReportSchema } from '../../relay/observe/queue-report.ts';
import { stateReportSchema } from '../../relay/observe/state-report.ts';
import { usageReportSchema, type Tally } from '../../relay/observe/usage-report.ts';
import { ledTo, QUICK_DELIVERY } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { aClass, aList, aUser, LIST, USER } from '../support/relay-config.ts';
import { startUpstream } from '../support/upstream.ts';
import { logIn, open, page, type RelayOfWorkers, send, startWorkers } from '../workers/relay.ts';

async function usageOf(relay: RelayOfWorkers) {
  const { status, text } = await page(relay, '/usage');
  assert.equal(status, 200);
  return usageReportSchema.parse(JSON.parse(text));
}

async function tallyOf(relay: RelayOfWorkers): Promise<Tally> {
  return (await usageOf(relay)).users['shop/orders'] ?? {};
}

async function sendTo(relay: RelayOfWorkers, ...recipients: readonly string[]): Promise<readonly string[]> {
  const client = await open(relay);
  assert.match(await logIn(client), /^235 /);
  const answers: string[] = [];
  for (const to of recipients) answers.push(await send(client, to));
  client.destroy();
  return answers;
}

const sum = (tally: Tally) => (tally.delivered ?? 0) + (tally.bounced ?? 0);

for (const workers of [1, 2]) {
  describe(`what a relay of ${workers} counts`, () => {
    test('is what was taken, refused and delivered, by list and by user, and holds no address', async (t) => {
      const upstream = await startUpstream(t, {
        onRecipient: (to) => (to.startsWith('nobody') ? '550 5.1.1 no such user' : undefined),
      });
      const relay = await startWorkers(t, workers, { config: ledTo(upstream.smartHost()) });
      const answers = await sendTo(relay, 'a@elsewhere.example', 'nobody@elsewhere.example', 'b@elsewhere.example');
      assert.deepEqual(
        answers.map((answer) => answer.slice(0, 3)),
        ['250', '250', '250'],
      );
      const client = await open(relay);
      assert.match(await logIn(client, 'wrong'), /^535 /);
      client.destroy();
      await until(async () => sum(await tallyOf(relay)) === 3 && (await tallyOf(relay)).refused !== undefined);
      const { users, lists } = await usageOf(relay);
      const { lastLogin = '', lastMessage = '', bytes, ...counts } = users['shop/orders'] ?? {};
      assert.deepEqual(counts, {
        logins: 1,
        accepted: 3,
        recipients: 3,
        delivered: 2,
        bounced: 1,
        refused: { auth_failed: 1 },
      });
      assert.ok(lastLogin <= lastMessage && Date.parse(lastLogin) > 0 && (bytes ?? 0) > 150);
      assert.deepEqual(lists[LIST], users['shop/orders']);
      assert.deepEqual((await usageOf(relay)).refusedLately?.users, { 'shop/orders': { auth_failed: 1 } });
      const { text } = await page(relay, '/usage');
      assert.doesNotMatch(text, /@|hello|orders\.shop/);
    });

    test('is in the metrics, too, where the class asks for that', async (t) => {
      const [base, plain] = [ledTo({ kind: 'capture' }), aClass({ delivery: QUICK_DELIVERY })];
      const asked = { ...base, class: aClass({ delivery: QUICK_DELIVERY, metrics: { usage: 10, labels: 10 } }) };
      const relay = await startWorkers(t, workers, { config: asked });
      await sendTo(relay, 'a@x.example');
      const ofUser = async (): Promise<readonly string[]> =>
        (await page(relay, '/metrics')).text.match(/^smtpplus_user_day\{.*$/gm) ?? [];
      await until(async () => (await ofUser()).includes('smtpplus_user_day{user="shop/orders",what="accepted"} 1'));
      await relay.configure({ ...base, class: plain });
      await relay.relay.reload();
      await until(async () => (await ofUser()).length === 0);
    });

    test('is there after a clean restart, and goes on from there', async (t) => {
      const upstream = await startUpstream(t);
      const config = ledTo(upstream.smartHost());
      const first = await startWorkers(t, workers, { config });
      await sendTo(first, 'a@x.example', 'b@x.example');
      await until(() => upstream.received.length === 2);
      await first.close();
      const second = await startWorkers(t, workers, { config, folder: first.folder });
      await until(async () => (await tallyOf(second)).delivered === 2);
      assert.equal((await tallyOf(second)).accepted, 2);
      await sendTo(second, 'c@x.example');
      await until(async () => (await tallyOf(second)).delivered === 3);
      assert.equal((await tallyOf(second)).accepted, 3);
    });
  });
}

for (const workers of [1, 2]) {
  test(`what waits in a relay of ${workers} is told by list, with the age of the oldest`, async (t) => {
    const upstream = await startUpstream(t, { onMail: () => '451 4.3.0 not now' });
    const relay = await startWorkers(t, workers, { config: ledTo(upstream.smartHost()) });
    const queue = async () => queueReportSchema.parse(JSON.parse((await page(relay, '/queue')).text));
    assert.deepEqual(await queue(), { messages: 0, lists: {} });
    const before = Date.now();
    await sendTo(relay, 'a@x.example', 'b@x.example');
    await until(async () => (await queue()).messages === 2);
    const { lists, oldestTime = '' } = await queue();
    assert.deepEqual(lists, { [LIST]: 2 });
    // by clocks that are not quite the same
    assert.ok(Math.abs(Date.parse(oldestTime) - before) < 600_000, oldestTime);
    assert.deepEqual(relay.relay.queue().lists, lists);
  });

  test(`a relay of ${workers} tells its version, its class and how long its certificate is valid`, async (t) => {
    const relay = await startWorkers(t, workers, { config: ledTo({ kind: 'capture' }) });
    const state = stateReportSchema.parse(JSON.parse((await page(relay, '/configz')).text));
    assert.match(state.version ?? '', /^\d+\.\d+\.\d+/);
    assert.equal(state.class, 'default');
    assert.ok(Date.parse(state.certificateNotAfter ?? '') > Date.now());
    assert.deepEqual(relay.relay.state().documents, state.documents);
  });
}

describe('what a relay counts', () => {
  test('outlives a worker that is killed', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    await sendTo(relay, 'a@x.example', 'b@x.example');
    await until(async () => (await tallyOf(relay)).delivered === 2);
    const pids = [relay.pidOf(1), relay.pidOf(2)];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until(() => relay.pidOf(1) !== pids[0] && relay.pidOf(2) !== pids[1]);
    const { delivered, accepted } = await tallyOf(relay);
    assert.deepEqual({ delivered, accepted }, { delivered: 2, accepted: 2 });
  });

  test('holds nothing of names that nobody has, nor of a user who is gone', async (t) => {
    const relay = await startWorkers(t, 1, { config: ledTo({ kind: 'capture' }) });
    const client = await open(relay);
    assert.match(await client.ask(`AUTH PLAIN ${Buffer.from('\0nobody.shop\0guess').toString('base64')}`), /^535 /);
    client.destroy();
    const { users, lists, refusedLately } = await usageOf(relay);
    assert.deepEqual({ users, lists }, { users: {}, lists: {} });
    // that somebody tried is told, without a name
    assert.deepEqual(refusedLately?.users, {});
    assert.deepEqual(refusedLately?.nobody, { auth_failed: 1 });
  });

  test('is the same where mail passes through, and a refusal of the upstream is the client’s', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to.startsWith('nobody') ? '550 5.1.1 no such user' : undefined),
    });
    const list = aList({ upstream: upstream.smartHost() });
    const delivery = { ...list.delivery, mode: 'Passthrough' as const };
    const config = ledTo({ kind: 'capture' }, { lists: { [LIST]: { ...list, delivery } } });
    const relay = await startWorkers(t, 1, { config });
    const answers = await sendTo(relay, 'a@x.example', 'nobody@x.example');
    assert.deepEqual(
      answers.map((answer) => answer.slice(0, 3)),
      ['250', '550'],
    );
    const { accepted, delivered, bounced, refused } = await tallyOf(relay);
    assert.deepEqual(
      { accepted, delivered, bounced, refused },
      { accepted: 1, delivered: 1, bounced: undefined, refused: { upstream_refused: 1 } },
    );
  });

  test('is no user’s whose name has gone to another namespace, but the list’s', async (t) => {
    const upstream = await startUpstream(t);
    const config = ledTo(upstream.smartHost({ host: 'nowhere.invalid' }));
    const relay = await startWorkers(t, 1, { config });
    await sendTo(relay, 'a@x.example');
    const users = { [USER]: aUser({ namespace: 'other', object: 'other/thief' }) };
    await relay.configure(ledTo(upstream.smartHost(), { users }));
    await until(async () => (await usageOf(relay)).lists[LIST]?.delivered === 1);
    const { users: told } = await usageOf(relay);
    assert.deepEqual(told['other/thief'], undefined);
    assert.equal(told['shop/orders']?.delivered, undefined);
  });

  test('is nothing that a relay cannot do without', async (t) => {
    const relay = await startWorkers(t, 1, { config: ledTo({ kind: 'capture' }) });
    await rm(path.join(relay.spool, 'usage'), { recursive: true, force: true });
    assert.deepEqual((await sendTo(relay, 'a@x.example'))[0]?.slice(0, 3), '250');
  });
});
