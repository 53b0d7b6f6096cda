/** Whole relays, of one process and of several, that count in one store together. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { ledTo, QUICK_DELIVERY } from '../support/config-folder.ts';
import { needsCommand } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { aClass, aUser, USER } from '../support/relay-config.ts';
import { aStoreConfig, startStore } from '../support/store.ts';
import { startUpstream } from '../support/upstream.ts';
import { logIn, metric, open, page, type RelayOfWorkers, send, startWorkers } from './relay.ts';

const LIMITS = { messagesPerHour: 6, connections: 3 };

/** One relay of one process, and one of two workers. */
async function start(t: TestContext) {
  if (!needsCommand(t, 'redis-server')) return undefined;
  const [store, upstream] = await Promise.all([startStore(t), startUpstream(t)]);
  const relayClass = aClass({ delivery: QUICK_DELIVERY, relays: 2, sharedCounters: aStoreConfig(store.port) });
  const config = ledTo(upstream.smartHost(), { relayClass, users: { [USER]: aUser({ limits: LIMITS }) } });
  const relays = [await startWorkers(t, 1, { config }), await startWorkers(t, 2, { config })] as const;
  for (const relay of relays) await untilUp(relay);
  return { store, relays, config };
}

async function untilUp(relay: RelayOfWorkers): Promise<void> {
  await until(async () => (await metric(relay, 'shared_counters_up')) === 1);
}

/** The answer to one message over a connection of its own. */
async function sendOnce(relay: RelayOfWorkers): Promise<string> {
  const client = await open(relay);
  assert.match(await logIn(client), /^235 /);
  const answer = await send(client, 'somebody@elsewhere.example');
  await client.ask('QUIT');
  client.destroy();
  return answer;
}

describe('relays with one store', () => {
  test('let through as many messages as the limit says, whichever of them is asked', async (t) => {
    const started = await start(t);
    if (started === undefined) return;
    const answers: string[] = [];
    for (let i = 0; i < 8; i++) answers.push(await sendOnce(started.relays[i % 2] as RelayOfWorkers));
    assert.deepEqual(
      answers.map((answer) => answer.slice(0, 3)),
      ['250', '250', '250', '250', '250', '250', '450', '450'],
    );
    assert.match(answers[7] ?? '', /^450 4\.7\.1 Sending limit of SMTP\+ user orders\.shop reached, retry after/);
  });

  test('take as many connections as the limit says, and others again when a worker with some is killed', async (t) => {
    const started = await start(t);
    if (started === undefined) return;
    const [one, several] = started.relays;
    assert.match(await logIn(await open(one)), /^235 /);
    for (let i = 0; i < 2; i++) assert.match(await logIn(await open(several)), /^235 /);
    for (const relay of started.relays) assert.match(await logIn(await open(relay)), /^421 /);
    for (const worker of [1, 2]) process.kill(several.pidOf(worker), 'SIGKILL');
    await until(async () => (await logIn(await open(one))).startsWith('235 '));
  });

  test('allow their shares while it is away, say so to whoever looks after them, and need nobody to go on', async (t) => {
    const started = await start(t);
    if (started === undefined) return;
    const { store, relays } = started;
    await store.kill();
    for (const relay of relays) {
      await until(async () => (await metric(relay, 'shared_counters_up')) === 0);
      const { status, text } = await page(relay, '/readyz');
      assert.equal(status, 200);
      assert.match(text, /the shared counters are away: this relay allows its share of the limits of users/);
      for (let i = 0; i < 3; i++) assert.match(await sendOnce(relay), /^250 /);
      assert.match(await sendOnce(relay), /^450 4\.7\.1 .* \(1\/2 of it at this one of 2 relays\)/);
      const lines = relay.lines.filter(({ event, level }) => event === 'shared_counters' && level === 'warn');
      assert.equal(lines.length, 1);
    }
    await store.startAnew();
    for (const relay of relays) await untilUp(relay);
    for (const relay of relays) assert.deepEqual(await page(relay, '/readyz'), { status: 200, text: 'ok\n' });
  });

  test('count for themselves when it is no longer configured', async (t) => {
    const started = await start(t);
    if (started === undefined) return;
    const { relays, config } = started;
    const { sharedCounters: _, ...relayClass } = config.class;
    for (const relay of relays) {
      await relay.configure({ ...config, class: relayClass });
      await until(async () => !(await page(relay, '/metrics')).text.includes('shared_counters_up'));
      for (let i = 0; i < 3; i++) assert.match(await sendOnce(relay), /^250 /);
      assert.match(await sendOnce(relay), /^450 4\.7\.1 .* \(1\/2 of it at this one of 2 relays\)/);
    }
  });
});
