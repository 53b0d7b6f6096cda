/** Somebody sets the clock of the machine: nothing that waits may notice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';

const DAY_MS = 24 * 3600 * 1000;

for (const [what, step] of [
  ['ahead', 30 * DAY_MS],
  ['back', -30 * DAY_MS],
] as const) {
  test(`mail neither expires nor waits longer where the clock is set ${what}`, async (t) => {
    const wall = Date.now;
    let ahead = 0;
    t.mock.method(Date, 'now', () => wall() + ahead);
    const relay = await startDelivering(t, configured(aSmartHost(await closedPort())));
    const message = aMessage();
    await relay.spool.put(message, inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is tried' });
    ahead = step;
    const tries = said(relay, 'deferred').length;
    await relay.spool.put(aMessage({ received: new Date(Date.now()).toISOString() }), inMemory());
    await until(
      () => {
        const tried = said(relay, 'deferred').slice(tries);
        return new Set(tried.map(({ id }) => id)).size === 2;
      },
      { what: 'both are tried again' },
    );
    assert.deepEqual(said(relay, 'bounced'), []);
    const upstream = await startUpstream(t);
    relay.setConfig(configured(upstream.smartHost()));
    await emptied(relay);
    assert.equal(upstream.received.length, 2);
  });
}

test('mail of a process whose clock was ahead waits no longer than for a retry', async (t) => {
  const folder = await folderOf(t);
  const later = () => Date.now() + 30 * DAY_MS;
  const slow = { retryFirstSeconds: 0.05, retryMostSeconds: 0.05 };
  const down = configured(aSmartHost(await closedPort()), { settings: { ...slow, retryFirstSeconds: 3600 } });
  const first = await startDelivering(t, down, { folder });
  await first.spool.put(aMessage(), inMemory());
  await until(() => said(first, 'deferred').length > 0, { what: 'it is deferred' });
  const [entry] = [...first.spool.entries()];
  const found = await first.spool.read(entry?.id ?? '');
  assert.ok(found !== undefined);
  await first.spool.settle(found.queued.id, { next: { ...found.queued, due: later() }, reports: [] });
  await first.delivery.close();
  const upstream = await startUpstream(t);
  const second = await startDelivering(t, configured(upstream.smartHost(), { settings: slow }), { folder });
  await emptied(second);
  assert.equal(upstream.received.length, 1);
});
