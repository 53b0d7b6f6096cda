/**
 * What a relay counts of its lists and users: of one worker, or of all together in their parent. It is written down every few
 * seconds: a relay that is killed forgets what it has counted since, and counts nothing twice.
 */
import path from 'node:path';
import type { Log } from '../log.ts';
import type { Tally, UsageReport } from '../usage-report.ts';
import { createHourFiles } from './files.ts';
import { createHours } from './hours.ts';

/** Whose mail it was; absent where the configuration does not know of it (any more). */
export interface Owner {
  /** `NAMESPACE/NAME`, as the user's object. */
  readonly list?: string | undefined;
  readonly user?: string | undefined;
}

export type CountUsage = (owner: Owner, tally: Tally) => void;

export interface Usage {
  readonly count: CountUsage;
  /** What workers have counted. */
  readonly addAll: (tallies: Iterable<readonly [string, Tally]>) => void;
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
const KEEP_EVERY_MS = 5000;

/** Reads what an earlier run has counted. */
export async function openUsage({ spoolFolder, log, now = Date.now, everyMs }: UsageOptions): Promise<Usage> {
  const hours = createHours(now);
  const files = createHourFiles(path.join(spoolFolder, 'usage'), log);
  /** Hours that differ from their files. */
  let dirty = new Set<number>();
  /** The hour that was under way at the last write. */
  let latest: number | undefined;
  let writing = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isTroubled = false;

  for (const [hour, tallies] of await files.read()) {
    if (hour >= hours.first() && hour <= hours.current()) hours.restore(hour, tallies);
  }

  function add(key: string, tally: Tally): void {
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
  }

  function writeNow(): Promise<void> {
    writing = writing.then(write).then(
      () => void (isTroubled = false),
      (error: unknown) => {
        if (!isTroubled) log.warn({ event: 'usage', err: error }, 'what is counted cannot be written down');
        isTroubled = true;
      },
    );
    return writing;
  }

  return {
    count: (owner, tally) => {
      for (const [key, one] of keyed(owner, tally)) add(key, one);
    },
    addAll: (tallies) => {
      for (const [key, tally] of tallies) add(key, tally);
    },
    report: hours.report,
    keep: () => {
      timer = setInterval(() => void writeNow(), everyMs ?? KEEP_EVERY_MS);
      void writeNow();
    },
    close: async () => {
      if (timer === undefined) return;
      clearInterval(timer);
      await writeNow();
    },
  };
}

export function keyed({ list, user }: Owner, tally: Tally): readonly (readonly [string, Tally])[] {
  return [
    ...(list === undefined ? [] : [[`list ${list}`, tally] as const]),
    ...(user === undefined ? [] : [[`user ${user}`, tally] as const]),
  ];
}

/** Nothing is counted. */
export const uncounted: CountUsage = () => undefined;
