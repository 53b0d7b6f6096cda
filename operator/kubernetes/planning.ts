/** When to plan: soon after something was marked, when something is due, and everything anew from time to time. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { stackOf } from '../errors.ts';
import type { Issuer, PlannedEvent } from '../core/model.ts';
import type { Fault } from '../core/faults.ts';
import { collect, createResults, type Results } from '../core/plan.ts';
import { createPlanner, hasTurns, nextLook, nextTurn } from '../core/planner.ts';
import type { PlatformFacts } from '../core/platform.ts';
import type { Planner, Turn } from '../core/planner-state.ts';
import type { Sources } from '../core/sources.ts';

export interface Planning {
  /** The planner that is acted on; undefined until everything was planned once. */
  readonly planner: () => Planner | undefined;
  /** Marks something in the planner, and in one that is being made; what is marked is planned soon. */
  readonly mark: (inPlanner: (planner: Planner) => void) => void;
  /** Plans everything now, and from now on follows what is marked. To be called once. */
  readonly start: (work: PlanningWork) => Promise<void>;
  /** Plans everything anew soon, since what the classes are has changed. */
  readonly planAnew: () => void;
  readonly isIdle: () => boolean;
  readonly close: () => Promise<void>;
}

/** What is planned from, and what is done with a plan. */
interface PlanningWork {
  readonly sources: Sources;
  readonly issuer: Issuer;
  /** What the platform owner has decided, as it is now: read for each plan of everything. */
  readonly readFacts: () => Promise<PlatformFacts>;
  /** A turn was taken. */
  readonly onTurn: (turn: Turn, planner: Planner) => void;
  /** Everything was planned anew, by another planner than before. Done piece by piece; no turn is taken meanwhile. */
  readonly onAll: (results: Results, planner: Planner) => Iterable<unknown>;
}

export interface PlanningOptions {
  readonly onFault: (fault: Fault) => void;
  /** Something is to be told about an object that is gone. */
  readonly onFarewell: (event: PlannedEvent) => void;
  readonly onPass: (pass: 'full' | 'step', seconds: number) => void;
  readonly onTrouble: (message: string) => void;
  readonly now: () => Date;
  /** How often everything is planned anew; milliseconds. Default: ten minutes. */
  readonly fullPlanMs?: number | undefined;
}

/** A burst of changes is planned once. */
const SETTLE_MS = 10;
/** The lease, probes and watches get their turn after so much work. */
const TURNS_MS = 25;
/** Everything is planned anew this often, whatever the watches say. Jittered, so that operators spread out. */
const FULL_PLAN_MS = 600_000;
const FULL_PLAN_JITTER = 0.1;
/** A due time a few milliseconds away must not become a busy loop. */
const SHORTEST_LOOK_MS = 50;

