/** Keeps what was planned for each object, and plans anew what a change concerns: that, and nothing else. */
import { setSnapshot } from './facts.ts';
import { listPlans, type ListPlan } from './lists.ts';
import { keyOf, type Craft, type Kind, type PlannedEvent, type Snapshot } from './model.ts';
import { isEqual } from './equal.ts';
import { orphans } from './orphans.ts';
import { createRelayParts, replanLists, replanNamespaces, replanUserEntries, type RelayParts } from './relay-parts.ts';
import { senderPlans, type SenderPlan } from './senders.ts';
import { wholeSeconds } from './time.ts';
import { userPlans, type UserPlan } from './user-plan.ts';
import { createWorld, read, takeStale, type Table, type World } from './world.ts';

export interface Planner {
  readonly world: World;
  readonly senders: Map<string, SenderPlan>;
  readonly lists: Map<string, ListPlan>;
  readonly users: Map<string, UserPlan>;
  /** Keys of Secrets to delete. */
  readonly orphans: Set<string>;
  readonly relays: RelayParts;
}

/** Keys by what they are keys of. */
export type Keys = Readonly<Record<Kind | 'Secret', Set<string>>>;

export interface Replanned {
  /** What has been looked at again; not all of it has changed. */
  readonly keys: Keys;
  readonly events: readonly PlannedEvent[];
}

export function createPlanner(
  snapshot: Snapshot,
  now: Date,
  craft: Craft,
): { readonly planner: Planner; readonly first: Replanned } {
  const world = createWorld(wholeSeconds(now), craft);
  const planner: Planner = {
    world,
    senders: new Map(),
    lists: new Map(),
    users: new Map(),
    orphans: new Set(),
    relays: createRelayParts(),
  };
  setSnapshot(world, snapshot);
  const keys = noKeys();
  for (const { kind, meta } of snapshot.objects) keys[kind].add(keyOf(meta));
  for (const key of snapshot.secrets.keys()) keys.Secret.add(key);
  return { planner, first: replan(planner, keys) };
}

export function noKeys(): Keys {
  return { SmtpPlusList: new Set(), SmtpPlusUser: new Set(), VerifiedSender: new Set(), Secret: new Set() };
}

/** Plans anew what is named, and whatever depends on facts that have changed. */
export function replan(planner: Planner, named: Keys): Replanned {
  const { world, relays } = planner;
  const users = replanTable(world, { table: userPlans, plans: planner.users }, named.SmtpPlusUser);
  replanUserEntries(world, relays, users.changes);
  // after the users: the status of a list counts them
  const lists = replanTable(world, { table: listPlans, plans: planner.lists }, named.SmtpPlusList);
  const senders = replanTable(world, { table: senderPlans, plans: planner.senders }, named.VerifiedSender);
  replanLists(world, relays, named.SmtpPlusList);
  replanNamespaces(world, relays);
  const secretKeys = withStale(world, orphans, named.Secret);
  for (const key of secretKeys) {
    if (read(world, orphans, key)) planner.orphans.add(key);
    else planner.orphans.delete(key);
  }
  return {
    keys: { SmtpPlusList: lists.keys, SmtpPlusUser: users.keys, VerifiedSender: senders.keys, Secret: secretKeys },
    events: [...lists.events, ...users.events, ...senders.events],
  };
}

interface PlanTable<Plan> {
  readonly table: Table<Plan | undefined>;
  readonly plans: Map<string, Plan>;
}

interface TableReplanned<Plan> {
  readonly keys: Set<string>;
  readonly changes: readonly { readonly before?: Plan; readonly after?: Plan }[];
  readonly events: readonly PlannedEvent[];
}

function replanTable<Plan extends { readonly events: readonly PlannedEvent[] }>(
  world: World,
  { table, plans }: PlanTable<Plan>,
  named: ReadonlySet<string>,
): TableReplanned<Plan> {
  const keys = withStale(world, table, named);
  const changes = [];
  const events = [];
  for (const key of keys) {
    const before = plans.get(key);
    const after = read(world, table, key);
    if (before === after) continue;
    if (after === undefined) plans.delete(key);
    else plans.set(key, after);
    changes.push({ ...(before && { before }), ...(after && { after }) });
    // a plan that is made again before it was carried out must not announce the same thing twice
    events.push(...(after?.events ?? []).filter((event) => !before?.events.some((old) => isEqual(old, event))));
  }
  return { keys, changes, events };
}

/** The keys, and those of the table's results that may have changed. */
export function withStale<Value>(world: World, table: Table<Value>, keys: Iterable<string>): Set<string> {
  return new Set([...keys, ...takeStale(world, table)]);
}
