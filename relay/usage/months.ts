/**
 * How much users with a monthly quota have sent this month, by UTC. It has the interface of a window counter
 * (submission/limits.ts), but its window is the calendar month, and it is kept on disk: a restart must not begin the
 * month anew.
 */
import type { Window, WindowCounter } from '../submission/window-counter.ts';

export interface Months extends Pick<WindowCounter, 'used' | 'add' | 'giveBack' | 'remainingMs'> {
  readonly all: () => MonthCounts;
  readonly restore: (counts: MonthCounts) => void;
}

export interface MonthCounts {
  /** `2026-11`. */
  readonly month: string;
  /** Messages, by user (`NAMESPACE/NAME`). */
  readonly messages: Readonly<Record<string, number>>;
}

/** As for other rates: the one that was first forgotten first. */
const KEYS_MAX = 100_000;

export function monthOf(time: number): string {
  return new Date(time).toISOString().slice(0, 7);
}

/** Time left in the month that this time is in. */
export function monthLeftMs(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) - time;
}

/** @param now time of day, in milliseconds. */
export function createMonths(now: () => number): Months {
  let counts = new Map<string, number>();
  let month = monthOf(now());

  function current(): Map<string, number> {
    const today = monthOf(now());
    if (today !== month) {
      month = today;
      counts = new Map();
    }
    return counts;
  }

  const start = (): number => Date.parse(`${month}-01T00:00:00Z`);

  function change(key: string, by: number): Window {
    const counted = current();
    const count = Math.max(0, (counted.get(key) ?? 0) + by);
    const [oldest] = counted.keys();
    if (!counted.has(key) && counted.size >= KEYS_MAX && oldest !== undefined) counted.delete(oldest);
    counted.set(key, count);
    return { start: start(), count };
  }

  return {
    used: (key) => current().get(key) ?? 0,
    add: (key) => change(key, 1),
    giveBack: (key, counted) => {
      if (current().has(key) && counted.start === start()) change(key, -1);
    },
    remainingMs: () => monthLeftMs(now()),
    all: () => ({ messages: Object.fromEntries(current()), month }),
    restore: (before) => {
      if (before.month === monthOf(now())) counts = new Map(Object.entries(before.messages));
    },
  };
}
