/**
 * The decision as a whole: a snapshot of what people wrote and of what is there, and what is to be done about it. Pure:
 * no I/O, clock or randomness, so that every behaviour is a pair of YAML files in testdata/.
 */
import type { RelayDocuments } from '../../relay/config.ts';
import { classes, classNames } from './facts.ts';
import { type Craft, type Lookup, type Plan, type PlannedEvent, type Snapshot, type StatusPlan } from './model.ts';
import { createPlanner, type Planner } from './planner.ts';
import { allShards, classDocument } from './relay-documents.ts';
import { compareText, formatTime } from './time.ts';
import { nextAlarm, read } from './world.ts';

export function plan(snapshot: Snapshot, now: Date, craft: Craft): Plan {
  const { planner, first } = createPlanner(snapshot, now, craft);
  return wholePlan(planner, first.events);
}

/** Everything that a planner has planned so far, in a fixed order. */
export function wholePlan(planner: Planner, events: readonly PlannedEvent[]): Plan {
  const users = inOrder(planner.users);
  const next = nextAlarm(planner.world);
  return {
    secrets: users.flatMap(({ secret }) => secret ?? []),
    secretsToDelete: [...planner.orphans].sort(),
    statuses: statusesOf(planner),
    relays: relaysOf(planner),
    events: [...events].sort((a, b) => compareText(eventOrder(a), eventOrder(b))),
    lookups: lookupsOf(planner),
    ...(next !== undefined && { nextLook: formatTime(next) }),
  };
}

function statusesOf({ lists, users, senders }: Planner): StatusPlan[] {
  return [
    ...inOrder(lists).map(({ meta, status }) => ({ kind: 'SmtpPlusList', meta, status }) as const),
    ...inOrder(users).map(({ meta, status }) => ({ kind: 'SmtpPlusUser', meta, status }) as const),
    ...inOrder(senders).map(({ meta, status }) => ({ kind: 'VerifiedSender', meta, status }) as const),
  ];
}

function relaysOf({ world, relays }: Planner): Map<string, RelayDocuments> {
  const documents = new Map<string, RelayDocuments>();
  for (const name of read(world, classNames, '') ?? []) {
    const view = read(world, classes, name);
    if (view === undefined) continue;
    documents.set(name, { class: classDocument(name, view), shards: allShards(relays.store, name) });
  }
  return documents;
}

function lookupsOf({ senders }: Planner): Lookup[] {
  return inOrder(senders).flatMap(({ lookup }) => lookup ?? []);
}

function eventOrder({ kind, meta, reason }: PlannedEvent): string {
  return `${kind} ${meta.namespace}/${meta.name} ${reason}`;
}

function inOrder<Value>(plans: ReadonlyMap<string, Value>): Value[] {
  return [...plans].sort(([a], [b]) => compareText(a, b)).map(([, value]) => value);
}
