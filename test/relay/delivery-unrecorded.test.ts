/** A disk that takes its time: what the upstream has taken and the disk does not know would go out again after a crash. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { startDelivery } from '../../relay/delivery/deliver.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { configured } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, createMetrics, inMemory } from '../support/queued.ts';
import { startUpstream } from '../support/upstream.ts';

/** As UNRECORDED_MAX in deliver.ts, and the connections of the upstream. */
const MOST = 128 + 10;

test('no more answers wait for the disk than are to be sent again after a crash', async (t) => {
  const folder = await folderOf(t);
  const upstream = await startUpstream(t);
  const { log } = captureLog();
  const metrics = createMetrics();
  const spool = await openSpool(path.join(folder, 'spool'), { metrics, log, reserveBytes: () => 0 });
  await Promise.all(Array.from({ length: 400 }, () => spool.put(aMessage(), inMemory())));
  const waiting: (() => void)[] = [];
  const settle: Spool['settle'] = async (...outcome) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return spool.settle(...outcome);
  };
  const config = configured(upstream.smartHost());
  const slow = { ...spool, settle };
  const delivery = startDelivery({ spool: slow, config: () => config, captureFolder: folder, metrics, log });
  t.after(async () => {
    for (const resolve of waiting) resolve();
    await delivery.close();
    await spool.close();
  });
  await until(() => waiting.length >= 128, { what: 'as many as may be wait' });
  await atRest(() => upstream.received.length);
  assert.ok(waiting.length <= MOST, `${waiting.length} wait`);
  // each that is written lets another one out, and no more
  for (const resolve of waiting.splice(0, 50)) resolve();
  await until(() => waiting.length >= 128, { what: 'the next ones wait' });
  await atRest(() => upstream.received.length);
  assert.ok(waiting.length <= MOST, `${waiting.length} wait`);
  assert.ok(upstream.received.length <= MOST + 50, `${upstream.received.length} were sent`);
});

/** Resolves when this has not grown for many turns of the event loop, which the upstream and the relay share. */
async function atRest(count: () => number): Promise<void> {
  for (let [before, turns] = [count(), 0]; turns < 500; turns++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (count() > before) [before, turns] = [count(), 0];
  }
}
