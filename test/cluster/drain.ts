/** Nodes that are emptied, as before an update of their system, while mail comes in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { NAMESPACE } from './install.ts';
import { follow, kubectl, startKubectl } from './kubectl.ts';
import { allArrived, heardIn, PASSING, SETTLED_MS, underLoad } from './shop.ts';

const OURS = 'app.kubernetes.io/part-of=smtp-plus';
const NAMES = ['smtp-plus-relay', 'smtp-plus-operator'];
const EVENT = `jsonpath=${[
  '{.type}',
  String.raw`{.object.metadata.labels.app\.kubernetes\.io/name}`,
  '{.object.metadata.uid}',
  '{.object.metadata.deletionTimestamp}',
  String.raw`{.object.status.conditions[?(@.type=="Ready")].status}{"\n"}`,
].join(' ')}`;

interface Pod {
  readonly metadata: { readonly uid: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly reason?: string }[] };
}

describe('on a real cluster, `kubectl drain`', () => {
  /**
   * A cluster of one node has no other place for the pods that replace those that were evicted: they wait, and with them, held back by the
   * PodDisruptionBudgets, the eviction of the others. So the node takes pods again as soon as one of them waits for a place, while the drain
   * goes on. That is what differs from a cluster with more nodes, where the pods find another one.
   */
  test('takes one relay and one operator away at a time, and no mail is lost', async (t) => {
    const before = await pods();
    const nodes = [...new Set(before.map(({ spec }) => spec.nodeName ?? ''))];
    const ready = await watchReady();
    const replies = await underLoad(async () => {
      for (const node of nodes) await drain(node);
      await kubectl(['rollout', 'status', '-n', NAMESPACE, 'statefulset/smtp-plus-relay', '--timeout=300s']);
      await kubectl(['rollout', 'status', '-n', NAMESPACE, 'deployment/smtp-plus-operator', '--timeout=300s']);
    });
    const fewest = ready.end();
    t.diagnostic(`fewest pods that were ready: ${NAMES.map((name) => `${name} ${fewest.get(name)}`).join(', ')}`);
    assert.deepEqual(
      NAMES.map((name) => fewest.get(name)),
      [1, 1],
    );
    const uids = new Set(before.map(({ metadata }) => metadata.uid));
    assert.deepEqual(
      (await pods()).filter(({ metadata }) => uids.has(metadata.uid)),
      [],
    );
    const heard = heardIn(replies);
    t.diagnostic(`heard besides: ${heard.join(' | ')}`);
    assert.deepEqual(
      heard.filter((words) => !PASSING.test(words)),
      [],
    );
    t.diagnostic(await allArrived(replies));
  });
});

/** All pods of the installation, gone from the node; it takes others again. */
async function drain(node: string): Promise<void> {
  const { output } = startKubectl([
    'drain',
    node,
    `--pod-selector=${OURS}`,
    '--delete-emptydir-data',
    '--timeout=300s',
  ]);
  let isDone = false;
  const done = output.finally(() => (isDone = true));
  // told below, once the loop has ended
  done.catch(() => undefined);
  try {
    await until(async () => isDone || (await pods()).some(waitsForPlace), { ms: SETTLED_MS });
    await kubectl(['uncordon', node]);
    await done;
  } finally {
    await kubectl(['uncordon', node]);
  }
}

async function pods(): Promise<readonly Pod[]> {
  return (JSON.parse(await kubectl(['get', 'pods', '-n', NAMESPACE, '-l', OURS, '-o', 'json'])) as { items: Pod[] })
    .items;
}

function waitsForPlace({ status: { conditions = [] } }: Pod): boolean {
  return conditions.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable');
}

/**
 * Watches how many pods of each name are ready and not about to end, which is what a PodDisruptionBudget counts. `end` gives those that there
 * were when they were fewest, by name.
 */
async function watchReady() {
  const ready = new Map(NAMES.map((name) => [name, new Set<string>()]));
  const fewest = new Map<string, number>();
  const { stop } = follow(
    ['get', 'pods', '-n', NAMESPACE, '-l', OURS, '--watch', '--output-watch-events', '-o', EVENT],
    (line) => {
      const [type, name = '', uid = '', deleted, isReady] = line.split(' ');
      const those = ready.get(name);
      if (type !== 'DELETED' && deleted === '' && isReady === 'True') those?.add(uid);
      else those?.delete(uid);
      const before = fewest.get(name);
      if (before !== undefined) fewest.set(name, Math.min(before, those?.size ?? 0));
    },
  );
  await until(() => NAMES.every((name) => ready.get(name)?.size === 2), { ms: SETTLED_MS });
  for (const name of NAMES) fewest.set(name, 2);
  return {
    end: (): ReadonlyMap<string, number> => {
      stop();
      return fewest;
    },
  };
}
