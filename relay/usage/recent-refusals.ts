/**
 * What was refused in the last hour, by user and reason. In memory only: it starts anew with the process, and says
 * since when.
 */
import type { Tally, UsageReport } from '../observe/usage-report.ts';
import { NOBODY } from './counter.ts';

const SLOT_MS = 300_000;
/** The one under way among them: it is 55 to 60 minutes. */
const SLOTS = 12;

type Counts = Record<string, number>;

export interface RecentRefusals {
  readonly add: (key: string, tally: Tally) => void;
  readonly report: () => UsageReport['refusedLately'];
}

/** @param now time of day, in milliseconds. */
export function createRecentRefusals(now: () => number): RecentRefusals {
  const begun = now();
  const slots = new Map<number, Map<string, Counts>>();
  const current = (): number => Math.floor(now() / SLOT_MS);

  /** What is too old goes, and what a clock that was ahead has left in the future. */
  function roll(): number {
    const last = current();
    for (const slot of slots.keys()) if (slot <= last - SLOTS || slot > last) slots.delete(slot);
    return last;
  }

  return {
    add: (key, { refused }) => {
      if (refused === undefined || (key !== NOBODY && !key.startsWith(USER))) return;
      const slot = roll();
      const counts = slots.get(slot) ?? new Map<string, Counts>();
      slots.set(slot, counts);
      counts.set(key, sum(counts.get(key), refused));
    },
    report: () => {
      const first = (roll() - SLOTS + 1) * SLOT_MS;
      const all = new Map<string, Counts>();
      for (const slot of slots.values()) {
        for (const [key, counts] of slot) all.set(key, sum(all.get(key), counts));
      }
      const users = [...all].filter(([key]) => key !== NOBODY);
      return {
        since: new Date(Math.max(first, begun)).toISOString(),
        users: Object.fromEntries(users.map(([key, counts]) => [key.slice(USER.length), counts])),
        nobody: all.get(NOBODY) ?? {},
      };
    },
  };
}

const USER = 'user ';

function sum(before: Counts = {}, more: Counts): Counts {
  const counts = { ...before };
  for (const [reason, count] of Object.entries(more)) counts[reason] = (counts[reason] ?? 0) + count;
  return counts;
}
