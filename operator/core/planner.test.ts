import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  apply,
  createCluster,
  createNotes,
  happen,
  snapshotOf,
  verifiers,
  type Cluster,
} from '../../test/support/golden/cluster.ts';
import { follow, sourcesNow, startFollowing } from '../../test/support/golden/follow.ts';
import { namespaceLimits, step, type Step } from '../../test/support/golden/history.ts';
import { goldenIssuer } from '../../test/support/golden/passwords.ts';
import type { ShardDocument } from '../../relay/config/config.ts';
import type { NamespaceLimits } from '../settings/settings.ts';
import { createDecider } from './decider.ts';
import { isEqual } from './equal.ts';
import { signerEntry } from './fit.ts';
import { keyOf, type Kind, type Plan, type RelaysFact } from './model.ts';
import { collect, createResults, plan, wholePlan } from './plan.ts';
import { createPlanner, nextTurn } from './planner.ts';
import { markEntry, markObject, markRelays } from './planner-state.ts';
import { takeChangedShards } from './relay-config.ts';
import type { Sources } from './sources.ts';

/** A user made anew takes most: its former Secret goes, its new one comes, and all is quiet. */
const ROUNDS_MAX = 4;

const steps = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });

describe('the plan kept up to date', () => {
  test('is the plan over the whole, after every change of any history', () => {
    fc.assert(fc.property(steps, namespaceLimits, followBoth), { numRuns: 400 });
  });

  test('is that of a decider, which is given whole snapshots', () => {
    fc.assert(
      fc.property(steps, namespaceLimits, (history, limits) => {
        const cluster = createCluster(limits);
        const issuer = goldenIssuer(cluster, verifiers.of);
        const decide = createDecider(issuer);
        for (const happenings of history) {
          for (const one of happenings) happen(cluster, one, createNotes());
          for (let round = 0; round <= ROUNDS_MAX; round++) {
            const snapshot = { ...snapshotOf(cluster), ...copied(cluster) };
            const { events, statuses, nextLook, ...decided } = decide(snapshot, cluster.now);
            const { events: all, statuses: ofAll, nextLook: ofWhole, ...whole } = plan(snapshot, cluster.now, issuer);
            assert.deepEqual(decided, whole);
            // that relays run what has just changed, it says a round later
            if (round === ROUNDS_MAX) assert.deepEqual([statuses, nextLook], [ofAll, ofWhole]);
            for (const event of events) {
              // of what has come to an end there is no plan
              const isGone = !snapshot.objects.some(
                ({ meta }) => meta.uid === event.meta.uid && meta.deletionTimestamp === undefined,
              );
              assert.ok(isGone || event.reason === 'SharingEnded' || all.some((one) => isEqual(one, event)));
            }
            apply(cluster, { ...decided, statuses }, createNotes());
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('says of nothing that relays run it before they were given it', () => {
    const cluster = createCluster();
    const decide = createDecider(goldenIssuer(cluster, verifiers.of));
    const meta = { namespace: 'shop', name: 'orders', uid: 'uid', generation: 1, labels: {}, annotations: {} };
    const programmed = (): unknown => {
      const decided = decide({ ...snapshotOf(cluster), ...copied(cluster) }, cluster.now);
      apply(cluster, { ...decided, statuses: [] }, createNotes());
      const user = decided.statuses.find(({ kind }) => kind === 'SmtpPlusUser');
      return user?.status.conditions?.find(({ type }) => type === 'Programmed')?.status;
    };
    cluster.programmed.set('default', { state: 'Programmed', message: 'The relay runs it.' });
    happen(cluster, { does: 'put', object: { kind: 'SmtpPlusUser', meta, spec: { active: true } } }, createNotes());
    assert.equal(programmed(), 'False', 'the user has come');
    assert.equal(programmed(), 'False', 'its password has come');
    assert.equal(programmed(), 'True');
    cluster.programmed.set('default', { state: 'Lagging', message: 'The relay could not read it.' });
    assert.equal(programmed(), 'False');
  });

  test('looks at nobody where a snapshot says the same in other words, or has the statuses that were planned', () => {
    const cluster = createCluster();
    const decide = createDecider(goldenIssuer(cluster, verifiers.of));
    happen(cluster, { does: 'label', namespace: 'shop', labels: { team: 'shop' } }, createNotes());
    for (const name of ['orders', 'returns']) {
      const meta = { namespace: 'shop', name, uid: name, generation: 1, labels: {}, annotations: {} };
      const object = { kind: 'SmtpPlusUser', meta, spec: { active: true } } as const;
      happen(cluster, { does: 'put', object }, createNotes());
    }
    const round = (): Plan['statuses'] => {
      const { objects, ...rest } = { ...snapshotOf(cluster), ...copied(cluster) };
      const { secrets, namespaces } = structuredClone({ secrets: rest.secrets, namespaces: rest.namespaces });
      const others = objects.map((object) => Object.assign({}, object, { meta: structuredClone(object.meta) }));
      const decided = decide({ ...rest, objects: others, secrets, namespaces }, cluster.now);
      apply(cluster, decided, createNotes());
      return decided.statuses;
    };
    round();
    const before = round();
    const after = round();
    for (const [i, { status }] of before.entries()) assert.equal(after[i]?.status, status, 'it was planned anew');
    assert.equal(before.length, 2);
  });

  test('looks at a list and its users where relays tell something else of its mail, and at nobody else', () => {
    const cluster = createCluster();
    const put = (kind: Kind, name: string, spec: unknown): void => {
      const meta = { namespace: 'shop', name, uid: `${kind} ${name}`, generation: 1, labels: {}, annotations: {} };
      happen(cluster, { does: 'put', object: { kind, meta, spec } }, createNotes());
    };
    put('VerifiedSender', 'shop', { domain: 'shop.example' });
    for (const name of ['a', 'b']) {
      put('SmtpPlusList', name, {});
      put('SmtpPlusUser', `of-${name}`, { listRef: { name }, active: true });
    }
    const tell = (upstreams: RelaysFact['upstreams'], full: readonly string[] = []): void => {
      const notes = createNotes();
      happen(cluster, { does: 'tell', fact: { isSilent: false, of: 1, full, upstreams } }, notes);
      const before = notes.relayFacts.get('default');
      markRelays(following.planner, 'default', before, cluster.relayFacts.get('default'));
    };
    const looked = (): string[] => {
      const { planner } = following;
      const all: string[] = [];
      for (let turn = nextTurn(planner, cluster.now); turn !== undefined; turn = nextTurn(planner, cluster.now)) {
        all.push(...turn.users.keys(), ...turn.lists.keys(), ...turn.senders.keys());
      }
      return all.sort();
    };
    const following = startFollowing(cluster);
    tell(new Map());
    looked();
    const trouble = { since: '2026-01-01T00:00:00Z', time: '2026-01-01T00:00:00Z', error: 'down' };
    tell(new Map([['shop/a', { failing: ['relay'], of: 1, trouble }]]));
    assert.deepEqual(looked(), ['shop/a', 'shop/of-a']);
    tell(new Map([['shop/a', { failing: ['relay'], of: 1, trouble }]]));
    assert.deepEqual(looked(), []);
    tell(new Map(), ['relay']);
    assert.deepEqual(looked(), ['shop/a', 'shop/b', 'shop/of-a', 'shop/of-b']);
  });

  test('looks at one user where one has changed, however many share its list and its senders', () => {
    const cluster = createCluster();
    const notes = createNotes();
    const put = (kind: Kind, name: string, spec: unknown): void => {
      const meta = { namespace: 'shop', name, uid: `${kind} ${name}`, generation: 1, labels: {}, annotations: {} };
      happen(cluster, { does: 'put', object: { kind, meta, spec } }, notes);
    };
    put('SmtpPlusList', 'house', {});
    put('VerifiedSender', 'shop', { domain: 'shop.example' });
    for (let i = 0; i < 500; i++) put('SmtpPlusUser', `user-${i}`, { listRef: { name: 'house' }, active: true });
    const { planner, results } = startFollowing(cluster);
    assert.equal(results.users.size, 500);

    put('SmtpPlusUser', 'user-7', { listRef: { name: 'house' }, active: false });
    markObject(planner, 'SmtpPlusUser', 'shop/user-7');
    const looked = { users: [] as string[], lists: [] as string[], senders: [] as string[] };
    for (let turn = nextTurn(planner, cluster.now); turn !== undefined; turn = nextTurn(planner, cluster.now)) {
      looked.users.push(...turn.users.keys());
      looked.lists.push(...turn.lists.keys());
      looked.senders.push(...turn.senders.keys());
      collect(results, turn);
    }
    assert.deepEqual(looked, { users: ['shop/user-7'], lists: ['shop/house'], senders: [] });
    assert.deepEqual(results.lists.get('shop/house')?.status.users, { total: 500, active: 499 });
  });

  test('says of no user that relays run it in the turn in which its namespace comes to have other senders', () => {
    const cluster = createCluster();
    const put = (kind: Kind, name: string, spec: unknown): void => {
      const meta = { namespace: 'shop', name, uid: `${kind} ${name}`, generation: 1, labels: {}, annotations: {} };
      happen(cluster, { does: 'put', object: { kind, meta, spec } }, createNotes());
    };
    put('VerifiedSender', 'shop', { domain: 'shop.example' });
    put('SmtpPlusUser', 'orders', { active: true });
    const sources: Sources = {
      ...sourcesNow(cluster),
      // relays run whatever was taken
      programmed: (_, { isChanged }) => ({ state: isChanged ? 'Lagging' : 'Programmed', message: '' }),
    };
    const planner = createPlanner(sources, snapshotOf(cluster), goldenIssuer(cluster, verifiers.of));
    const takeTurns = (): string | undefined => {
      let programmed: string | undefined;
      for (let turn = nextTurn(planner, cluster.now); turn !== undefined; turn = nextTurn(planner, cluster.now)) {
        const { conditions = [] } = turn.users.get('shop/orders')?.status ?? {};
        programmed = conditions.find(({ type }) => type === 'Programmed')?.status ?? programmed;
      }
      return programmed;
    };
    takeTurns();
    takeChangedShards(planner.relays.store);
    markObject(planner, 'SmtpPlusUser', 'shop/orders');
    assert.equal(takeTurns(), 'True');

    put('VerifiedSender', 'other', { domain: 'other.example' });
    markObject(planner, 'VerifiedSender', 'shop/other');
    assert.equal(takeTurns(), 'False');
  });

  test('says of a domain that relays have no room for its keys, and when they have', () => {
    const cluster = createCluster();
    const key = 'shop/domain';
    const meta = { namespace: 'shop', name: 'domain', uid: 'domain', generation: 1, labels: {}, annotations: {} };
    const spec = { domain: 'shop.example', dkim: { signing: 'Enabled' } };
    happen(cluster, { does: 'put', object: { kind: 'VerifiedSender', meta, spec } }, createNotes());
    const time = '2026-01-01T00:00:00Z';
    const seen = {
      time,
      foundTime: time,
      since: time,
      outcome: 'found',
      detail: '',
      attempts: 0,
      jitter: 0.5,
    } as const;
    const recordName = '_smtpplus-challenge.shop.example';
    const recordValue = 'smtpplus-verification=token-of-shop-for-shop.example';
    const records = { s1: { ...seen, recordName: 's1._domainkey.shop.example', recordValue: '' } };
    cluster.evidence.set(key, { dns: { ...seen, recordName, recordValue }, records });
    const pair = { algorithm: 'rsa-sha256', selector: 's1', privateKey: 'private', publicKey: 'public' } as const;
    cluster.keys.set(key, { domain: 'shop.example', generations: [{ createdTime: time, keys: [pair] }] });
    let room: 'NoRoom' | 'Programmed' = 'NoRoom';
    const sources: Sources = {
      ...sourcesNow(cluster),
      programmed: (_, { entries }) =>
        entries.includes(signerEntry(key)) ? { state: room, message: '' } : { state: 'Programmed', message: '' },
    };
    const planner = createPlanner(sources, snapshotOf(cluster), goldenIssuer(cluster, verifiers.of));
    const told = (): Record<string, string> => {
      const results = createResults();
      for (let turn = nextTurn(planner, cluster.now); turn !== undefined; turn = nextTurn(planner, cluster.now)) {
        collect(results, turn);
      }
      const { conditions = [] } = results.senders.get(key)?.status ?? {};
      return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
    };
    const without = told();
    assert.equal(without['Signing'], 'False NotWritten');
    assert.equal(without['Aligned'], 'Unknown AlignmentUnknown', 'what is not signed does not pass by a signature');
    assert.equal(without['Ready'], 'True Verified');
    room = 'Programmed';
    markEntry(planner, 'default', signerEntry(key));
    const within = told();
    assert.deepEqual([within['Signing'], within['Aligned']], ['True Signed', 'True Aligned']);
  });
});

/** A cluster changes its maps in place; a snapshot is what was there at its time. */
function copied({ secrets, accepted, namespaces, evidence, keys, mail, programmed, relayFacts, usage }: Cluster) {
  return {
    secrets: new Map(secrets),
    accepted: new Map(accepted),
    namespaces: new Map(namespaces),
    evidence: new Map(evidence),
    keys: new Map(keys),
    mail: new Map(mail),
    programmed: new Map(programmed),
    relayFacts: new Map(relayFacts),
    usage: new Map(usage),
  };
}

/** Lives through a history twice: with one planner kept up to date, and with a new plan over everything each time. */
function followBoth(history: readonly (readonly Step[])[], limits: NamespaceLimits | undefined): void {
  const cluster = createCluster(limits);
  const issuer = goldenIssuer(cluster, verifiers.of);
  const following = startFollowing(cluster);
  const shards = new Map<string, ShardDocument>();
  let notes = createNotes();
  for (const happenings of history) {
    for (const one of happenings) happen(cluster, one, notes);
    // what was written comes back as a change, as it does from an API server, until there is nothing more to write
    let isQuiet = false;
    for (let round = 0; round < ROUNDS_MAX && !isQuiet; round++) {
      const change = follow(following, cluster, notes);
      const whole = plan(snapshotOf(cluster), cluster.now, issuer);
      assert.deepEqual(wholePlan(following.planner, following.results), whole);
      for (const { className, shard, document } of change.shards) shards.set(`${className} ${shard}`, document);
      assertSameShards(shards, whole.relays);
      notes = createNotes();
      apply(cluster, { ...change, relays: whole.relays }, notes);
      isQuiet = [change.secrets, change.secretsToDelete, change.statuses, change.events].every(
        (one) => one.length === 0,
      );
    }
    assert.ok(isQuiet, 'it never comes to rest');
    assertWritten(cluster, plan(snapshotOf(cluster), cluster.now, issuer));
  }
}

/** What was told piece by piece adds up to the whole. */
function assertWritten({ objects, secrets }: Cluster, { statuses, secrets: planned, secretsToDelete }: Plan): void {
  for (const { kind, meta, status } of statuses) {
    assert.deepEqual(objects.get(`${kind} ${keyOf(meta)}`)?.status, status);
  }
  for (const secret of planned) assert.deepEqual(secrets.get(keyOf(secret))?.data, secret.data);
  assert.deepEqual(secretsToDelete, []);
}

const EMPTY: ShardDocument = { version: 1, lists: {}, users: {}, unusable: {}, namespaces: {}, dkim: {} };

function assertSameShards(written: ReadonlyMap<string, ShardDocument>, relays: Plan['relays']): void {
  for (const [className, { shards }] of relays) {
    for (const [i, shard] of shards.entries()) assert.deepEqual(written.get(`${className} ${i}`) ?? EMPTY, shard);
  }
}
