/** What a worker has counted since its last report to the parent, and who is paused, as the parent says. */
import type { PauseTerms } from '../config/config.ts';
import type { Tally } from '../observe/usage-report.ts';
import { keyed, type Seen, type UsageCounter } from './counter.ts';
import type { WatchedUser } from './pauses.ts';
import { addTo, type Tallies } from './tally.ts';

export interface WorkerUsage {
  readonly counted: readonly (readonly [string, Tally])[];
  readonly seen: readonly (readonly [string, PauseTerms, Seen])[];
}

export interface WorkerUsageCounter {
  readonly counter: UsageCounter;
  /** Undefined: nothing since. */
  readonly take: () => WorkerUsage | undefined;
  readonly setPaused: (paused: readonly (readonly [string, Pick<WatchedUser, 'resume'>])[]) => void;
}

export function createWorkerUsage(): WorkerUsageCounter {
  let counted: Tallies = new Map();
  let seen: (readonly [string, PauseTerms, Seen])[] = [];
  let paused = new Map<string, string>();
  return {
    counter: {
      count: (owner, tally) => {
        for (const [key, one] of keyed(owner, tally)) addTo(counted, key, one);
      },
      see: (user, terms, what) => void seen.push([user, terms, what]),
      isPaused: (user, { resume }) => paused.get(user) === resume,
    },
    take: () => {
      if (counted.size + seen.length === 0) return undefined;
      const usage = { counted: [...counted], seen };
      [counted, seen] = [new Map(), []];
      return usage;
    },
    setPaused: (all) => {
      paused = new Map(all.map(([user, { resume }]) => [user, resume]));
    },
  };
}
