/**
 * The decision as a whole: a snapshot of what people wrote and of what is there, and what is to be done about it. Pure:
 * no I/O, clock or randomness, so that every behaviour is a pair of YAML files in testdata/.
 */
import type { RelayDocuments } from '../../relay/config.ts';
import { classes, classNames } from './facts.ts';
import { listPlans } from './lists/lists.ts';
import type { Craft, Plan, PlannedEvent, Snapshot } from './model.ts';
import { createPlanner, type Planner } from './planner.ts';
import { allShards, classDocument } from './configuration/documents.ts';
import type { RelayParts } from './configuration/parts.ts';
import { senderPlans } from './senders/senders.ts';
import { compareText, formatTime } from './time.ts';
import { userPlans } from './users/user-plan.ts';
import { conclude, nextAlarm, read, type World } from './world.ts';

export function plan(snapshot: Snapshot, now: Date, craft: Craft): Plan {
  const { planner, first } = createPlanner(snapshot, now, craft);
  return wholePlan(planner, first.events);
}

/** Everything that a planner has come to so far, in a fixed order. */
export function wholePlan({ world, objects, orphans, relays }: Planner, events: readonly PlannedEvent[]): Plan {
  const lists = inOrder(objects.SmtpPlusList, (key) => conclude(world, listPlans, key));
  const users = inOrder(objects.SmtpPlusUser, (key) => conclude(world, userPlans, key));
  const senders = inOrder(objects.VerifiedSender, (key) => conclude(world, senderPlans, key));
  const next = nextAlarm(world);
  return {
    secrets: users.flatMap(({ secret }) => secret ?? []),
    secretsToDelete: [...orphans].sort(),
    statuses: [
      ...lists.map(({ meta, status }) => ({ kind: 'SmtpPlusList', meta, status }) as const),
      ...users.map(({ meta, status }) => ({ kind: 'SmtpPlusUser', meta, status }) as const),
      ...senders.map(({ meta, status }) => ({ kind: 'VerifiedSender', meta, status }) as const),
    ],
    relays: relaysOf(world, relays),
    events: [...events].sort((a, b) => compareText(eventOrder(a), eventOrder(b))),
    lookups: senders.flatMap(({ lookup }) => lookup ?? []),
    ...(next !== undefined && { nextLook: formatTime(next) }),
  };
}

function relaysOf(world: World, { store }: RelayParts): Map<string, RelayDocuments> {
  const documents = new Map<string, RelayDocuments>();
  for (const name of read(world, classNames, '') ?? []) {
    const view = read(world, classes, name);
    if (view === undefined) continue;
    documents.set(name, { class: classDocument(name, view), shards: allShards(store, name) });
  }
  return documents;
}

function eventOrder({ kind, meta, reason }: PlannedEvent): string {
  return `${kind} ${meta.namespace}/${meta.name} ${reason}`;
}

function inOrder<Value>(keys: ReadonlySet<string>, planOf: (key: string) => Value | undefined): Value[] {
  return [...keys].sort().flatMap((key) => planOf(key) ?? []);
}
