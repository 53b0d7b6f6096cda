/**
 * The plan of one whole snapshot after the other, at the cost of what differs between them. It comes to what `plan` comes
 * to; of the events, it tells each once. That relays run what this plan itself has changed it says a snapshot later: what
 * the snapshot knows of the relays is about what they were given before.
 */
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
import { markAwaiting, markClass, markNamespace, markObject, markSecret, type Planner } from './planner-state.ts';
import { takeChangedShards } from './relay-config.ts';
import { acceptedPasswords } from './relay-entries.ts';
import type { Sources } from './sources.ts';

interface Last {
  readonly planner: Planner;
  readonly results: Results;
  /** What the planner looks at: replaced by each snapshot. */
  readonly view: View;
  snapshot: Snapshot;
}

interface View {
  sources: Sources;
  /** What is known of passwords from before the planner; it knows better once it has planned everything. */
  accepted: Sources['accepted'];
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
      events.push(...turn.events);
    }
    // with this plan they are on their way to the relays
    takeChangedShards(planner.relays.store);
    last.view.accepted = () => undefined;
    return { ...wholePlan(planner, results), events };
  };
}

/** What a planner takes once: the settings. */
function isSameFrame(a: Snapshot, b: Snapshot): boolean {
  return isEqual(frameOf(a), frameOf(b));
}

function frameOf({ classes, verification, howToVouch, namespaceLimits }: Snapshot): unknown {
  return [[...classes], verification, howToVouch, namespaceLimits];
}

function begin(snapshot: Snapshot, issuer: Issuer, before: Planner | undefined): Last {
  const sources = sourcesOf(snapshot);
  const view: View = {
    sources,
    accepted: before === undefined ? sources.accepted : (user) => acceptedPasswords(before.relays, user),
  };
  return { planner: createPlanner(through(view), snapshot, issuer), results: createResults(), view, snapshot };
}

/** Marks what differs from the snapshot before. */
function follow(last: Last, after: Snapshot): void {
  const { planner, view, snapshot: before, results } = last;
  view.sources = sourcesOf(after);
  last.snapshot = after;
  const [old, current] = [byId(before.objects), byId(after.objects)];
  for (const [id, object] of old) if (!current.has(id)) markObject(planner, object.kind, keyOf(object.meta));
  for (const [id, object] of current) {
    if (isNews(old.get(id), object, results)) markObject(planner, object.kind, keyOf(object.meta));
  }
  for (const key of differing(before.secrets, after.secrets)) markSecret(planner, key);
  for (const name of differing(before.namespaces, after.namespaces)) markNamespace(planner, name);
  for (const key of differing(before.dns, after.dns)) markObject(planner, 'VerifiedSender', key);
  for (const key of differing(before.secretTroubles, after.secretTroubles)) markObject(planner, 'SmtpPlusUser', key);
  for (const name of new Set([...before.programmed.keys(), ...after.programmed.keys()])) {
    if (before.programmed.get(name)?.state !== after.programmed.get(name)?.state) markClass(planner, name);
    // what the last plan itself has changed
    else markAwaiting(planner, name);
  }
}

/** That its status has become what we planned is none. */
function isNews(before: RawObject | undefined, after: RawObject, results: Results): boolean {
  if (before === after) return false;
  const status = before?.status === after.status ? after.status : plannedStatus(after, results);
  return before === undefined || status !== after.status || !isEqual({ ...before, status }, after);
}

function plannedStatus({ kind, meta }: RawObject, { users, lists, senders }: Results): unknown {
  const plans = { SmtpPlusUser: users, SmtpPlusList: lists, VerifiedSender: senders }[kind];
  return plans.get(keyOf(meta))?.status;
}

const NOT_YET: ProgrammedFact = { state: 'Lagging', message: 'The relay is about to load it.' };

/** Sources that ask whatever is in view when they are asked. */
function through(view: View): Sources {
  return {
    namespaces: () => view.sources.namespaces(),
    labelsOf: (namespace) => view.sources.labelsOf(namespace),
    objectsOf: (kind, namespace) => view.sources.objectsOf(kind, namespace),
    countOf: (kind, namespace) => view.sources.countOf(kind, namespace),
    object: (kind, key) => view.sources.object(kind, key),
    secretsOf: (namespace) => view.sources.secretsOf(namespace),
    secret: (key) => view.sources.secret(key),
    secretTroubleOf: (user) => view.sources.secretTroubleOf(user),
    accepted: (user) => view.accepted(user),
    evidenceOf: (sender) => view.sources.evidenceOf(sender),
    programmed: (className, asked) => {
      const fact = view.sources.programmed(className, asked);
      return asked.isChanged && fact?.state === 'Programmed' ? NOT_YET : fact;
    },
  };
}

/** Keys of what is another value than before. */
function differing<Value>(
  before: ReadonlyMap<string, Value> = new Map<string, Value>(),
  after: ReadonlyMap<string, Value> = new Map<string, Value>(),
): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => !isEqual(before.get(key), after.get(key)));
}

function byId(objects: readonly RawObject[]): ReadonlyMap<string, RawObject> {
  return new Map(objects.map((object) => [`${object.kind} ${keyOf(object.meta)}`, object]));
}
