/** Whole relays of a fleet, one of which goes for good while the smart host is away. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { RelayConfig } from '../../relay/config/config.ts';
import { drainSpools } from '../../relay/drain.ts';
import type { PlaceInFleet } from '../../relay/handover/handover.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { spoolFolderOfWorker } from '../../relay/workers/spool-folders.ts';
import { contentsOf, fill } from '../handover/sides.ts';
import { ledTo, QUICK_DELIVERY, writeConfig } from '../support/config-folder.ts';
import { closedPort } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { FLEET_KEY } from '../support/handing-over.ts';
import { captureLog, createMetrics } from '../support/queued.ts';
import { aClass } from '../support/relay-config.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';
import { certificatesIn, foldersIn, startRelayIn } from '../support/whole-relay.ts';

/** Where nobody takes what is left, all of it is waited. */
const SHORT_SECONDS = 3;
const SHUTDOWN_SECONDS = 60;
const HANDOVER = { key: FLEET_KEY, relays: 1 };
const MESSAGES = Array.from({ length: 30 }, (_, index) => `M${String(index).padStart(4, '0')}`);

function led(port: number, shutdownSeconds = SHUTDOWN_SECONDS): RelayConfig {
  return ledTo(aSmartHost(port), {
    relayClass: aClass({ delivery: { ...QUICK_DELIVERY, shutdownSeconds }, handover: HANDOVER }),
  });
}

async function start(
  t: TestContext,
  folder: string,
  more: { fleet?: PlaceInFleet; workers?: number; config: RelayConfig },
) {
  const { config, ...options } = more;
  const configure = (next: RelayConfig) => writeConfig(foldersIn(folder).configFolder, next);
  await configure(config);
  const { log, lines } = captureLog();
  const relay = await startRelayIn(folder, { log, ...options });
  let closed: ReturnType<typeof relay.close> | undefined;
  const close = () => (closed ??= relay.close());
  t.after(close);
  return { ...relay, close, lines, configure };
}

const receiving = { name: 'relay-0', peers: [], host: '127.0.0.1', port: 0 };
const giving = (port: number | undefined): PlaceInFleet => ({
  name: 'relay-1',
  peers: [{ host: '127.0.0.1', port: port ?? 0 }],
});

describe('a relay that goes for good', () => {
  for (const workers of [1, 2]) {
    test(`hands the mail of its ${workers === 1 ? 'spool' : 'two spools'} to one that stays, which delivers it once`, async (t) => {
      const folder = await folderOf(t);
      const [goes, stays] = [path.join(folder, 'relay-1'), path.join(folder, 'relay-0')];
      const away = led(await closedPort());
      await fill(path.join(goes, 'spool'), MESSAGES.slice(0, 20));
      await fill(spoolFolderOfWorker(path.join(goes, 'spool'), 2), MESSAGES.slice(20));
      const other = await start(t, stays, { fleet: receiving, workers, config: away });
      const relay = await start(t, goes, { fleet: giving(other.handoverPort), workers, config: away });

      assert.equal(await relay.close(), 0);

      const upstream = await startUpstream(t);
      await other.configure(led(upstream.port));
      await until(() => upstream.received.length >= MESSAGES.length, { what: 'all of it has come', ms: 60_000 });
      await until(async () => (await queued(other.httpPort)) === 0, { what: 'nothing waits', ms: 60_000 });
      assert.equal(upstream.received.length, MESSAGES.length);
      const taken = other.lines.flatMap(({ msg, id }) => (msg === 'message taken over' ? [String(id)] : []));
      assert.deepEqual(taken.sort(), MESSAGES);
    });
  }

  test('says how many messages it could not hand over', async (t) => {
    const folder = await folderOf(t);
    await fill(path.join(folder, 'spool'), MESSAGES);
    const fleet = giving(await closedPort());
    const relay = await start(t, folder, { fleet, workers: 2, config: led(await closedPort(), SHORT_SECONDS) });
    assert.equal(await relay.close(), MESSAGES.length);
    assert.equal((await contentsOf(path.join(folder, 'spool'))).size, MESSAGES.length);
  });
});

