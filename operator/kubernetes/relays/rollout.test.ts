import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileOf } from '../../../relay/config/config.ts';
import { until } from '../../../test/support/eventually.ts';
import { createRelayReports } from '../../relays/reports.ts';
import { createPodAsker } from './pod-answers.ts';
import type { RelayPod } from './relay-pods.ts';
import { startRollout } from './rollout.ts';
import { hashOf } from '../write/configuration.ts';

const ENTRY = 'orders.shop';
const FILE = fileOf(ENTRY);
/** A document is written this often at the most. */
const INTERVAL_MS = 200;

/** A relay pod that runs whatever it is told to run. */
async function startPod(
  t: TestContext,
  name: string,
): Promise<{ pod: RelayPod; run: (hashes: Record<string, string>) => void }> {
  let running: Record<string, string> = {};
  // it has had mail of ENTRY, and was rid of it
  const report = { startTime: '2026-01-01T00:00:00Z', upstreams: [{ lists: [ENTRY] }] };
  const server = createServer(({ url }, response) =>
    response.end(JSON.stringify(url === '/upstreamz' ? report : { documents: running })),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const pod = {
    namespace: 'smtp-plus',
    name,
    className: 'default',
    isReady: true,
    configHash: undefined,
    left: undefined,
    http: `http://127.0.0.1:${port}`,
  };
  return { pod, run: (hashes: Record<string, string>) => (running = { ...hashes }) };
}

describe('the rollout of documents', () => {
  /** To one class; `refuse` says which documents the API server does not take. */
  function start(
    t: TestContext,
    {
      refuse = () => false,
      pods = [],
      unservedMs,
    }: { refuse?: (fileName: string) => boolean; pods?: RelayPod[]; unservedMs?: number } = {},
  ) {
    const texts = new Map<string, string>();
    const held = new Map<string, string>();
    const writes: string[] = [];
    const rooms: string[] = [];
    const progress: (ReadonlySet<string> | undefined)[] = [];
    const rollout = startRollout({
      askPods: createPodAsker(() => 'token'),
      secrets: {
        synced: Promise.resolve(),
        hasSynced: () => true,
        nameOf: ({ fileName }) => fileName,
        holds: ({ fileName }, hash) => held.get(fileName) === hash,
        write: async ({ fileName, text }) => {
          if (refuse(fileName)) throw new Error('422 too long');
          writes.push(`${fileName} ${text}`);
          held.set(fileName, hashOf(text));
          // as a watch tells of it, before the answer to the write is there
          rollout.repair(fileName);
          return true;
        },
      },
      pods: {
        synced: Promise.resolve(),
        hasSynced: () => true,
        ofClass: () => pods,
        all: () => pods,
        classNames: () => new Set(['default']),
        bump: async () => undefined,
      },
      reports: createRelayReports(),
      read: ({ fileName }) => ({
        text: texts.get(fileName) ?? '',
        leftOut: texts.get(fileName) === 'full' ? [ENTRY] : [],
      }),
      backlog: () => 0,
      onProgress: (_, entries) => void progress.push(entries),
      onRoom: (_, entry) => void rooms.push(entry),
      onServed: () => undefined,
      onWritten: () => undefined,
      onDone: () => undefined,
      unservedMs,
    });
    t.after(rollout.close);
    const offer = (fileName: string, text: string, entries: readonly string[] = []): void => {
      texts.set(fileName, text);
      rollout.offer({ className: 'default', fileName, entries, isUrgent: false });
    };
    const state = () => rollout.stateOf('default', { entries: [ENTRY], isChanged: false });
    return { offer, writes, rooms, progress, rollout, state, held };
  }

  test('knows how long a change has waited for all pods to run it, from before it was written', async (t) => {
    const [one, other] = [await startPod(t, 'relay-0'), await startPod(t, 'relay-1')];
    const { offer, rollout, state } = start(t, { pods: [one.pod, other.pod] });
    const lag = () => rollout.lags().get('default') ?? -1;
    const began = performance.now();
    offer(FILE, 'one', [ENTRY]);
    await until(() => rollout.written()['default']?.[FILE]);
    one.run(rollout.written()['default'] ?? {});
    offer(FILE, 'two', ['another']);
    await until(() => rollout.written()['default']?.[FILE] === hashOf('two'));
    const [least, most] = [lag(), (performance.now() - began) / 1000];
    assert.ok(least >= INTERVAL_MS / 1000 && least <= most, `${least} s, of ${most} s`);
    for (const pod of [one, other]) pod.run(rollout.written()['default'] ?? {});
    await until(() => state().state === 'Programmed' && lag() === 0);
  });

  test('says nothing of the mail of a list before relays run the list as it is now', async (t) => {
    const { pod, run } = await startPod(t, 'relay-0');
    const { offer, rollout, state } = start(t, { pods: [pod] });
    const reached = () => rollout.upstreamOf('default', ENTRY);
    await rollout.hear();
    assert.deepEqual(reached(), { failing: [], of: 1 });
    offer(FILE, 'one', [ENTRY]);
    assert.equal(reached(), undefined);
    await until(() => rollout.written()['default']?.[FILE]);
    rollout.lookAtPods('default');
    await until(() => state().state === 'Lagging' || undefined);
    assert.equal(reached(), undefined);
    run(rollout.written()['default'] ?? {});
    await until(() => state().state === 'Programmed' || undefined);
    assert.deepEqual(reached(), { failing: [], of: 1 });
  });

  test('makes of a burst of changes a few writes, the last of them with the last text', async (t) => {
    const { offer, writes } = start(t);
    const began = performance.now();
    for (let i = 0; i < 500; i++) {
      offer(FILE, String(i));
      if (i % 50 === 0) await sleep(5);
    }
    await until(() => writes.at(-1) === `${FILE} 499` || undefined);
    const most = 1 + Math.ceil((performance.now() - began) / INTERVAL_MS);
    assert.ok(writes.length <= most, `${writes.length} writes, and at most ${most} in that time`);
  });

  test('writes again what somebody else has changed, and nothing because of its own writes', async (t) => {
    const { offer, writes, rollout, held } = start(t);
    offer(FILE, 'one');
    await until(() => (writes.length === 1 && rollout.isIdle()) || undefined);
    offer(FILE, 'two');
    await until(() => (writes.length > 1 && rollout.isIdle()) || undefined);
    assert.deepEqual(writes, [`${FILE} one`, `${FILE} two`]);
    held.set(FILE, hashOf('edited'));
    rollout.repair(FILE);
    await until(() => (writes.length > 2 && rollout.isIdle()) || undefined);
    assert.deepEqual(writes, [`${FILE} one`, `${FILE} two`, `${FILE} two`]);
  });

  test('goes on where one document cannot be written, and says of its entries why', async (t) => {
    let isRefused = true;
    const { offer, writes, rollout, state } = start(t, { refuse: (fileName) => isRefused && fileName === FILE });
    offer(FILE, 'one', [ENTRY]);
    offer('other', 'one');
    await until(() => state().state === 'NotWritten' || undefined);
    assert.match(state().message, /cannot be written: 422 too long/);
    assert.deepEqual(writes, ['other one']);
    assert.deepEqual(Object.keys(rollout.written()['default'] ?? {}), ['other']);
    isRefused = false;
    await until(() => writes.includes(`${FILE} one`) || undefined);
    await until(() => state().state !== 'NotWritten' || undefined);
  });

  test('tells which entries a document has no room for, and when there is room again', async (t) => {
    const { offer, rooms, state } = start(t);
    offer(FILE, 'full', [ENTRY]);
    await until(() => rooms.length === 1 || undefined);
    assert.equal(state().state, 'NoRoom');
    offer(FILE, 'less', [ENTRY]);
    await until(() => rooms.length === 2 || undefined);
    assert.notEqual(state().state, 'NoRoom');
  });

  test('holds an entry to be programmed once all pods run a version that has it, however much changes after that', async (t) => {
    const pods = [await startPod(t, 'relay-0'), await startPod(t, 'relay-1')];
    const { offer, rollout, state } = start(t, { pods: pods.map(({ pod }) => pod) });
    offer(FILE, 'with the entry', [ENTRY]);
    await until(() => state().message.startsWith('pod relay-0 still runs') || undefined);
    // others change the same document without end, and the pods are always one version behind
    const over = { now: false };
    const churn = (async () => {
      for (let i = 0; !over.now; i++) {
        const running = rollout.written()['default'] ?? {};
        for (const { run } of pods) run(running);
        offer(FILE, `churn ${i}`, ['other.user']);
        await until(() => rollout.written()['default']?.[FILE] === hashOf(`churn ${i}`) || undefined);
      }
    })();
    await until(() => state().state === 'Programmed' || undefined);
    over.now = true;
    await churn;
  });

  test('names the pod that lags, and the one that does not answer', async (t) => {
    const [first, second] = [await startPod(t, 'relay-0'), await startPod(t, 'relay-1')];
    const silent = { ...second.pod, http: undefined };
    const { offer, rollout, state } = start(t, { pods: [first.pod, silent] });
    offer(FILE, 'text', [ENTRY]);
    await until(() => /^pod relay-0 .*older.*; pod relay-1 did not say/.test(state().message) || undefined);
    first.run(rollout.written()['default'] ?? {});
    await until(
      () =>
        state().message.startsWith('pod relay-1 did not say which configuration it runs (it has no address)') ||
        undefined,
    );
  });

  test('tells an entry that is new of a pod that lags already for another', async (t) => {
    const { pod } = await startPod(t, 'relay-0');
    const { offer, progress } = start(t, { pods: [pod] });
    offer(FILE, 'one', ['other.user']);
    await until(() => progress.length > 0 || undefined);
    const before = progress.length;
    offer(FILE, 'two', [ENTRY]);
    await until(() => progress.slice(before).some((entries) => entries?.has(ENTRY) === true) || undefined);
  });

  test('says that nobody serves a class once no pod has been ready for a while, and not before', async (t) => {
    const { pod, run } = await startPod(t, 'relay-0');
    const pods = [pod];
    const { offer, rollout, state } = start(t, { pods, unservedMs: 300 });
    offer(FILE, 'text', [ENTRY]);
    await until(() => rollout.written()['default']?.[FILE]);
    run(rollout.written()['default'] ?? {});
    await until(() => state().state === 'Programmed' || undefined);
    pods.length = 0;
    rollout.lookAtPods('default');
    await until(() => state().state === 'Unserved' || undefined);
    pods.push(pod);
    rollout.lookAtPods('default');
    await until(() => state().state === 'Programmed' || undefined);
  });
});
