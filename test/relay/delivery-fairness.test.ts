/** One tenant's smart hosts, users and floods are no matter of the others. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../relay/spool/spool.ts';
import { configured, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, createMetrics, inMemory } from '../support/queued.ts';
import { aList, LIST } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

const LISTS = 110;
const PATIENT = { finalDotSeconds: 600, commandSeconds: 600 };

/** A smart host that never answers the final dot, behind many lists, each with an upstream of its own. */
async function aTarpit(t: TestContext) {
  const raw = await startRawUpstream(t, { answer: ordinaryAnswers((line) => (line === '.' ? '' : undefined)) });
  const lists = Array.from({ length: LISTS }, (_, i) => `hog/l${i}`);
  const configs = lists.map((name, i) => [name, aList({ upstream: aSmartHost(raw.port, { maxConnections: 3 + i }) })]);
  const messages = lists.flatMap((list) =>
    [1, 2, 3].map(() => aMessage({ namespace: 'hog', user: `user-of-${list}`, list })),
  );
  return { raw, others: Object.fromEntries(configs) as Record<string, ReturnType<typeof aList>>, messages };
}

describe('mail of a namespace', () => {
  test('goes out though 110 lists of another wait for a smart host that hangs, and after a restart', async (t) => {
    const { raw, others, messages } = await aTarpit(t);
    const upstream = await startUpstream(t);
    const folder = await folderOf(t);
    const config = configured(upstream.smartHost(), { settings: PATIENT, others });
    const first = await startDelivering(t, config, { folder });
    for (const message of messages) await first.spool.put(message, inMemory());
    await until(() => raw.open() > 20, { what: 'many hang' });
    await first.spool.put(aMessage(), inMemory());
    await until(() => upstream.received.length === 1, { what: 'the mail of the other is out' });
    await first.delivery.close();

    const late = aMessage({ to: ['late@x.example'] });
    const { log } = captureLog();
    const spool = await openSpool(path.join(folder, 'spool'), { metrics: createMetrics(), log, reserveBytes: () => 0 });
    await spool.put(late, inMemory());
    await spool.close();
    await startDelivering(t, config, { folder });
    // the first one may have come twice: the answer to it was under way when the relay ended
    await until(() => upstream.received.some(({ to }) => to.join() === 'late@x.example'), {
      what: 'it is out after a restart, too',
    });
  });

  test('that is gone with its lists is broken off, and waits for them to come back', async (t) => {
    const { raw, others, messages } = await aTarpit(t);
    const upstream = await startUpstream(t);
    const smartHost = upstream.smartHost();
    const relay = await startDelivering(t, configured(smartHost, { settings: PATIENT, others }));
    for (const message of messages) await relay.spool.put(message, inMemory());
    await until(() => raw.open() > 20, { what: 'many hang' });
    relay.setConfig(configured(smartHost, { settings: PATIENT }));
    await until(() => raw.open() === 0, { what: 'none hangs' });
    assert.equal(relay.left().length, messages.length);
    const list = messages[0]?.list ?? '';
    relay.setConfig(configured(smartHost, { settings: PATIENT, others: { [list]: aList({ upstream: smartHost }) } }));
    await until(() => upstream.received.length === 3, { what: 'it is out' });
  });

  test('of a list that is gone says nothing against the upstream that it shared', async (t) => {
    const hung: string[] = [];
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => {
        if (line !== '.' || hung.length >= 6) return undefined;
        hung.push(line);
        return '';
      }),
    });
    const host = aSmartHost(raw.port);
    const slow = { ...PATIENT, retryFirstSeconds: 3600, retryMostSeconds: 3600 };
    const relay = await startDelivering(
      t,
      configured(host, { settings: slow, others: { 'hog/a': aList({ upstream: host }) } }),
    );
    for (let i = 0; i < 6; i++)
      await relay.spool.put(aMessage({ namespace: 'hog', user: `u${i}`, list: 'hog/a' }), inMemory());
    await until(() => hung.length === 6, { what: 'all hang' });
    relay.setConfig(configured(host, { settings: slow }));
    await until(() => raw.open() === 0, { what: 'they are broken off' });
    const message = aMessage();
    await relay.spool.put(message, inMemory());
    await until(() => !relay.left().includes(message.id), { what: 'the other list goes on at once' });
  });
});

test('a second user of a shared list has the next turn, whatever the first has in the queue', async (t) => {
  let isOpen = false;
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const upstream = await startUpstream(t, {
    onContent: async () => {
      if (!isOpen) await opened;
      return undefined;
    },
  });
  const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 1 }), { settings: PATIENT }));
  for (let i = 0; i < 300; i++) await relay.spool.put(aMessage({ user: 'first', list: LIST }), inMemory());
  for (const [namespace, user] of [
    ['shop', 'second'],
    ['bank', 'third'],
  ] as const) {
    await relay.spool.put(aMessage({ namespace, user, list: LIST, to: [`${user}@x.example`] }), inMemory());
  }
  isOpen = true;
  open();
  await until(
    () => {
      const to = new Set(upstream.received.map((one) => one.to.join()));
      return to.has('second@x.example') && to.has('third@x.example');
    },
    { what: 'both are out' },
  );
  const order = upstream.received.map((one) => one.to.join());
  assert.ok(order.indexOf('third@x.example') <= 2, order.slice(0, 5).join());
  assert.ok(order.indexOf('second@x.example') <= 4, order.slice(0, 5).join());
});
