import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../test/support/eventually.ts';
import { captureLog } from '../../test/support/queued.ts';
import { watchSpoolFull } from './spool-full.ts';
import { createMetrics } from './metrics.ts';

const KIB = 1024;

function start(t: TestContext, { free, steadyMs = 0 }: { free: number; steadyMs?: number }) {
  const disk = { free };
  const metrics = createMetrics();
  const { log, lines } = captureLog();
  const room = watchSpoolFull({ hasRoom: (bytes) => bytes <= disk.free, metrics, log, lookMs: 1, steadyMs });
  t.after(room.close);
  const gauge = async () => (await metrics.spoolFull.get()).values[0]?.value;
  return { disk, room, gauge, said: () => lines.map(({ level, msg }) => [level, msg]) };
}

describe('the room of the disk', () => {
  test('is told to be gone once, while there is none for a usual message', async (t) => {
    const { disk, room, gauge, said } = start(t, { free: 1024 * KIB });
    assert.deepEqual([room.fullSince(), await gauge()], [undefined, 0]);
    disk.free = 60 * KIB;
    await until(() => room.fullSince() !== undefined);
    const since = room.fullSince();
    disk.free = 0;
    await until(async () => (await gauge()) === 1);
    assert.equal(room.fullSince(), since);
    assert.equal(said().length, 1);
    assert.match(String(said()[0]?.[1]), /full: all mail is refused with 452/);
  });

  test('is known from the start', (t) => {
    assert.ok(start(t, { free: 0 }).room.fullSince() instanceof Date);
  });

  test('is not there again before there is some to spare', async (t) => {
    const { disk, room, said } = start(t, { free: 0 });
    disk.free = 100 * KIB;
    const wasFull = room.fullSince();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(room.fullSince(), wasFull);
    disk.free = 1024 * KIB;
    await until(() => room.fullSince() === undefined);
    assert.match(String(said()[1]?.[1]), /takes mail again/);
  });

  test('is not there again before that has lasted', async (t) => {
    const { disk, room } = start(t, { free: 0, steadyMs: 1_000_000 });
    disk.free = 1024 * KIB;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(room.fullSince() instanceof Date);
  });
});
