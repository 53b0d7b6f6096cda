/** The number of relays follows what they have to do. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { NAMESPACE, SOON, upgrade } from './install.ts';
import { kubectl } from './kubectl.ts';
import { CONNECTIONS, startMetricsApi } from './metrics-api.ts';
import { startMetricsServer } from './metrics-server.ts';
import { setSmartHost } from './programs.ts';
import { messagesOnVolume, relayPods, untilRelays } from './relays.ts';
import { allArrived, countDuplicates, SETTLED_MS, startLoad, underLoad } from './shop.ts';

/** The chart lets ten minutes pass before it takes a relay away. */
const BEHAVIOR = {
  scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] },
};
const AUTOSCALING = { enabled: true, minReplicas: 1, maxReplicas: 2, targetCPUPercent: 70, behavior: BEHAVIOR };
/** Metrics are some ten seconds old, an autoscaler looks every 15 s, and pods come and go. */
const SCALED_MS = 300_000;
/** Some hundred a second. */
const MUCH = { pauseMs: 5 };
/** Eight a second. */
const LITTLE = { pauseMs: 500 };

describe('an autoscaler on a real cluster', () => {
  let stop: (() => Promise<void>) | undefined;
  before(async () => {
    stop = await startMetricsServer(process.env['METRICS_SERVER'] ?? '');
  });
  after(async () => {
    await upgrade({}, ['--force-conflicts']);
    await stop?.();
  });

  test('leaves the relays alone that there are when it is switched on', async () => {
    // another number than before, so that it is Helm's alone: what `kubectl scale` has set would stay anyway
    await upgrade({ relays: { replicas: 3 } }, ['--force-conflicts']);
    const uids = await uidsNow();
    await upgrade({ relays: { autoscaling: { ...AUTOSCALING, minReplicas: 3, maxReplicas: 3 } } });
    assert.deepEqual([uids.length, await uidsNow()], [3, uids]);
  });

  test('adds a relay where there is much to do, and takes it away where there is little: its mail goes to the other one', async (t) => {
    await upgrade({ classes: SOON, relays: { autoscaling: AUTOSCALING } });
    await untilRelays(1, SCALED_MS);
    const began = Date.now();
    const replies = await underLoad(async () => {
      await untilRelays(2, SCALED_MS);
      t.diagnostic(`another relay was ready after ${(Date.now() - began) / 1000} s: ${await autoscaler()}`);
    }, MUCH);
    t.diagnostic(await allArrived(replies));
    await setSmartHost(false);
    try {
      const load = startLoad(LITTLE);
      await untilRelays(1, SCALED_MS);
      load.end();
      const little = await load.output;
      const left = await until(async () => (await messagesOnVolume()) || undefined, { ms: SETTLED_MS });
      await setSmartHost(true);
      t.diagnostic(`${await allArrived(little)}, ${left} left on the volume`);
      assert.deepEqual([left, await countDuplicates(little)], ['0', 0]);
    } finally {
      await setSmartHost(true);
    }
  });

  test('goes by open connections where the values say so', async (t) => {
    const takeAway = await startMetricsApi();
    try {
      // so that nothing else is a reason
      const autoscaling = { ...AUTOSCALING, targetCPUPercent: 10_000, metrics: [CONNECTIONS] };
      await upgrade({ relays: { autoscaling } });
      await untilRelays(1, SCALED_MS);
      const replies = await underLoad(async () => {
        await untilRelays(2, SCALED_MS);
        t.diagnostic(await autoscaler());
      });
      await untilRelays(1, SCALED_MS);
      t.diagnostic(await allArrived(replies));
    } finally {
      await takeAway();
    }
  });
});

async function uidsNow(): Promise<readonly string[]> {
  return (await relayPods()).map(({ metadata }) => metadata.uid);
}

/** What kubectl says of it: targets, and what it has found. */
async function autoscaler(): Promise<string> {
  return (await kubectl(['get', 'hpa', 'smtp-plus-relay', '-n', NAMESPACE, '--no-headers'])).trim();
}
