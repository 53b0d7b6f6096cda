/** How soon every relay does as a changed object says. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { SERVICE } from './install.ts';
import { forwardApi } from './kubectl.ts';
import { watchLogIns } from './programs.ts';
import { relayPods } from './relays.ts';
import { setActive, SETTLED_MS, SHOP } from './shop.ts';

const CHANGES = 50;
/** Between two changes there is as much as this, at random, so that they keep no step with anything that works at intervals. */
const PAUSE_MOST_MS = 1000;
const ACCEPTED = /^accepted$/;
const REFUSED = /^525 5\.7\.13 /;

describe('a change on a real cluster', () => {
  test('of `active` is in force in every relay: each refuses log-ins that it has accepted, and takes them again', async (t) => {
    const { port, close } = await forwardApi();
    t.after(close);
    const pods = await relayPods();
    assert.ok(pods.length > 1);
    const heard = pods.map(() => ({ answer: '', time: 0 }));
    const ports = pods.map(({ status: { podIP } }) => ({ port: 587, host: podIP, servername: SERVICE }));
    const logIns = watchLogIns(
      SHOP,
      ports,
      ({ index, answer }) => (heard[index] = { answer, time: performance.now() }),
    );
    // what goes wrong in it is told at the end
    logIns.output.catch(() => undefined);
    /** Resolves to when the last relay has answered so. */
    const answers = (expected: RegExp) =>
      until(() => heard.every(({ answer }) => expected.test(answer)) && Math.max(...heard.map(({ time }) => time)), {
        ms: SETTLED_MS,
      });
    const times: number[] = [];
    try {
      await answers(ACCEPTED);
      for (let change = 0; change < CHANGES; change += 1) {
        await sleep(Math.random() * PAUSE_MOST_MS);
        const active = change % 2 === 1;
        const before = performance.now();
        await patchOrders(port, { active });
        times.push((await answers(active ? ACCEPTED : REFUSED)) - before);
      }
    } finally {
      logIns.end();
      await setActive(true);
    }
    await logIns.output;
    const [p50, p99] = [0.5, 0.99].map((share) => times.toSorted((a, b) => a - b)[Math.ceil(share * CHANGES) - 1]);
    t.diagnostic(
      `${CHANGES} changes in ${pods.length} relays, from the request: p50 ${p50?.toFixed()} ms, p99 ${p99?.toFixed()} ms`,
    );
  });
});

async function patchOrders(api: number, spec: object): Promise<void> {
  const response = await fetch(
    `http://127.0.0.1:${api}/apis/smtpplus.io/v1alpha1/namespaces/${SHOP}/smtpplususers/orders`,
    { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ spec }) },
  );
  assert.equal(response.status, 200, await response.text());
}
