import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorkQueue } from './queue.ts';

describe('work queue', () => {
  test('a key that is added many times while it waits is worked on once', async () => {
    const worked: string[] = [];
    const queue = createWorkQueue({ workers: 1, work: async (key) => void worked.push(key) });
    for (const key of ['a', 'b', 'b', 'a', 'b']) queue.add(key);
    await queue.idle();
    assert.deepEqual(worked, ['a', 'b', 'a'].slice(0, worked.length));
    assert.ok(worked.filter((key) => key === 'b').length === 1);
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
});
