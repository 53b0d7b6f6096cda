/**
 * The spool's database: records and small contents in lmdb, one atomic batch a change.
 *
 * `overlappingSync` is off on purpose: with it, lmdb shows a write that failed to reach the disk as a promise that never
 * settles; without it the promise of the batch rejects, and resolves only after fdatasync. Batches that arrive while a
 * commit is under way share the next one, so that the price of a sync is divided among all writers.
 */
import { open } from 'lmdb';
import { stat } from 'node:fs/promises';

interface Change {
  readonly put?: readonly { readonly id: string; readonly record: Buffer; readonly body?: Buffer | undefined }[];
  readonly remove?: readonly string[];
}

export interface SpoolStore {
  /** Resolves when the whole change is on disk; rejects when nothing of it may be relied upon. */
  write(change: Change): Promise<void>;
  record(id: string): Buffer | undefined;
  body(id: string): Buffer | undefined;
  records(): Iterable<{ readonly key: string; readonly value: Buffer }>;
  /** Size of the database file, free pages included. */
  fileBytes(): Promise<number>;
  close(): Promise<void>;
}

/** Until then a crash would send again what was delivered: short, and long enough for the next message to come. */
const REMOVAL_WAIT_MS = 5;

export function openStore(file: string): SpoolStore {
  const root = open({ path: file, noSubdir: true, maxDbs: 2, overlappingSync: false, eventTurnBatching: false });
  const records = root.openDB<Buffer, string>('records', { encoding: 'binary' });
  const bodies = root.openDB<Buffer, string>('bodies', { encoding: 'binary' });

  async function commit({ put = [], remove = [] }: Change): Promise<void> {
    const written = root.batch(() => {
      for (const { id, record, body } of put) {
        void records.put(id, record);
        if (body !== undefined) void bodies.put(id, body);
      }
      for (const id of remove) {
        void records.remove(id);
        void bodies.remove(id);
      }
    });
    await written.catch(async (error: { readonly commitError?: Promise<never> }) => {
      // the reason comes as a second promise, whose rejection would end the process if nobody took it
      await error.commitError;
      throw error;
    });
  }

  const removals = collectRemovals((remove) => commit({ remove }));
  return {
    write: (change) => {
      if (change.put === undefined || change.put.length === 0) return removals.add(change.remove ?? []);
      const written = commit(change);
      removals.begin();
      return written;
    },
    record: (id) => records.getBinary(id),
    body: (id) => bodies.getBinary(id),
    records: () => records.getRange(),
    fileBytes: async () => (await stat(file)).size,
    close: async () => {
      await removals.ended();
      await root.close();
    },
  };
}

/** Nobody waits for the end of a message: it goes in one commit with the next message that comes, or soon by itself. */
function collectRemovals(commit: (ids: readonly string[]) => Promise<void>) {
  let ids: string[] = [];
  let committed: Promise<void> | undefined;
  let begin = () => {};

  async function collect(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, REMOVAL_WAIT_MS);
      begin = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const collected = ids;
    ids = [];
    committed = undefined;
    await commit(collected);
  }

  return {
    /** Resolves when they are gone from the disk. */
    add: (more: readonly string[]): Promise<void> => {
      ids.push(...more);
      committed ??= collect();
      return committed;
    },
    /** Commits what there is now. */
    begin: () => begin(),
    ended: async (): Promise<void> => {
      begin();
      await committed;
    },
  };
}
