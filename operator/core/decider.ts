/**
 * Plans one whole snapshot after another, at the cost of what differs between them. The result is that of `plan`; each
 * event is in it once. That the relays run what this plan itself has changed is said one snapshot later: what a
 * snapshot knows of the relays is about what they were given before.
 */
import { differing } from './differing.ts';
import { isEqual } from './equal.ts';
import {
  keyOf,
  type Issuer,
  type Plan,
  type PlannedEvent,
  type ProgrammedFact,
  type RawObject,
  type Snapshot,
} from './model.ts';
import { collect, createResults, sourcesOf, wholePlan, type Results } from './plan.ts';
import { createPlanner, nextTurn } from './planner.ts';
import {
  markAddress,
  markAwaiting,
  markClass,
  markNamespace,
  markObject,
  markPlan,
  markRelays,
  markSecret,
  type Planner,
} from './planner-state.ts';
import { takeChangedShards } from './relay-config.ts';
import { acceptedPasswords } from './relay-entries.ts';
import type { Sources } from './sources.ts';

interface Last {
  readonly planner: Planner;
  readonly results: Results;
  snapshot: Snapshot;
}

export function createDecider(issuer: Issuer): (snapshot: Snapshot, now: Date) => Plan {
  let last: Last | undefined;

  return (snapshot, now) => {
    if (last === undefined || !isSameFrame(last.snapshot, snapshot)) last = begin(snapshot, issuer, last?.planner);
    else follow(last, snapshot);
    const { planner, results } = last;
    const events: PlannedEvent[] = [];
    for (let turn = nextTurn(planner, now); turn !== undefined; turn = nextTurn(planner, now)) {
      collect(results, turn);
      events.push(...turn.events, ...turn.farewells);
    }
    // with this plan they are on their way to the relays
    takeChangedShards(planner.relays.store);
    return { ...wholePlan(planner, results), events };
  };
}

/** What a planner takes once: the settings. */
function isSameFrame(a: Snapshot, b: Snapshot): boolean {
  return isEqual(frameOf(a), frameOf(b));
}

function frameOf({ classes, verification, mailVerification, howToVouch, namespaceLimits }: Snapshot): unknown {
  return [[...classes], verification, mailVerification, howToVouch, namespaceLimits];
}

function begin(snapshot: Snapshot, issuer: Issuer, before: Planner | undefined): Last {
  const accepted: Sources['accepted'] | undefined = before && ((user) => acceptedPasswords(before.relays, user));
  return {
    planner: createPlanner(sourcesIn(snapshot, accepted), snapshot, issuer),
    results: createResults(),
    snapshot,
  };
}

/** Marks what differs from the snapshot before. */
function follow(last: Last, after: Snapshot): void {
  const { planner, snapshot: before, results } = last;
  // what is known of passwords from before a planner, it knows better once it has planned everything
  planner.sources = sourcesIn(after, () => undefined);
  last.snapshot = after;
  const [old, current] = [byId(before.objects), byId(after.objects)];
  for (const [id, object] of old) if (!current.has(id)) markObject(planner, object.kind, keyOf(object.meta));
  for (const [id, object] of current) {
    if (hasChanged(old.get(id), object, results)) markObject(planner, object.kind, keyOf(object.meta));
  }
  for (const key of differing(before.secrets, after.secrets)) markSecret(planner, key);
  for (const name of differing(before.namespaces, after.namespaces)) markNamespace(planner, name);
  for (const key of differing(before.evidence, after.evidence)) markObject(planner, 'VerifiedSender', key);
  for (const key of differing(before.keys, after.keys)) markObject(planner, 'VerifiedSender', key);
  for (const key of differing(before.publications, after.publications)) markPlan(planner, `VerifiedSender ${key}`);
  for (const key of differing(before.mail, after.mail)) markAddress(planner, key);
  for (const key of differing(before.secretTroubles, after.secretTroubles)) markObject(planner, 'SmtpPlusUser', key);
  for (const object of differing(before.usage, after.usage)) markPlan(planner, object);
  for (const name of new Set([...before.programmed.keys(), ...after.programmed.keys()])) {
    if (before.programmed.get(name)?.state !== after.programmed.get(name)?.state) markClass(planner, name);
    // what the last plan itself has changed
    else markAwaiting(planner, name);
  }
  for (const name of new Set([...(before.relayFacts?.keys() ?? []), ...(after.relayFacts?.keys() ?? [])])) {
    markRelays(planner, name, before.relayFacts?.get(name), after.relayFacts?.get(name));
  }
}

/** Whether an object has changed; that its status is now the planned one does not count. */
function hasChanged(before: RawObject | undefined, after: RawObject, results: Results): boolean {
  if (before === after) return false;
  const status = before?.status === after.status ? after.status : plannedStatus(after, results);
  return before === undefined || status !== after.status || !isEqual({ ...before, status }, after);
}

function plannedStatus({ kind, meta }: RawObject, { users, lists, senders }: Results): unknown {
  const plans = { SmtpPlusUser: users, SmtpPlusList: lists, VerifiedSender: senders }[kind];
  return plans.get(keyOf(meta))?.status;
}

const NOT_YET: ProgrammedFact = { state: 'Lagging', message: 'The relay is about to load it.' };

/** Relays cannot run a change that this plan makes to an entry before they have been given it. */
function sourcesIn(snapshot: Snapshot, accepted: Sources['accepted'] | undefined): Sources {
  const sources = sourcesOf(snapshot);
  return {
    ...sources,
    ...(accepted && { accepted }),
    programmed: (className, asked) => {
      const fact = sources.programmed(className, asked);
      return asked.isChanged && fact?.state === 'Programmed' ? NOT_YET : fact;
    },
  };
}

function byId(objects: readonly RawObject[]): ReadonlyMap<string, RawObject> {
  return new Map(objects.map((object) => [`${object.kind} ${keyOf(object.meta)}`, object]));
}
