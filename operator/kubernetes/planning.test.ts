import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCluster, snapshotOf, verifiers } from '../../test/support/golden/cluster.ts';
import { sourcesNow } from '../../test/support/golden/follow.ts';
import { goldenIssuer } from '../../test/support/golden/passwords.ts';
import type { RawObject } from '../core/model.ts';
import { markObject, type Planner } from '../core/planner-state.ts';
import { entryOf } from '../core/relay-config.ts';
import { createPlanning } from './planning.ts';

const LIST = 'shop/orders';

function aList(name: string, suspend: boolean): RawObject {
  const meta = { namespace: 'shop', name, uid: name, generation: suspend ? 2 : 1, labels: {}, annotations: {} };
  return { kind: 'SmtpPlusList', meta, spec: { suspend } };
}

function isSuspended({ relays }: Planner): boolean | undefined {
  return entryOf(relays.store, { className: 'default', section: 'lists', key: LIST })?.suspended;
}

describe('planning everything anew', () => {
  test('takes nothing back of what the planner before has planned last', async (t) => {
    const cluster = createCluster();
    cluster.objects.set(`SmtpPlusList ${LIST}`, aList('orders', false));
    cluster.objects.set('SmtpPlusList other/slow', aList('slow', false));
    /** What relays were told of the list, one time after the other. */
    const told: unknown[] = [];
    /** The next plan of everything may go on. */
    let facts = Promise.withResolvers<void>();
    facts.resolve();
    const again = Promise.withResolvers<void>();
    let fullPlans = 0;

    const planning = createPlanning({
      onFault: ({ error }) => assert.fail(String(error)),
      onFarewell: () => undefined,
      onPass: (pass) => {
        if (pass !== 'full') return;
        fullPlans += 1;
        if (fullPlans !== 2) return;
        // the fresh planner is done, and waits for the turns of the one before, which sees this as well
        cluster.objects.set(`SmtpPlusList ${LIST}`, aList('orders', true));
        planning.mark((to) => markObject(to, 'SmtpPlusList', LIST));
      },
      onTrouble: (message) => assert.fail(message),
      now: () => cluster.now,
    });
    t.after(planning.close);
    await planning.start({
      sources: sourcesNow(cluster),
      issuer: goldenIssuer(cluster, verifiers.of),
      readFacts: async () => {
        // turns of the planner before are under way from now on
        if (fullPlans === 1) planning.mark((to) => markObject(to, 'SmtpPlusList', 'other/slow'));
        await facts.promise;
        return snapshotOf(cluster);
      },
      onTurn: (_, planner) => {
        told.push(isSuspended(planner));
        if (fullPlans > 1) return;
        // longer than turns are taken without a pause
        for (const began = performance.now(); performance.now() - began < 50;);
        facts.resolve();
      },
      onAll: function* (_, planner) {
        told.push(isSuspended(planner));
        if (fullPlans === 2) again.resolve();
        yield;
      },
    });
    facts = Promise.withResolvers();
    planning.planAnew();
    await again.promise;
    assert.deepEqual([...new Set(told)], [false, true]);
    assert.ok(told.lastIndexOf(false) < told.indexOf(true), told.join());
  });
});
