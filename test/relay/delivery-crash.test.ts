import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { configured, emptied, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, captureLog, inMemory } from '../support/queued.ts';
import { startUpstream } from '../support/upstream.ts';

describe('kill -9 while delivering', () => {
  test('sends again only to recipients that had no 250', async (t) => {
    const folder = await folderOf(t);
    let isOpen = false;
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (isOpen || !to.startsWith('later') ? undefined : '451 4.2.0 not now'),
    });
    const spoolFolder = path.join(folder, 'spool');
    await fill(spoolFolder, [aMessage({ to: ['now@x.example', 'later@x.example'] })]);
    await deliverUntil(spoolFolder, upstream.port, (output) => output.includes('"msg":"deferred"'));
    isOpen = true;
    const later = () => Date.now() + 2 * 3600 * 1000;
    const relay = await startDelivering(t, configured(upstream.smartHost()), { folder, now: later });
    await emptied(relay);
    assert.deepEqual(
      upstream.received.map(({ to }) => to),
      [['now@x.example'], ['later@x.example']],
    );
  });

  test('holds what people hold: the next process delivers what is behind it, and not it', async (t) => {
    const folder = await folderOf(t);
    const spoolFolder = path.join(folder, 'spool');
    const upstream = await startUpstream(t);
    const [held, behind] = [aMessage({ to: ['held@x.example'] }), aMessage({ to: ['behind@x.example'] })];
    await fill(spoolFolder, [held, behind]);
    await hold(spoolFolder, held.id);
    // one connection: what is older goes first
    const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 1 })), { folder });
    await until(() => !relay.left().includes(behind.id), { what: 'what is behind it is delivered' });
    assert.deepEqual(
      upstream.received.map(({ to }) => to),
      [['behind@x.example']],
    );
    assert.deepEqual(relay.left(), [held.id]);
  });

  test('loses nothing, and sends twice only what was under way', async (t) => {
    const folder = await folderOf(t);
    const spoolFolder = path.join(folder, 'spool');
    const upstream = await startUpstream(t);
    const messages = Array.from({ length: 400 }, (_, i) =>
      aMessage({ envelope: { recipients: [{ address: `n${i}@x.example` }] } }),
    );
    await fill(spoolFolder, messages);
    const kills = [60, 180];
    for (const count of kills) await deliverUntil(spoolFolder, upstream.port, () => upstream.received.length >= count);
    const relay = await startDelivering(t, configured(upstream.smartHost()), { folder });
    await emptied(relay);
    const addresses = upstream.received.map(({ to }) => to.join());
    assert.equal(new Set(addresses).size, 400);
    // connections and answers not yet on disk, see UNRECORDED_MAX in deliver.ts
    const twice = addresses.length - 400;
    assert.ok(twice <= kills.length * (10 + 128), `${twice} were sent twice`);
  });
});

async function fill(folder: string, messages: readonly ReturnType<typeof aMessage>[]): Promise<void> {
  const { log } = captureLog();
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
  await Promise.all(messages.map((message) => spool.put(message, inMemory())));
  await spool.close();
}

async function hold(folder: string, id: string): Promise<void> {
  const { log } = captureLog();
  const spool = await openSpool(folder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
  const queued = spool.look(id) ?? assert.fail(`${id} is not there`);
  const held = { by: 'somebody', since: new Date().toISOString() };
  await spool.settle(id, { next: { ...queued, isHeld: true, held }, reports: [] });
  await spool.close();
}

async function deliverUntil(folder: string, port: number, isTime: (output: string) => boolean): Promise<void> {
  const script = path.join(import.meta.dirname, 'delivery-child.ts');
  const child = spawn(process.execPath, [script, folder, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
  });
  await until(() => isTime(output), { what: 'it is time to kill' });
  child.kill('SIGKILL');
  await ended;
}
