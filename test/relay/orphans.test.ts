/** Mail of lists that are gone. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { steadyNow } from '../../relay/steady-time.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';

const HOUR_MS = 3_600_000;
const settings = { orphanMaxAgeSeconds: 2 * 3600 };
const GONE = configured(undefined, { settings });

function aSteadyClock() {
  const clock = { aheadMs: 0, now: () => steadyNow() + clock.aheadMs };
  return clock;
}

test('mail of a list that is gone waits for so long and then bounces; its sender cannot be told, so people can read the report', async (t) => {
  const folder = await folderOf(t);
  const clock = aSteadyClock();
  const relay = await startDelivering(t, GONE, { folder, now: clock.now });
  const message = aMessage();
  await relay.spool.put(message, inMemory());
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is tried' });
  clock.aheadMs = 2 * HOUR_MS - 60_000;
  const tries = said(relay, 'deferred').length;
  await until(() => said(relay, 'deferred').length > tries, { what: 'it is tried again' });
  assert.deepEqual(said(relay, 'bounced'), []);
  clock.aheadMs = 2 * HOUR_MS;
  await emptied(relay);
  const bounced = said(relay, 'bounced').find(({ id }) => id === message.id);
  assert.equal(bounced?.['reply'], `delivery time expired; last: list ${message.list} is not in the configuration`);
  const kept = (await readdir(path.join(folder, 'spool/reports'))).filter((name) => name.endsWith('.eml'));
  assert.equal(kept.length, 1);
  const report = await readFile(path.join(folder, 'spool/reports', kept[0] ?? ''), 'latin1');
  assert.match(report, /Final-Recipient: rfc822; *you@elsewhere\.example/);
});

test('the time is counted from when the list went, not from when the mail came, and a list that is back delivers it', async (t) => {
  const clock = aSteadyClock();
  const upstream = await startUpstream(t);
  const down = configured(aSmartHost(await closedPort()), { settings });
  const relay = await startDelivering(t, down, { now: clock.now });
  const received = new Date(Date.now() - 2.5 * HOUR_MS).toISOString();
  await relay.spool.put(aMessage({ received }), inMemory());
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is tried' });
  relay.setConfig(GONE);
  await until(() => said(relay, 'deferred').some(({ upstream: name }) => name === 'unresolved'), {
    what: 'the list is gone',
  });
  clock.aheadMs = HOUR_MS;
  relay.setConfig(configured(upstream.smartHost(), { settings }));
  await emptied(relay);
  assert.equal(upstream.received.length, 1);
  assert.deepEqual(said(relay, 'bounced'), []);
});

test('a list that comes back and goes again begins anew', async (t) => {
  const clock = aSteadyClock();
  const down = configured(aSmartHost(await closedPort()), { settings });
  const relay = await startDelivering(t, GONE, { now: clock.now });
  await relay.spool.put(aMessage(), inMemory());
  const triedAt = async (name: RegExp) => {
    const before = relay.lines.length;
    await until(
      () => relay.lines.slice(before).some(({ msg, upstream }) => msg === 'deferred' && name.test(String(upstream))),
      { what: `it is tried at ${name.source}` },
    );
  };
  await triedAt(/unresolved/);
  clock.aheadMs = HOUR_MS * 1.5;
  relay.setConfig(down);
  await triedAt(/127/);
  relay.setConfig(GONE);
  await triedAt(/unresolved/);
  clock.aheadMs = HOUR_MS * 3;
  await triedAt(/unresolved/);
  assert.deepEqual(said(relay, 'bounced'), []);
  clock.aheadMs = HOUR_MS * 3.5;
  await emptied(relay);
});
