/**
 * What a relay counts of its lists and users: of one worker, or of all together in their parent. It is written down every few
 * seconds: a relay that is killed forgets what it has counted since, and counts nothing twice.
 */
import path from 'node:path';
import type { Log } from '../observe/log.ts';
import type { Tally, UsageReport, UserTally } from '../observe/usage-report.ts';
import { keyed, NOBODY, type UsageCounter } from './counter.ts';
import { createHourFiles } from './hour-files.ts';
import { createHours } from './hours.ts';
import { createRecentRefusals } from './recent-refusals.ts';
import { createMonths, type Months } from './months.ts';
import { createPauses, pausedOf, type WatchedUser } from './pauses.ts';
import { readStanding, type Standing, writeStanding } from './standing-file.ts';
import type { WorkerUsage } from './worker-usage.ts';

export interface Usage {
  readonly counter: UsageCounter;
  /** Counts messages of users with a monthly quota. */
  readonly months: Months;
  /** What a worker has counted. */
  readonly addAll: (usage: WorkerUsage) => void;
  readonly paused: () => readonly (readonly [string, WatchedUser])[];
  /** Called when one more user is paused. */
  readonly onPause: (listener: () => void) => void;
  readonly report: () => UsageReport;
  /** Writes it down from now on. Not before the spool is this process's alone. */
  readonly keep: () => void;
  /** Writes down what is left to write. */
  readonly close: () => Promise<void>;
}

export interface UsageOptions {
  readonly spoolFolder: string;
  readonly log: Log;
  /** Time of day, in milliseconds. */
  readonly now?: () => number;
  readonly everyMs?: number;
}

/** A relay that is killed forgets what it has counted in so long. */
const KEEP_EVERY_MS = 1000;
/**
 * With ten thousand busy users a write takes a while: it is made less often, so that it takes no more of the time than
 * this. A disk that is slow must not make that minutes: most of its time costs nobody anything.
 */
const WRITING_SHARE = 1 / 20;
const KEEP_AT_LEAST_EVERY_MS = 5000;

/** Reads what an earlier run has counted. */
export async function openUsage({ spoolFolder, log, now = Date.now, everyMs }: UsageOptions): Promise<Usage> {
  const folder = path.join(spoolFolder, 'usage');
  const hours = createHours(now);
  const files = createHourFiles(folder, log);
  const recentRefusals = createRecentRefusals(now);
  const months = createMonths(now);
  const listeners: (() => void)[] = [];
  const pauses = createPauses(now, () => listeners.forEach((listener) => listener()));
  /** Hours that differ from their files. */
  let dirty = new Set<number>();
  /** The hour that was under way at the last write. */
  let latest: number | undefined;
  /** As it was written last. */
  let standing = '';
  let writing = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let state: 'read' | 'kept' | 'closed' = 'read';
  let isTroubled = false;

  for (const [hour, tallies] of await files.read()) {
    if (hour >= hours.first() && hour <= hours.current()) hours.restore(hour, tallies);
  }
  const before = await readStanding(folder, log);
  if (before !== undefined) {
    months.restore(before.months);
    pauses.restore(Object.entries(before.watched));
  }

  function add(key: string, tally: Tally): void {
    recentRefusals.add(key, tally);
    if (key === NOBODY) return;
    dirty.add(hours.current());
    hours.add(key, tally);
  }

  async function write(): Promise<void> {
    const hour = hours.current();
    if (hour !== latest) {
      hours.roll();
      // one without a count has a file, too: it says that somebody was there to count
      dirty.add(hour);
      await files.removeBefore(hours.first());
    }
    const pending = dirty;
    // whatever is counted from here on is for the next time
    dirty = new Set();
    try {
      for (const one of pending) await files.write(one, hours.of(one) ?? new Map());
      latest = hour;
    } catch (error) {
      for (const one of pending) dirty.add(one);
      throw error;
    }
    const text = JSON.stringify({ months: months.all(), watched: Object.fromEntries(pauses.all()) } satisfies Standing);
    if (text === standing) return;
    await writeStanding(folder, text);
    standing = text;
  }

  function writeNow(): Promise<void> {
    writing = writing.then(write).then(
      () => void (isTroubled = false),
      (error: unknown) => {
        if (!isTroubled) log.warn({ event: 'usage', err: error }, 'counts cannot be written to disk');
        isTroubled = true;
      },
    );
    return writing;
  }

  async function keepOn(): Promise<void> {
    const start = performance.now();
    await writeNow();
    const waitMs = pauseAfter(performance.now() - start, everyMs);
    if (state === 'kept') timer = setTimeout(() => void keepOn(), waitMs);
  }

  function report(): UsageReport {
    const { users, ...rest } = hours.report();
    const all: Record<string, UserTally> = { ...users };
    const { month, messages } = months.all();
    for (const [user, count] of Object.entries(messages)) {
      all[user] = { ...all[user], month: { name: month, messages: count } };
    }
    for (const [user, { resume, judged, bounced, since }] of pauses.all()) {
      if (since !== undefined) all[user] = { ...all[user], paused: { since, bounced, judged, resume } };
    }
    return { ...rest, users: all, refusedLately: recentRefusals.report() };
  }

  return {
    counter: {
      count: (owner, tally) => {
        for (const [key, one] of keyed(owner, tally)) add(key, one);
      },
      see: pauses.see,
      isPaused: pauses.isPaused,
    },
    months,
    addAll: ({ counted, seen }) => {
      for (const [key, tally] of counted) add(key, tally);
      for (const [user, terms, what] of seen) pauses.see(user, terms, what);
    },
    paused: () => pausedOf(pauses.all()),
    onPause: (listener) => void listeners.push(listener),
    report,
    keep: () => {
      state = 'kept';
      void keepOn();
    },
    close: async () => {
      if (state !== 'kept') return;
      state = 'closed';
      clearTimeout(timer);
      await writeNow();
    },
  };
}

/** How long to wait after a write that took so long; milliseconds. */
export function pauseAfter(tookMs: number, everyMs: number = KEEP_EVERY_MS): number {
  return Math.max(everyMs, Math.min(tookMs / WRITING_SHARE, KEEP_AT_LEAST_EVERY_MS));
}
