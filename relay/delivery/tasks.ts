/**
 * What is being done to entries of the spool at this moment, so that a shutdown can wait for it and no entry is
 * forgotten.
 */
import type { Log } from '../observe/log.ts';
import type { SpoolEntry } from '../spool/entries.ts';

export interface Tasks {
  /** Runs what deals with an entry; what it resolves with is kept for later. */
  run(entry: SpoolEntry, deal: () => Promise<SpoolEntry | undefined>): void;
  size(): number;
  /** Resolves when what is done with this message is over; undefined: nothing is. */
  endOf(id: string): Promise<void> | undefined;
  /** Resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

/** A fault of ours is not mended by haste. */
const FAULT_RETRY_MS = 60_000;

export interface TasksOptions {
  readonly log: Log;
  readonly now: () => number;
  readonly keep: (entry: SpoolEntry) => void;
  readonly onEnd: () => void;
}

export function createTasks({ log, now, keep, onEnd }: TasksOptions): Tasks {
  const running = new Map<string, Promise<void>>();

  async function deal(entry: SpoolEntry, run: () => Promise<SpoolEntry | undefined>): Promise<void> {
    try {
      const next = await run();
      if (next !== undefined) keep(next);
    } catch (error) {
      // a fault of ours: the message is still on disk as it was
      log.error({ err: error, id: entry.id }, 'delivery attempt failed');
      keep(entry.dueAt(now() + FAULT_RETRY_MS));
    }
  }

  return {
    run: (entry, run) => {
      const one = deal(entry, run).finally(() => {
        running.delete(entry.id);
        onEnd();
      });
      running.set(entry.id, one);
    },
    size: () => running.size,
    endOf: (id) => running.get(id),
    ended: async () => {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
