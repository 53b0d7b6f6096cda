/**
 * The plan, kept up to date: set facts (facts.ts), `advance` the clock, then `replan`. That costs what depends on the
 * changes, however much else there is, and comes to what `plan` over everything comes to: planner.test.ts proves it.
 *
 * A Secret that a plan asks for must be set as a fact as soon as it is written: the next plan would make another password.
 * New settings of a class take a new planner.
 */
import { setSnapshot } from './facts.ts';
import { listPlans, type ListPlan } from './lists/lists.ts';
import { keyOf, type Craft, type Kind, type PlannedEvent, type Plans, type Snapshot } from './model.ts';
import { isEqual } from './equal.ts';
import { orphans } from './credentials/orphans.ts';
import {
  createRelayParts,
  replanLists,
  replanNamespaces,
  replanUserEntries,
  type RelayParts,
} from './configuration/parts.ts';
import { senderPlans, type SenderPlan } from './senders/senders.ts';
import { wholeSeconds } from './time.ts';
import { userPlans, type UserPlan } from './users/user-plan.ts';
import { conclude, createWorld, takeStale, type Result, type World } from './world.ts';

export interface Planner {
  readonly world: World;
  /** Keys of the objects that there are. */
  readonly objects: Readonly<Record<Kind, Set<string>>>;
  /** Keys of Secrets to delete. */
  readonly orphans: Set<string>;
  /** Events of plans that no status shows yet, by kind and key. */
  readonly told: Map<string, readonly PlannedEvent[]>;
  readonly relays: RelayParts;
}

/** Keys by what they are keys of. */
export type Keys = Readonly<Record<Kind | 'Secret', Set<string>>>;

/** What has been looked at again; not all of it has changed. */
export interface Replanned {
  readonly lists: Plans<ListPlan>;
  readonly users: Plans<UserPlan>;
  readonly senders: Plans<SenderPlan>;
  readonly secrets: ReadonlySet<string>;
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
    objects: { SmtpPlusList: new Set(), SmtpPlusUser: new Set(), VerifiedSender: new Set() },
    orphans: new Set(),
    told: new Map(),
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
  const users = conclusions(planner, 'SmtpPlusUser', userPlans, named);
  replanUserEntries(world, relays, users);
  // after the users: the status of a list counts them
  const lists = conclusions(planner, 'SmtpPlusList', listPlans, named);
  const senders = conclusions(planner, 'VerifiedSender', senderPlans, named);
  replanLists(world, relays, named.SmtpPlusList);
  replanNamespaces(world, relays);
  const secrets = replanOrphans(planner, named.Secret);
  const events = [
    ...tell(planner, 'SmtpPlusList', lists),
    ...tell(planner, 'SmtpPlusUser', users),
    ...tell(planner, 'VerifiedSender', senders),
  ];
  return { lists, users, senders, secrets, events };
}

/** The plan of each object that is named or stale. */
function conclusions<Plan>(
  { world, objects }: Planner,
  kind: Kind,
  result: Result<Plan | undefined>,
  named: Keys,
): Plans<Plan> {
  const keys = new Set([...named[kind], ...takeStale(world, result)]);
  const plans = new Map<string, Plan | undefined>();
  for (const key of keys) {
    const plan = conclude(world, result, key);
    plans.set(key, plan);
    if (plan === undefined) objects[kind].delete(key);
    else objects[kind].add(key);
  }
  return plans;
}

function replanOrphans({ world, orphans: known }: Planner, named: ReadonlySet<string>): Set<string> {
  const keys = new Set([...named, ...takeStale(world, orphans)]);
  for (const key of keys) {
    if (conclude(world, orphans, key)) known.add(key);
    else known.delete(key);
  }
  return keys;
}

/** Events that have not been told before: a plan may be made again before a status says that it was. */
function tell(
  { told }: Planner,
  kind: Kind,
  plans: Plans<{ readonly events: readonly PlannedEvent[] }>,
): PlannedEvent[] {
  const news: PlannedEvent[] = [];
  for (const [key, plan] of plans) {
    const before = told.get(`${kind} ${key}`) ?? [];
    const events = plan?.events ?? [];
    news.push(...events.filter((event) => !before.some((old) => isEqual(old, event))));
    if (events.length === 0) told.delete(`${kind} ${key}`);
    else told.set(`${kind} ${key}`, events);
  }
  return news;
}
