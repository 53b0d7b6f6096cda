import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { startLease } from '../../operator/kubernetes/client/lease.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { until } from '../support/eventually.ts';
import { adminCredentials } from './support/credentials.ts';
import { startFaultyProxy } from './support/proxy.ts';

describeWithControlPlane('leader election', (cluster) => {
  function candidate(t: TestContext, name: string, identity: string, url = cluster().url) {
    let lost = 0;
    let looks = 0;
    const onRequest = ({ method }: { readonly method: string }): void => void (method === 'GET' && looks++);
    const client = createClient(adminCredentials(cluster(), url), { onRequest });
    const options = { namespace: 'default', name, identity, onLost: () => void lost++, onTrouble: () => undefined };
    const lease = startLease(client, options);
    t.after(async () => {
      await lease.release().catch(() => undefined);
      client.close();
    });
    return { ...lease, losses: () => lost, looks: () => looks };
  }

  test('of two that start at once only one leads', async (t) => {
    const [a, b] = [candidate(t, 'two', 'a'), candidate(t, 'two', 'b')];
    await Promise.race([a.acquired, b.acquired]);
    const [leader, other] = a.isLeader() ? [a, b] : [b, a];
    const rounds = other.looks() + 3;
    await until(() => other.looks() >= rounds, { what: 'the other has tried again' });
    assert.deepEqual([leader.isLeader(), other.isLeader()], [true, false]);
  });

  test('a released lease is taken at once', async (t) => {
    const began = new Date();
    const a = candidate(t, 'released', 'a');
    assert.equal(await a.acquired, undefined, 'nobody has led before');
    const b = candidate(t, 'released', 'b');
    await until(() => b.looks() > 0, { what: 'the other waits for it' });
    await a.release();
    assert.equal(a.isLeader(), false);
    const looks = b.looks();
    const ledUntil = await b.acquired;
    assert.ok(
      ledUntil !== undefined && ledUntil >= began,
      `it is told that somebody led until ${ledUntil?.toISOString()}`,
    );
    // one may have been under way; without a release it would be seven, until the lease is over
    assert.ok(b.looks() - looks <= 2, `it looked ${b.looks() - looks} times`);
  });

  test('the time from which on nobody has watched outlives a leader that ends before it has taken up what happened since', async (t) => {
    const first = candidate(t, 'unwatched', 'first');
    await first.acquired;
    first.takenUp();
    await first.release();
    const second = candidate(t, 'unwatched', 'second');
    const since = await second.acquired;
    assert.ok(since !== undefined);
    const looks = second.looks();
    await until(() => second.looks() > looks + 1, { what: 'the second renews it' });
    await second.release();
    const third = candidate(t, 'unwatched', 'third');
    assert.deepEqual(await third.acquired, since);
    third.takenUp();
    const before = third.looks();
    await until(() => third.looks() > before + 1, { what: 'the third renews it' });
    await third.release();
    const after = await candidate(t, 'unwatched', 'fourth').acquired;
    assert.ok(after !== undefined && after > since, `${after?.toISOString()} is after ${since.toISOString()}`);
  });

  test('one that is cut off stops before another takes over, and says that it has lost', async (t) => {
    const proxy = await startFaultyProxy(cluster().url);
    t.after(proxy.close);
    const a = candidate(t, 'cut-off', 'a', proxy.url);
    await a.acquired;
    const b = candidate(t, 'cut-off', 'b');
    proxy.freeze();
    let wereBoth = false;
    await until(
      () => {
        wereBoth ||= a.isLeader() && b.isLeader();
        return b.isLeader();
      },
      { what: 'the other takes over' },
    );
    assert.equal(wereBoth, false);
    await until(() => a.losses() === 1, { what: 'the first says that it has lost' });
  });
});
