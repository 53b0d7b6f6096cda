import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { startLease } from '../../operator/kubernetes/client/lease.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { adminCredentials } from './support/credentials.ts';
import { until } from './support/eventually.ts';
import { startFaultyProxy } from './support/proxy.ts';

describeWithControlPlane('leader election', (cluster) => {
  function candidate(t: TestContext, name: string, identity: string, url = cluster().url) {
    const client = createClient(adminCredentials(cluster(), url));
    let lost = 0;
    const options = { namespace: 'default', name, identity, onLost: () => void lost++, onTrouble: () => undefined };
    const lease = startLease(client, options);
    t.after(async () => {
      await lease.release().catch(() => undefined);
      client.close();
    });
    return { ...lease, losses: () => lost };
  }

  test('of two that start at once only one leads', async (t) => {
    const [a, b] = [candidate(t, 'two', 'a'), candidate(t, 'two', 'b')];
    await Promise.race([a.acquired, b.acquired]);
    // several rounds of renewal
    const deadline = performance.now() + 5000;
    await until(() => {
      assert.notEqual(a.isLeader(), b.isLeader());
      return performance.now() > deadline;
    }, 'time passes');
  });

  test('a released lease is taken at once', async (t) => {
    const a = candidate(t, 'released', 'a');
    await a.acquired;
    const b = candidate(t, 'released', 'b');
    await a.release();
    assert.equal(a.isLeader(), false);
    const began = performance.now();
    await b.acquired;
    assert.ok(performance.now() - began < 5000);
  });

  test('one that is cut off stops before another takes over, and says that it has lost', async (t) => {
    const proxy = await startFaultyProxy(cluster().url);
    t.after(proxy.close);
    const a = candidate(t, 'cut-off', 'a', proxy.url);
    await a.acquired;
    const b = candidate(t, 'cut-off', 'b');
    proxy.freeze();
    await until(() => {
      assert.ok(!(a.isLeader() && b.isLeader()));
      return b.isLeader();
    }, 'the other takes over');
    await until(() => a.losses() === 1, 'the first says that it has lost');
  });
});
