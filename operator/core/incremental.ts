/**
 * The same plan, kept up to date: told what has changed, it answers with what is to be written because of it. The cost
 * of a change is that of the objects which depend on it, however many others there are; that the result is the one of
 * `plan` over the whole, incremental.test.ts proves over random histories.
 */
import { dnsEvidence, namespaceLabels, previousStatuses, programmedFacts, secrets, setObject } from './facts.ts';
import { isEqual } from './equal.ts';
import { keyOf } from './model.ts';
import type {
  Craft,
  DnsEvidence,
  Kind,
  Lookup,
  PlannedEvent,
  ProgrammedFact,
  RawObject,
  SecretPlan,
  SecretView,
  StatusPlan,
} from './model.ts';
import { noKeys, replan, type Planner, type Plans, type Replanned } from './planner.ts';
import { takeChangedShards, type ChangedShard } from './relay-documents.ts';
import { formatTime, wholeSeconds } from './time.ts';
import { advance, nextAlarm, read, setFact, type Facts, type World } from './world.ts';

type Changed<Value> = ReadonlyMap<string, Value | undefined>;

/** What is different now, by key; `undefined` for what is gone. A change of class settings takes a new planner. */
export interface Changes {
  readonly objects?: Readonly<Partial<Record<Kind, Changed<RawObject>>>>;
  /** Also each Secret that was written by this plan, as soon as it is: else the next one makes a password again. */
  readonly secrets?: Changed<SecretView>;
  readonly namespaces?: Changed<Readonly<Record<string, string>>>;
  readonly dns?: Changed<DnsEvidence>;
  readonly programmed?: Changed<ProgrammedFact>;
}

/** What is to be written. All of it is level, not edge: whatever was looked at again and is not yet as it should be. */
export interface PlanChange {
  readonly secrets: readonly SecretPlan[];
  readonly secretsToDelete: readonly string[];
  readonly statuses: readonly StatusPlan[];
  readonly shards: readonly ChangedShard[];
  readonly events: readonly PlannedEvent[];
  /** By VerifiedSender; `undefined`: nothing is to be looked up any more. */
  readonly lookups: Changed<Lookup>;
  readonly nextLook?: string;
}

/** Takes in what has changed, and the time, and plans anew what depends on either. */
export function updatePlan(
  planner: Planner,
  changes: Changes,
  { now, craft }: { now: Date; craft: Craft },
): PlanChange {
  const { world } = planner;
  world.craft = craft;
  advance(world, wholeSeconds(now));
  const named = noKeys();
  for (const kind of ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'] as const) {
    for (const [key, object] of changes.objects?.[kind] ?? []) {
      setObject(world, kind, key, object);
      named[kind].add(key);
    }
  }
  for (const key of changes.secrets?.keys() ?? []) named.Secret.add(key);
  setAll(world, secrets, changes.secrets);
  setAll(world, namespaceLabels, changes.namespaces);
  setAll(world, dnsEvidence, changes.dns);
  setAll(world, programmedFacts, changes.programmed);
  return changeOf(planner, replan(planner, named));
}

function setAll<Value>(world: World, table: Facts<Value>, changed: Changed<Value> = new Map()): void {
  for (const [key, value] of changed) setFact(world, table, key, value);
}

/** What is to be written after `replan`; after `createPlanner`: everything that is not yet so. */
export function changeOf({ world, orphans, relays }: Planner, replanned: Replanned): PlanChange {
  const { lists, users, senders } = replanned;
  const next = nextAlarm(world);
  const statuses: readonly StatusPlan[] = [
    ...present(lists).map(({ meta, status }) => ({ kind: 'SmtpPlusList', meta, status }) as const),
    ...present(users).map(({ meta, status }) => ({ kind: 'SmtpPlusUser', meta, status }) as const),
    ...present(senders).map(({ meta, status }) => ({ kind: 'VerifiedSender', meta, status }) as const),
  ];
  const wanted = present(users).flatMap(({ secret }) => secret ?? []);
  return {
    secrets: wanted.filter((secret) => !isAsPlanned(secret, read(world, secrets, keyOf(secret)))),
    secretsToDelete: [...replanned.secrets].filter((key) => orphans.has(key)),
    statuses: statuses.filter((plan) => !isWritten(world, plan)),
    shards: takeChangedShards(relays.store),
    events: replanned.events,
    lookups: new Map([...senders].map(([key, plan]) => [key, plan?.lookup])),
    ...(next !== undefined && { nextLook: formatTime(next) }),
  };
}

function present<One>(plans: Plans<One>): One[] {
  return [...plans.values()].flatMap((plan) => plan ?? []);
}

function isWritten(world: World, { kind, meta, status }: StatusPlan): boolean {
  return isEqual(read(world, previousStatuses[kind], keyOf(meta)), status);
}

function isAsPlanned(plan: SecretPlan, view: SecretView | undefined): boolean {
  return (
    view?.controllerUid === plan.owner.uid &&
    view.type === plan.type &&
    isEqual(view.data, plan.data) &&
    has(view.labels, plan.labels) &&
    has(view.annotations, plan.annotations)
  );
}

/** Others may add labels and annotations of their own. */
function has(actual: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => actual[key] === value);
}
