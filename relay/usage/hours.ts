/** What was counted in each of the last 24 hours, and in all of them together. In memory, and pure but for its clock. */
import type { Tally, UsageReport } from '../observe/usage-report.ts';
import { addTo, takeFrom, type Tallies } from './tally.ts';

export const HOUR_MS = 3_600_000;
/** The one under way among them. */
const HOURS = 24;

export interface Hours {
  readonly add: (key: string, tally: Tally) => void;
  /** An hour as it was written down: its number since 1970, and what was counted. Only before anything else is counted. */
  readonly restore: (hour: number, tallies: Tallies) => void;
  readonly of: (hour: number) => Tallies | undefined;
  readonly current: () => number;
  /** The oldest that counts. */
  readonly first: () => number;
  /** Drops what is too old, and what a clock that was ahead has left in the future. */
  readonly roll: () => void;
  readonly report: () => UsageReport;
}

/** @param now time of day, in milliseconds: hours are those of the clock, which survive a restart. */
export function createHours(now: () => number): Hours {
  const hours = new Map<number, Tallies>();
  const all: Tallies = new Map();
  /** Nobody has counted before. */
  let begun = current();

  function current(): number {
    return Math.floor(now() / HOUR_MS);
  }

  const first = (): number => current() - HOURS + 1;

  function roll(): void {
    for (const [hour, tallies] of hours) {
      if (hour >= first() && hour <= current()) continue;
      hours.delete(hour);
      for (const [key, tally] of tallies) takeFrom(all, key, tally);
    }
  }

  function tallied(hour: number): Tallies {
    const known = hours.get(hour);
    if (known !== undefined) return known;
    const fresh: Tallies = new Map();
    hours.set(hour, fresh);
    return fresh;
  }

  return {
    current,
    first,
    roll,
    add: (key, tally) => {
      addTo(tallied(current()), key, tally);
      addTo(all, key, tally);
    },
    restore: (hour, tallies) => {
      begun = Math.min(begun, hour);
      hours.set(hour, tallies);
      for (const [key, tally] of tallies) addTo(all, key, tally);
    },
    of: (hour) => hours.get(hour),
    report: () => {
      roll();
      const since = new Date(Math.max(first(), begun) * HOUR_MS).toISOString();
      return { since, lists: ofKind('list ', all), users: ofKind('user ', all) };
    },
  };
}

function ofKind(prefix: string, all: Tallies): Record<string, Tally> {
  const found = [...all].filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(found.map(([key, tally]) => [key.slice(prefix.length), tally]));
}
