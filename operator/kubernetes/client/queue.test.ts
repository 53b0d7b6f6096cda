import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorkQueue } from './queue.ts';

/** A queue with one worker, which works on nothing (but `gate`) until it is opened: so much is queued by then. */
function gated() {
  const worked: string[] = [];
  const gate = Promise.withResolvers<void>();
  const queue = createWorkQueue({
    workers: 1,
    tenantOf: (key) => key.split('/')[0] ?? '',
    work: async (key) => {
      if (key === 'gate') return gate.promise;
      worked.push(key);
    },
  });
  queue.add('gate');
  const open = (): Promise<void> => {
    gate.resolve();
    return queue.idle();
  };
  return { queue, worked, open };
}

/** Keys of a tenant: `t/0`, `t/1`… */
function keysOf(tenant: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${tenant}/${i}`);
}

describe('work queue', () => {
  test('a key that is added many times while it waits is worked on once', async () => {
    const { queue, worked, open } = gated();
    for (const key of ['a', 'b', 'b', 'a', 'b']) queue.add(key);
    await open();
    assert.deepEqual(worked, ['a', 'b']);
  });

  test('a key that is added while it is worked on is worked on once more, never by two workers', async () => {
    let atWork = 0;
    let most = 0;
    let runs = 0;
    const queue = createWorkQueue({
      workers: 4,
      work: async () => {
        most = Math.max(most, ++atWork);
        runs++;
        if (runs === 1) for (let i = 0; i < 5; i++) queue.add('key');
        await sleep(1);
        atWork--;
      },
    });
    queue.add('key');
    await queue.idle();
    assert.deepEqual({ runs, most }, { runs: 2, most: 1 });
  });

  test('no more keys are at work than there are workers', async () => {
    let atWork = 0;
    let most = 0;
    const queue = createWorkQueue({
      workers: 3,
      work: async () => {
        most = Math.max(most, ++atWork);
        await sleep(1);
        atWork--;
      },
    });
    for (let i = 0; i < 20; i++) queue.add(String(i));
    await queue.idle();
    assert.equal(most, 3);
  });

  test('a key whose work throws is tried again, and does not hold up the others', async () => {
    const worked: string[] = [];
    let failing = 2;
    const errors: unknown[] = [];
    const done = Promise.withResolvers<void>();
    const queue = createWorkQueue({
      workers: 1,
      random: () => 0,
      work: async (key) => {
        worked.push(key);
        if (key === 'bad' && failing-- > 0) throw new Error('not yet');
        if (key === 'bad') done.resolve();
      },
      onDone: ({ error }) => error !== undefined && errors.push(error),
    });
    queue.add('bad');
    queue.add('good');
    await done.promise;
    assert.deepEqual(worked, ['bad', 'good', 'bad', 'bad']);
    assert.equal(errors.length, 2);
  });

  test('of several delays of one key the earliest counts', async () => {
    const worked = Promise.withResolvers<string>();
    const queue = createWorkQueue({ workers: 1, work: async (key) => worked.resolve(key) });
    queue.addAfter('key', 3_600_000);
    queue.addAfter('key', 1);
    queue.addAfter('key', 3_600_000);
    assert.equal(await worked.promise, 'key');
    await queue.close();
  });

  test('a closed queue ends what is at work and starts nothing more', async () => {
    const release = Promise.withResolvers<void>();
    const worked: string[] = [];
    const queue = createWorkQueue({
      workers: 1,
      work: async (key) => {
        await release.promise;
        worked.push(key);
      },
    });
    queue.add('first');
    queue.add('second');
    queue.addAfter('third', 1);
    const closed = queue.close();
    release.resolve();
    await closed;
    queue.add('fourth');
    await queue.idle();
    assert.deepEqual(worked, ['first']);
  });

  test('tenants take turns: one with thousands of keys holds up nobody', async () => {
    const { queue, worked, open } = gated();
    for (const key of [...keysOf('noisy', 5000), ...keysOf('a', 2), ...keysOf('b', 1)]) queue.add(key);
    await open();
    const [first, second, ...rest] = keysOf('noisy', 5000);
    assert.deepEqual(worked, [first, 'a/0', 'b/0', second, 'a/1', ...rest]);
  });

  test('what is urgent goes before what waits already, once, in turns of its tenants', async () => {
    const { queue, worked, open } = gated();
    for (const key of [...keysOf('noisy', 3), 'a/late']) queue.add(key);
    for (const key of ['noisy/u0', 'noisy/u1', 'a/late', 'b/u0']) queue.add(key, { isUrgent: true });
    await open();
    assert.deepEqual(worked, ['noisy/u0', 'a/late', 'b/u0', 'noisy/u1', 'noisy/0', 'noisy/1', 'noisy/2']);
  });

  test('what is not urgent is taken now and then, however much is urgent', async () => {
    const { queue, worked, open } = gated();
    for (const key of keysOf('noisy', 1000)) queue.add(key, { isUrgent: true });
    for (const key of keysOf('a', 2)) queue.add(key);
    await open();
    assert.deepEqual([worked.indexOf('a/0'), worked.indexOf('a/1')], [8, 17]);
  });

  test('what is urgent stays so while it fails, while it is delayed, and where it is added during its own work', async () => {
    const { queue, worked, open } = gated();
    for (const key of keysOf('noisy', 100)) queue.add(key);
    queue.add('gate', { isUrgent: true });
    queue.addAfter('a/delayed', 3_600_000, { isUrgent: true });
    queue.addAfter('a/delayed', 0);
    await sleep(5);
    await open();
    assert.equal(worked[0], 'a/delayed');

    const order: string[] = [];
    let failing = 1;
    const failed = createWorkQueue({
      workers: 1,
      random: () => 0,
      work: async (key) => {
        order.push(key);
        if (key !== 'urgent') return sleep(1);
        for (const other of keysOf('noisy', 300)) failed.add(other);
        if (failing-- > 0) throw new Error('not yet');
      },
    });
    failed.add('urgent', { isUrgent: true });
    await failed.idle();
    await failed.close();
    assert.equal(order[0], 'urgent');
    const again = order.indexOf('urgent', 1);
    assert.ok(again > 0 && again < 300, `tried again after ${again} others`);
  });
});
