/**
 * The plan, kept up to date namespace by namespace. A change marks what is to be looked at again; each turn then takes one
 * namespace: first those whose lists and senders are to be judged, since others may see them, then those with users to be
 * planned, a bounded number at a time and one namespace after the other, so that none waits for another to be done.
 *
 * It comes to what `plan` over everything comes to, whatever the order of changes: planner.test.ts proves it.
 */
import { createAlarms } from './alarms.ts';
import { createInterests } from './interests.ts';
import { keyOf, type Issuer } from './model.ts';
import { BUILT_IN_LIST } from './names.ts';
import { enqueue, markNamespace, markPlan, namespaceIn, type Planner, type Turn } from './planner-state.ts';
import { setOperatorUser } from './operator-user.ts';
import { createPlatform, type PlatformFacts } from './platform.ts';
import { createRelayEntries, setListEntry } from './relay-entries.ts';
import { createShared } from './shared.ts';
import type { Sources } from './sources.ts';
import { wholeSeconds } from './time.ts';
import { judgeTurn } from './turn-judge.ts';
import { planTurn } from './turn-plan.ts';

/** A planner that has everything still to plan. New settings of a class take a new planner. */
export function createPlanner(sources: Sources, settings: PlatformFacts, issuer: Issuer): Planner {
  const planner: Planner = {
    sources,
    platform: createPlatform(settings, issuer),
    namespaces: new Map(),
    shared: createShared(),
    interests: createInterests(),
    relays: createRelayEntries(),
    alarms: createAlarms(),
    awaiting: new Map(),
    announced: new Map(),
    toJudge: new Set(),
    toPlan: new Set(),
  };
  const { terms } = planner.platform.builtInList;
  setListEntry(planner.relays, BUILT_IN_LIST, terms);
  setOperatorUser(planner.relays.store, planner.platform);
  for (const namespace of sources.namespaces()) markNamespace(planner, namespace);
  return planner;
}

/** Takes the next turn; undefined where nothing is to be done at this time. */
export function nextTurn(planner: Planner, time: Date): Turn | undefined {
  const now = wholeSeconds(time);
  markDue(planner, now);
  const [toJudge] = planner.toJudge;
  if (toJudge !== undefined) {
    planner.toJudge.delete(toJudge);
    const turn = judgeTurn(planner, toJudge, now);
    enqueue(planner, toJudge);
    return turn;
  }
  const [toPlan] = planner.toPlan;
  if (toPlan === undefined) return undefined;
  planner.toPlan.delete(toPlan);
  const turn = planTurn(planner, toPlan, now);
  enqueue(planner, toPlan);
  return turn;
}

export function hasTurns({ toJudge, toPlan }: Planner): boolean {
  return toJudge.size + toPlan.size > 0;
}

/** When something changes with time alone. */
export function nextLook({ alarms }: Planner): Date | undefined {
  return alarms.next();
}

/** Marks what was to be looked at by now. */
function markDue(planner: Planner, now: Date): void {
  for (const what of planner.alarms.take(now)) {
    if (what.includes('/')) {
      markPlan(planner, `SmtpPlusUser ${what}`);
      continue;
    }
    const { marks } = namespaceIn(planner, what);
    marks.judge = true;
    for (const { meta } of planner.sources.objectsOf('VerifiedSender', what)) marks.senders.add(keyOf(meta));
    enqueue(planner, what);
  }
}