describe('a relay whose hand-over fails', () => {
  test('ends as any other, and says so', async (t) => {
    const folder = await folderOf(t);
    const [goes, stays] = [path.join(folder, 'relay-1'), path.join(folder, 'relay-0')];
    const away = led(await closedPort(), SHORT_SECONDS);
    await fill(path.join(goes, 'spool'), MESSAGES);
    const other = await start(t, stays, { fleet: receiving, config: away });
    const relay = await start(t, goes, { fleet: giving(other.handoverPort), config: away });
    // so that no transfer can be written down
    await rm(path.join(goes, 'spool', 'handing-over'), { recursive: true });
    assert.equal(await relay.close(), MESSAGES.length);
    assert.ok(relay.lines.some(({ msg }) => String(msg).includes('the hand-over to other relays failed')));
  });
});

describe('a relay that was killed in the middle of a hand-over', () => {
  test('delivers what it still has, and holds back what another relay may have taken', async (t) => {
    const folder = await folderOf(t);
    const spoolFolder = path.join(folder, 'spool');
    await fill(spoolFolder, ['M1', 'M2', 'M3']);
    const { log } = captureLog();
    const spool = await openSpool(spoolFolder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
    await spool.transfers.open('relay-0', ['M1', 'M2']);
    await spool.close();
    const upstream = await startUpstream(t);
    const relay = await start(t, folder, {
      fleet: giving(await closedPort()),
      config: led(upstream.port, SHORT_SECONDS),
    });
    await until(async () => (await queued(relay.httpPort)) === 2, { what: 'the other one has gone out', ms: 60_000 });
    assert.equal(await relay.close(), 2);
    assert.equal(upstream.received.length, 1);
  });

  test('delivers all of it where it has no fleet any more', async (t) => {
    const folder = await folderOf(t);
    const spoolFolder = path.join(folder, 'spool');
    await fill(spoolFolder, ['M1', 'M2']);
    const { log } = captureLog();
    const spool = await openSpool(spoolFolder, { metrics: createMetrics(), log, reserveBytes: () => 0 });
    await spool.transfers.open('relay-0', ['M1']);
    await spool.close();
    const upstream = await startUpstream(t);
    const relay = await start(t, folder, { config: led(upstream.port) });
    await until(async () => (await queued(relay.httpPort)) === 0, { what: 'both have gone out', ms: 60_000 });
    assert.equal(upstream.received.length, 2);
  });
});

describe('the spools of a relay that is no more', () => {
  async function drained(t: TestContext, { config, peers }: { config: RelayConfig; peers: PlaceInFleet['peers'] }) {
    const folder = await folderOf(t);
    await fill(path.join(folder, 'spool'), MESSAGES.slice(0, 20));
    await fill(spoolFolderOfWorker(path.join(folder, 'spool'), 3), MESSAGES.slice(20));
    await writeConfig(foldersIn(folder).configFolder, config);
    const stop = new AbortController();
    t.after(() => stop.abort());
    const { log } = captureLog();
    const left = drainSpools({
      ...foldersIn(folder),
      certificates: await certificatesIn(folder),
      fleet: { name: 'relay-1', peers },
      log,
      onFatal: () => assert.fail('the spool failed'),
      signal: stop.signal,
      pauseMs: 50,
    });
    return { left, stop: () => stop.abort() };
  }

  test('are delivered where the smart host takes it', async (t) => {
    const upstream = await startUpstream(t);
    const { left } = await drained(t, { config: led(upstream.port), peers: [] });
    assert.equal(await left, 0);
    assert.equal(upstream.received.length, MESSAGES.length);
  });

  test('go to a relay that stays where it does not', async (t) => {
    const config = led(await closedPort());
    const other = await start(t, await folderOf(t), { fleet: receiving, config });
    const { left } = await drained(t, { config, peers: giving(other.handoverPort).peers });
    assert.equal(await left, 0);
    assert.equal(await queued(other.httpPort), MESSAGES.length);
  });

  test('are tried again for as long as something is left, or until somebody stops it', async (t) => {
    const { left, stop } = await drained(t, { config: led(await closedPort()), peers: [] });
    stop();
    assert.equal(await left, MESSAGES.length);
  });
});

async function queued(httpPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/metrics`);
  return Number(/^smtpplus_spool_messages (\d+)/m.exec(await response.text())?.[1]);
}
