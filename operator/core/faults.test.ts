import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCluster, createNotes, happen, type Cluster } from '../../test/support/golden/cluster.ts';
import { follow, startFollowing } from '../../test/support/golden/follow.ts';
import { keyOf, type Kind, type ObjectMeta, type RawObject } from './model.ts';
import { wholePlan } from './plan.ts';
import { nextTurn } from './planner.ts';
import { markObject } from './planner-state.ts';

const KINDS = ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'] as const satisfies readonly Kind[];

/** Something that every verdict which looks at it fails on, as on a fault of our own. */
const BROKEN = new Proxy(
  {},
  {
    get: () => {
      throw new Error('our own fault');
    },
  },
);

function object(kind: Kind, name: string, spec: unknown): RawObject {
  const meta: ObjectMeta = {
    namespace: 'shop',
    name,
    uid: `${kind} ${name}`,
    generation: 1,
    labels: {},
    annotations: {},
  };
  return { kind, meta, spec };
}

function start(): Cluster {
  const cluster = createCluster();
  for (const one of [
    object('SmtpPlusList', 'good', {}),
    object('VerifiedSender', 'good', { domain: 'shop.example' }),
    object('SmtpPlusUser', 'good', { active: true, listRef: { name: 'good' } }),
  ]) {
    happen(cluster, { does: 'put', object: one }, createNotes());
  }
  return cluster;
}

describe('a verdict that fails', () => {
  for (const kind of KINDS) {
    test(`on the spec of a ${kind} is one object's InternalError, and the others are planned as ever`, () => {
      const cluster = start();
      const expected = statusesOf(cluster);
      happen(cluster, { does: 'put', object: object(kind, 'bad', BROKEN) }, createNotes());
      const { bad, others } = partsOf(cluster);
      assert.deepEqual(bad, [`${kind} shop/bad False InternalError`]);
      assert.deepEqual(others, expected);
    });

    test(`on the status of a ${kind}, too`, () => {
      const cluster = start();
      const expected = statusesOf(cluster);
      const spec = kind === 'VerifiedSender' ? { domain: 'other.example' } : {};
      happen(cluster, { does: 'put', object: { ...object(kind, 'bad', spec), status: BROKEN } }, createNotes());
      cluster.objects.set(`${kind} shop/bad`, { ...object(kind, 'bad', spec), status: BROKEN });
      const { bad, others } = partsOf(cluster);
      assert.deepEqual(bad, [`${kind} shop/bad False InternalError`]);
      assert.deepEqual(others, expected);
    });
  }

  test('names the object, for the log', () => {
    const cluster = start();
    const following = startFollowing(cluster);
    cluster.objects.set('SmtpPlusUser shop/bad', object('SmtpPlusUser', 'bad', BROKEN));
    markObject(following.planner, 'SmtpPlusUser', 'shop/bad');
    const named = new Set<string>();
    for (let turn = nextTurn(following.planner, cluster.now); turn; turn = nextTurn(following.planner, cluster.now)) {
      for (const { kind, meta, error } of turn.faults) named.add(`${kind} ${keyOf(meta)}: ${String(error)}`);
    }
    assert.deepEqual([...named], ['SmtpPlusUser shop/bad: Error: our own fault']);
  });

  test('leaves what relays know of a user as it was', () => {
    const cluster = start();
    const following = startFollowing(cluster);
    follow(following, cluster, createNotes());
    const notes = createNotes();
    happen(cluster, { does: 'put', object: object('SmtpPlusUser', 'good', BROKEN) }, notes);
    assert.deepEqual(follow(following, cluster, notes).shards, []);
  });
});

function statusesOf(cluster: Cluster): string[] {
  return partsOf(cluster).others;
}

/** Each object with its `Ready`. */
function partsOf(cluster: Cluster): { bad: string[]; others: string[] } {
  const { planner, results } = startFollowing(cluster);
  const all = wholePlan(planner, results).statuses.map(({ kind, meta, status }) => {
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    return `${kind} ${keyOf(meta)} ${ready?.status} ${ready?.reason}`;
  });
  return { bad: all.filter((line) => line.includes('/bad ')), others: all.filter((line) => !line.includes('/bad ')) };
}
