/**
 * The plan of one whole snapshot after the other, at the cost of what differs between them. It comes to what `plan` comes
 * to; of the events, it tells each once.
 */
import { isEqual } from './equal.ts';
import {
  dnsEvidence,
  leftOutEntries,
  namespaceLabels,
  programmedFacts,
  secrets,
  secretTroubles,
  setObject,
} from './facts.ts';
import { keyOf, type Craft, type Plan, type RawObject, type Snapshot } from './model.ts';
import { wholePlan } from './plan.ts';
import { createPlanner, noKeys, replan, type Keys, type Planner } from './planner.ts';
import { wholeSeconds } from './time.ts';
import { advance, setFact, type Facts, type World } from './world.ts';

export function createDecider(craft: Craft): (snapshot: Snapshot, now: Date) => Plan {
  let last: { readonly planner: Planner; readonly snapshot: Snapshot } | undefined;

  return (snapshot, now) => {
    if (last === undefined || !isSameFrame(last.snapshot, snapshot)) {
      const { planner, first } = createPlanner(snapshot, now, craft);
      last = { planner, snapshot };
      return wholePlan(planner, first.events);
    }
    const { planner } = last;
    advance(planner.world, wholeSeconds(now));
    const { events } = replan(planner, feed(planner.world, last.snapshot, snapshot));
    last = { planner, snapshot };
    return wholePlan(planner, events);
  };
}

/** What a planner takes once: the settings. */
function isSameFrame(a: Snapshot, b: Snapshot): boolean {
  return isEqual([...a.classes], [...b.classes]) && a.verification === b.verification;
}

function feed(world: World, before: Snapshot, after: Snapshot): Keys {
  const named = noKeys();
  const [old, current] = [byId(before.objects), byId(after.objects)];
  for (const id of new Set([...old.keys(), ...current.keys()])) {
    const object = current.get(id);
    const known = old.get(id);
    // adapters hand on the same object where nothing about it has changed
    if (object === known) continue;
    const { kind, meta } = object ?? known ?? {};
    if (kind === undefined || meta === undefined) continue;
    setObject(world, kind, keyOf(meta), object);
    named[kind].add(keyOf(meta));
  }
  for (const key of feedTable(world, secrets, before.secrets, after.secrets)) named.Secret.add(key);
  feedTable(world, namespaceLabels, before.namespaces, after.namespaces);
  feedTable(world, dnsEvidence, before.dns, after.dns);
  feedTable(world, programmedFacts, before.programmed, after.programmed);
  feedTable(world, secretTroubles, before.secretTroubles, after.secretTroubles);
  feedTable(world, leftOutEntries, asMap(before.leftOut), asMap(after.leftOut));
  return named;
}

/** Keys of what is another value than before. */
function feedTable<Value>(
  world: World,
  table: Facts<Value>,
  before: ReadonlyMap<string, Value> = new Map(),
  after: ReadonlyMap<string, Value> = new Map(),
): readonly string[] {
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
  for (const key of changed) setFact(world, table, key, after.get(key));
  return changed;
}

function byId(objects: readonly RawObject[]): ReadonlyMap<string, RawObject> {
  return new Map(objects.map((object) => [`${object.kind} ${keyOf(object.meta)}`, object]));
}

function asMap(keys: ReadonlySet<string> = new Set()): ReadonlyMap<string, true> {
  return new Map([...keys].map((key) => [key, true]));
}