export function createPlanning(options: PlanningOptions): Planning {
  const { onTrouble, now, fullPlanMs = FULL_PLAN_MS } = options;
  let work: PlanningWork | undefined;
  let planner: Planner | undefined;
  /** A planner that has not planned everything yet: changes are marked in it, but nothing that it plans is acted on. */
  let next: Planner | undefined;
  let stepping: Promise<void> | undefined;
  let stepTimer: NodeJS.Timeout | undefined;
  let lookTimer: NodeJS.Timeout | undefined;
  let fullTimer: NodeJS.Timeout | undefined;
  /** The classes may be others than those that were planned by. */
  let isOutdated = false;
  let isClosed = false;

  function wake(): void {
    if (!isClosed && planner !== undefined && stepping === undefined) stepTimer ??= setTimeout(step, SETTLE_MS);
  }

  function step(): void {
    clearTimeout(stepTimer);
    stepTimer = undefined;
    const current = planner;
    if (isClosed || current === undefined || stepping !== undefined) return;
    stepping = takeTurns(current, 'step', (turn) => {
      turn.farewells.forEach(options.onFarewell);
      work?.onTurn(turn, current);
    })
      .catch((error: unknown) => onTrouble(`planning failed, and goes on with the next change: ${stackOf(error)}`))
      .finally(() => {
        stepping = undefined;
        if (planner !== undefined && hasTurns(planner)) wake();
        lookLater();
      });
  }

  /** All turns that there are. */
  async function takeTurns(of: Planner, pass: 'full' | 'step', onTurn: (turn: Turn) => void): Promise<void> {
    const spentMs = await inPieces(turnsOf(of, onTurn));
    if (!isClosed) options.onPass(pass, spentMs / 1000);
  }

  function* turnsOf(of: Planner, onTurn: (turn: Turn) => void): Generator<void> {
    for (let turn = nextTurn(of, now()); turn !== undefined; turn = nextTurn(of, now())) {
      for (const fault of turn.faults) options.onFault(fault);
      yield onTurn(turn);
    }
  }

  /** Pauses now and then for other work. Resolves to the time that it took, pauses aside. */
  async function inPieces(work: Iterable<unknown>): Promise<number> {
    let [spentMs, began] = [0, performance.now()];
    for (const _ of work) {
      if (performance.now() - began < TURNS_MS) continue;
      spentMs += performance.now() - began;
      await nextTick();
      if (isClosed) return spentMs;
      began = performance.now();
    }
    return spentMs + performance.now() - began;
  }

  /** Plans everything as at a start: by the settings as they are now, and with whatever the watches have missed. */
  async function planAll(by: PlanningWork): Promise<void> {
    const fresh = createPlanner(by.sources, await by.readFacts(), by.issuer);
    const results = createResults();
    next = fresh;
    await takeTurns(fresh, 'full', (turn) => collect(results, turn));
    await stepping;
    if (isClosed) return;
    // No turns during the change-over: one by the planner before would overwrite newer results, and one by this planner would be
    // overwritten by the results that are still being published.
    const changeOver = actOn(fresh, results, by);
    stepping = changeOver.catch(() => undefined);
    try {
      await changeOver;
    } finally {
      stepping = undefined;
    }
    step();
  }

  /** From now on it is acted on the fresh planner. */
  async function actOn(fresh: Planner, results: Results, { onAll }: PlanningWork): Promise<void> {
    // What the planner before has planned last, this one plans before it is acted on. Else relays would be told once more what
    // was so before: that somebody who has been shut out since may send, for instance.
    const catchUp = (turn: Turn): void => {
      turn.farewells.forEach(options.onFarewell);
      collect(results, turn);
    };
    await inPieces(turnsOf(fresh, catchUp));
    if (isClosed) return;
    [planner, next] = [fresh, undefined];
    await inPieces(onAll(results, fresh));
  }

  function lookLater(): void {
    clearTimeout(lookTimer);
    const look = planner && nextLook(planner);
    if (look === undefined || isClosed) return;
    const wait = Math.min(Math.max(look.getTime() - now().getTime(), SHORTEST_LOOK_MS), FULL_PLAN_MS);
    lookTimer = setTimeout(step, wait);
  }

  function fullLater(by: PlanningWork): void {
    if (isClosed) return;
    clearTimeout(fullTimer);
    const jittered = fullPlanMs * (1 + FULL_PLAN_JITTER * (2 * Math.random() - 1));
    const wait = isOutdated ? SETTLE_MS : jittered;
    fullTimer = setTimeout(() => {
      [fullTimer, isOutdated] = [undefined, false];
      planAll(by)
        .catch((error: unknown) =>
          onTrouble(`planning everything anew failed, and is tried again later: ${stackOf(error)}`),
        )
        .finally(() => fullLater(by));
    }, wait);
  }

  return {
    planner: () => planner,
    mark: (inPlanner) => {
      for (const one of [planner, next]) if (one !== undefined) inPlanner(one);
      wake();
    },
    start: async (given) => {
      isOutdated = false;
      work = given;
      await planAll(given);
      fullLater(given);
    },
    planAnew: () => {
      isOutdated = true;
      // else one is under way, or has yet to begin
      if (work !== undefined && fullTimer !== undefined) fullLater(work);
    },
    isIdle: () => stepTimer === undefined && stepping === undefined && next === undefined,
    close: async () => {
      isClosed = true;
      for (const timer of [stepTimer, lookTimer, fullTimer]) clearTimeout(timer);
      stepTimer = undefined;
      await stepping;
    },
  };
}
