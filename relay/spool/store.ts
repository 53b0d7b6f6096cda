/**
 * The spool's database: records, and contents but for large ones, in lmdb, one atomic batch a change.
 *
 * `overlappingSync` is off on purpose: with it, lmdb shows a write that failed to reach the disk as a promise that never
 * settles; without it the promise of the batch rejects, and resolves only after fdatasync.
 *
 * lmdb is given one commit at a time. Of three that are under way it forgets the second one's outcome (its list of open
 * commits keeps the first and the last), and tells the third one's instead: a write that had failed was said to be on disk.
 * Changes that come while a commit is under way share the next one, so that the price of a sync is divided among all writers.
 */
import { open as openLmdb } from 'lmdb';
import { open, stat, statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { shareRuns } from '../share-runs.ts';
import { hasDatabase } from './database-file.ts';
import { DiskFullError } from './disk.ts';
import { scanRecords } from './scan.ts';

interface Change {
  readonly put?: readonly { readonly id: string; readonly record: Buffer; readonly body?: Buffer | undefined }[];
  readonly remove?: readonly string[];
  /** Keys of messages that another relay has handed over, which are remembered when the messages are long gone. */
  readonly remember?: readonly string[];
  readonly forget?: readonly string[];
}

export interface SpoolStore {
  /** There was no database. */
  readonly isNew: boolean;
  /**
   * Resolves when the whole change is on disk; rejects when nothing of it may be relied upon. With a `DiskFullError`
   * nothing of it is in the database, and all else is as it was.
   */
  write(change: Change): Promise<void>;
  record(id: string): Buffer | undefined;
  body(id: string): Buffer | undefined;
  /** In the order of their ids. */
  records(after: string, most: number): Iterable<{ readonly key: string; readonly value: Buffer }>;
  /** What is remembered under keys that begin so, and since when (milliseconds since the epoch). */
  remembered(prefix: string): Iterable<{ readonly key: string; readonly since: number }>;
  /** Resolves when they are gone from the disk. */
  forget(keys: readonly string[]): Promise<void>;
  /** Pages of the database file that are free to be used again, in bytes. */
  freeBytes(): Promise<number>;
  /** Sees to free pages for settlements where there are few. Rejects where the disk has no room, and hardly any is free. */
  keepRoom(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Room within the file, so that a full disk stops what comes in and never what is settled: an outcome that cannot be
 * written is a message that goes out again at each start. As much as one commit takes in which every answer that may
 * wait for the disk (UNRECORDED_MAX in deliver.ts) brings a report of the largest kind, and twice that.
 */
export const SETTLE_BYTES = 16 * 1024 * 1024;
/** With less than this free, one message after the other can still be settled: each gives its pages to the next. */
const SETTLE_LEAST_BYTES = 1024 * 1024;
/** Keys of the contents that make the room: no ids of messages, and without records. Small, for pages lie scattered. */
const ROOM_PART_BYTES = 64 * 1024;
const ROOM_PARTS = Array.from({ length: SETTLE_BYTES / ROOM_PART_BYTES }, (_, part) => `_room${part}`);

/** What lmdb's `getStats` returns, whose own type says nothing. */
interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface DatabaseStats extends TreeStats {
  readonly pageSize: number;
  readonly root: TreeStats;
  readonly free: TreeStats;
}

/** More than lmdb writes at once: with less than this free, that was too much for the disk. */
const LEFT_OF_FULL_BYTES = 1024 * 1024;

const META_PAGES = 2;
/** Behind whatever a key may have at a place. */
const LAST = '~';

/** Until then a crash would send again what was delivered: short, and long enough for the next message to come. */
const REMOVAL_WAIT_MS = 5;

export type OpenStore = (file: string, show?: (id: string, record: string) => boolean) => Promise<SpoolStore>;

/** Opens the database, or makes one. Each record in it is shown first, in the order of ids, until `show` returns false. */
export const openStore: OpenStore = async (file, show = () => false) => {
  const isNew = !(await hasDatabase(file));
  if (!isNew) await scanRecords(file, show);
  // lmdb would make files that the group may read
  for (const ours of [file, `${file}-lock`]) await makePrivate(ours);
  return { ...openDatabase(file), isNew };
};

async function makePrivate(file: string): Promise<void> {
  await using handle = await open(file, 'a', 0o600);
  await handle.chmod(0o600);
}

function openDatabase(file: string): Omit<SpoolStore, 'isNew'> {
  const root = openLmdb({ path: file, noSubdir: true, maxDbs: 3, overlappingSync: false, eventTurnBatching: false });
  const records = root.openDB<Buffer, string>('records', { encoding: 'binary' });
  const bodies = root.openDB<Buffer, string>('bodies', { encoding: 'binary' });
  const handedOver = root.openDB<string, string>('handed-over', { encoding: 'string' });

  let waiting: { readonly change: Change; full?: DiskFullError }[] = [];
  const commitWaiting = shareRuns(async () => {
    const together = waiting;
    waiting = [];
    try {
      await inOne(() => together.forEach(({ change }) => apply(change)));
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      // what there is no room for fails alone: another change may be small, or give pages back
      for (const one of together) {
        await inOne(() => apply(one.change)).catch((reason: unknown) => {
          if (!(reason instanceof DiskFullError)) throw reason;
          one.full = reason;
        });
      }
    }
  });

  async function commit(change: Change): Promise<void> {
    const one: (typeof waiting)[number] = { change };
    waiting.push(one);
    await commitWaiting();
    if (one.full !== undefined) throw one.full;
  }

  function apply({ put = [], remove = [], remember = [], forget = [] }: Change): void {
    for (const { id, record, body } of put) {
      void records.put(id, record);
      if (body !== undefined) void bodies.put(id, body);
    }
    for (const id of remove) {
      void records.remove(id);
      void bodies.remove(id);
    }
    for (const key of remember) void handedOver.put(key, String(Date.now()));
    for (const key of forget) void handedOver.remove(key);
  }

  async function inOne(change: () => void): Promise<void> {
    try {
      await root.batch(change);
    } catch (error) {
      const reason = await reasonOf(error);
      throw (await isFull(reason)) ? new DiskFullError('no room on the disk', { cause: reason }) : reason;
    }
  }

  /** It comes as a second promise, whose rejection would end the process if nobody took it. */
  async function reasonOf(error: unknown): Promise<unknown> {
    if (!(error instanceof Error && 'commitError' in error)) return error;
    try {
      await error.commitError;
      return error;
    } catch (reason) {
      return reason;
    }
  }

  /** lmdb calls a write of which only a part had room an input/output error. */
  async function isFull(error: unknown): Promise<boolean> {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === constants.errno.ENOSPC || code === constants.errno.EDQUOT) return true;
    if (code !== constants.errno.EIO) return false;
    const { bavail, bsize } = await statfs(path.dirname(file));
    return bavail * bsize < LEFT_OF_FULL_BYTES;
  }

  async function freeBytes(): Promise<number> {
    const [all, ...others] = [records, bodies, handedOver].map((one) => one.getStats() as DatabaseStats);
    if (all === undefined) return 0;
    const pages = [all, ...others, all.root, all.free].map(
      ({ treeBranchPageCount, treeLeafPageCount, overflowPages }) =>
        treeBranchPageCount + treeLeafPageCount + overflowPages,
    );
    // a snapshot that is held keeps what is freed from being used
    root.resetReadTxn();
    const used = pages.reduce((sum, count) => sum + count, META_PAGES);
    return Math.max(0, (await stat(file)).size - used * all.pageSize);
  }

  /** lmdb gives freed pages to later commits, and never gives them back to the disk. */
  async function keepRoom(): Promise<void> {
    const remove = () => inOne(() => ROOM_PARTS.forEach((part) => void bodies.remove(part)));
    // a process that was killed between the two
    if (ROOM_PARTS.some((part) => bodies.doesExist(part))) await remove();
    const free = await freeBytes();
    if (free >= SETTLE_BYTES / 2) return;
    try {
      const content = Buffer.alloc(ROOM_PART_BYTES);
      await inOne(() => ROOM_PARTS.forEach((part) => void bodies.put(part, content)));
    } catch (error) {
      // the file of a disk that is full cannot grow, and what is in it should still be drained
      if (free >= SETTLE_LEAST_BYTES) return;
      throw error;
    }
    await remove();
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
    records: (after, most) => records.getRange({ start: after, exclusiveStart: true, limit: most }),
    remembered: (prefix) =>
      handedOver
        .getRange({ start: prefix, end: `${prefix}${LAST}` })
        .map(({ key, value }) => ({ key, since: Number(value) })),
    forget: (keys) => commit({ forget: keys }),
    freeBytes,
    keepRoom,
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
