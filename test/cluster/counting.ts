/** Relays that count together in a store, which goes away and comes back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needsCommand } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { NAMESPACE, PODS, SERVICE, SETTINGS, upgrade } from './install.ts';
import { kubectl } from './kubectl.ts';
import { send } from './programs.ts';
import { inRelay, readinessOf } from './relays.ts';
import { FROM, patchOrders, SETTLED_MS, SHOP, untilProgrammed } from './shop.ts';
import { COUNTING, prepareStore, removeStore, startStore, stopStore } from './store.ts';

const RELAYS = ['smtp-plus-relay-0', 'smtp-plus-relay-1'];
const LIMIT = 10;
/** By each relay: more than its share, and less than all. */
const MESSAGES = 8;
const TOGETHER = 'the limits of users are counted together with the other relays';
const AWAY = 'shared counters are away: this relay allows its share of each limit';

describe('relays that count together on a real cluster', () => {
  test('hold a limit over all of them, go on with their shares while the store is away, and count together again', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    try {
      await prepareStore();
      await startStore();
      await countTogether();
      await untilAllSay('ok', 1);
      assert.deepEqual(await accepted(/reached, retry after \d+ s/), [MESSAGES, LIMIT - MESSAGES]);

      await stopStore();
      await untilAllSay('ok, but the shared counters are away: this relay allows its share of the limits of users', 0);
      assert.deepEqual(await accepted(/reached \(1\/2 of it at this one of 2 relays\), retry after \d+ s/), [
        0,
        LIMIT / 2 - (LIMIT - MESSAGES),
      ]);

      await startStore();
      await untilAllSay('ok', 1);
      assert.deepEqual(await accepted(/reached, retry after \d+ s/), [MESSAGES, LIMIT - MESSAGES]);
      for (const relay of RELAYS) assert.deepEqual(await linesOf(relay), [TOGETHER, AWAY, TOGETHER]);
      t.diagnostic(`${LIMIT} of ${2 * MESSAGES} messages accepted by ${RELAYS.length} relays, before and after`);
    } finally {
      await patchOrders({ limits: null });
      await upgrade();
      await removeStore();
    }
  });
});

/** New relays, which have counted nothing yet. */
async function countTogether(): Promise<void> {
  const settings = { ...SETTINGS, sharedCounters: COUNTING.settings };
  const values = {
    classes: { default: { settings, podAnnotations: { counts: 'together' } } },
    operator: COUNTING.operator,
  };
  await upgrade(values, ['--set-json', `networkPolicy.sharedCounters=${JSON.stringify(COUNTING.peers)}`]);
  await patchOrders({ limits: { messagesPerHour: LIMIT } });
  await untilProgrammed();
}

/** How many messages each relay takes, one relay after the other; the others are refused in these words. */
async function accepted(refusal: RegExp): Promise<number[]> {
  const counts: number[] = [];
  for (const relay of RELAYS) {
    const port = { port: 587, host: `${relay}.${PODS}`, servername: SERVICE };
    const ports = Array.from({ length: MESSAGES }, () => port);
    const replies = await send(SHOP, { kind: 'each', ports, from: FROM, isTriedOnce: true });
    const taken = replies.filter(({ reply }) => reply.startsWith('250 '));
    const refused = replies.filter(({ reply }) => !reply.startsWith('250 '));
    for (const { reply } of refused) assert.match(reply, refusal);
    counts.push(taken.length);
  }
  return counts;
}

/** In the words of `/readyz`, and by the metric. */
async function untilAllSay(words: string, up: 0 | 1): Promise<void> {
  const metric = new RegExp(`^smtpplus_shared_counters_up ${up}$`, 'm');
  for (const relay of RELAYS) {
    await until(async () => (await readinessOf(relay)).trim() === words, { ms: SETTLED_MS });
    assert.match(await metricsOf(relay), metric);
  }
}

async function metricsOf(relay: string): Promise<string> {
  const secret = ['get', 'secret', '-n', NAMESPACE, 'smtp-plus-default-metrics', '--output'];
  const token = Buffer.from(await kubectl([...secret, 'jsonpath={.data.token}']), 'base64').toString();
  const headers = JSON.stringify({ authorization: `Bearer ${token}` });
  return inRelay(
    relay,
    `fetch('http://127.0.0.1:9465/metrics', { headers: ${headers} }).then((one) => one.text()).then((text) => process.stdout.write(text))`,
  );
}

/** What a relay has logged of it, without how often it has tried in vain. */
async function linesOf(relay: string): Promise<string[]> {
  const log = await kubectl(['logs', '-n', NAMESPACE, relay, '--container=relay']);
  const lines = log.split('\n').filter((line) => line.includes('"event":"shared_counters"'));
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg).filter((msg) => !msg.includes('still away'));
}
