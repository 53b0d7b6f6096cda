/** When to plan: soon after something was marked, when something is due, and everything anew from time to time. */
import type { ClassView } from '../core/model.ts';
import type { Planner, Replanned } from '../core/planner.ts';
import { takeAllDocuments, takeChangedDocuments, type DocumentId } from './documents.ts';
import type { Planning } from './planning.ts';

export interface Stepper {
  /** Something was marked. */
  readonly wake: () => void;
  /** Plans everything now, and from now on steps and full plans follow by themselves. */
  readonly start: () => Promise<void>;
  readonly isIdle: () => boolean;
  readonly close: () => void;
}

export interface StepperOptions {
  readonly planning: Planning;
  readonly readClasses: () => Promise<ReadonlyMap<string, ClassView>>;
  /** What has been looked at again, and the documents that have changed. */
  readonly onPlanned: (replanned: Replanned, changed: readonly DocumentId[]) => void;
  readonly onStep: (pass: 'full' | 'step', seconds: number) => void;
  readonly onTrouble: (message: string) => void;
  /** How often everything is planned anew; milliseconds. Default: ten minutes. */
  readonly fullPlanMs?: number | undefined;
}

/** A burst of changes is one step, and planning never takes more than a fifth of the time. */
const SETTLE_MS = 10;
const PAUSE_SHARE = 4;
/** Everything is planned anew this often, whatever the watches say. Jittered, so that operators spread out. */
const FULL_PLAN_MS = 600_000;
const FULL_PLAN_JITTER = 0.1;
/** A due time a few milliseconds away must not become a busy loop. */
const SHORTEST_LOOK_MS = 50;
/** One step's results can mark more (a document that is now being written); more rounds than this wait for the next. */
const ROUNDS_MAX = 3;

export function createStepper(options: StepperOptions): Stepper {
  const { planning, onPlanned, fullPlanMs = FULL_PLAN_MS } = options;
  let timer: NodeJS.Timeout | undefined;
  let lookTimer: NodeJS.Timeout | undefined;
  let fullTimer: NodeJS.Timeout | undefined;
  let lastStepMs = 0;
  let isClosed = false;

  function wake(): void {
    if (isClosed) return;
    timer ??= setTimeout(guarded(step), Math.max(SETTLE_MS, lastStepMs * PAUSE_SHARE));
  }

  function step(): void {
    timer = undefined;
    const began = performance.now();
    for (let round = 0; round < ROUNDS_MAX && (round === 0 || planning.hasMarks()); round++) {
      publish(planning.step(), takeChangedDocuments);
    }
    lastStepMs = performance.now() - began;
    options.onStep('step', lastStepMs / 1000);
    if (planning.hasMarks()) wake();
    lookLater();
  }

  function publish(replanned: Replanned | undefined, take: (planner: Planner) => readonly DocumentId[]): void {
    const planner = planning.planner();
    if (planner !== undefined && replanned !== undefined) onPlanned(replanned, take(planner));
  }

  async function full(): Promise<void> {
    const views = await options.readClasses();
    if (isClosed) return;
    const began = performance.now();
    publish(planning.full(views), takeAllDocuments);
    options.onStep('full', (performance.now() - began) / 1000);
    if (planning.hasMarks()) wake();
    lookLater();
  }

  function lookLater(): void {
    clearTimeout(lookTimer);
    const next = planning.nextLook();
    if (next === undefined) return;
    const wait = Math.min(Math.max(next.getTime() - Date.now(), SHORTEST_LOOK_MS), FULL_PLAN_MS);
    lookTimer = setTimeout(guarded(step), wait);
  }

  function fullLater(): void {
    if (isClosed) return;
    const wait = fullPlanMs * (1 + FULL_PLAN_JITTER * (2 * Math.random() - 1));
    fullTimer = setTimeout(() => {
      full()
        .catch((error: unknown) => options.onTrouble(`full plan: ${String(error)}`))
        .finally(fullLater);
    }, wait);
  }

  /** A fault of ours in planning must not end the process: the next full plan may well succeed. */
  function guarded(run: () => void): () => void {
    return () => {
      try {
        run();
      } catch (error) {
        timer = undefined;
        options.onTrouble(`plan: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    };
  }

  return {
    wake,
    start: async () => {
      await full();
      fullLater();
    },
    isIdle: () => timer === undefined,
    close: () => {
      isClosed = true;
      for (const each of [timer, lookTimer, fullTimer]) clearTimeout(each);
      timer = undefined;
    },
  };
}
