/**
 * The spool: what was answered with 250 and has not reached every recipient. A message is on disk before `put`
 * resolves, and leaves it only when `settle` says so; everything between is decided by deliver.ts.
 *
 *   FOLDER/queue.mdb     records and small contents (spool-store.ts)
 *   FOLDER/bodies/ID     larger contents (spool-files.ts)
 *   FOLDER/incoming/     contents being received
 *   FOLDER/quarantine/   what could not be read, for people
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from './log.ts';
import type { AcceptedMessage, Content } from './message.ts';
import type { Metrics } from './metrics.ts';
import { openFiles, type SpoolFiles, SyncError } from './spool-files.ts';
import { createSpoolIndex, type SpoolEntry, type SpoolIndex } from './spool-index.ts';
import { lockFolder } from './spool-lock.ts';
import { decodeRecord, encodeRecord, newRecord, type QueuedMessage } from './spool-record.ts';
import { openRoom } from './spool-room.ts';
import { openStore, type SpoolStore } from './spool-store.ts';

export interface Spool {
  /**
   * Resolves once the message is on disk. A file is taken over by renaming it. Throws where it could not be stored;
   * nothing may be acknowledged then.
   */
  put(message: AcceptedMessage, content: Content): Promise<void>;
  /** Whether a message of this size fits without touching the reserve; false for good after a failed write. */
  hasRoom(bytes: number): boolean;
  /** Folder for contents being received, on the spool's file system. */
  readonly incomingFolder: string;
  /** What lies in the spool, oldest first. */
  entries(): Iterable<SpoolEntry>;
  /** Called with each message that `put` or `settle` brings in, after it is on disk. */
  onPut(listener: (entry: SpoolEntry) => void): void;
  /** Undefined where it is gone, or broken (then it is moved aside, and the log says so). */
  read(id: string): Promise<{ readonly queued: QueuedMessage; readonly content: Content } | undefined>;
  /** Replaces a message, or removes it where `next` is absent, and adds reports about it: all on disk, or nothing. */
  settle(id: string, outcome: Settlement): Promise<SpoolEntry | undefined>;
  close(): Promise<void>;
}

export interface Settlement {
  /** The message as it stays in the spool. */
  readonly next?: QueuedMessage | undefined;
  readonly reports: readonly NewReport[];
}

export interface NewReport {
  readonly message: AcceptedMessage;
  readonly bytes: Buffer;
}

export interface SpoolOptions {
  readonly metrics: Metrics;
  readonly log: Log;
  /** Free disk space that is never used, in bytes. */
  readonly reserveBytes: number;
  /** A write failed: what the disk holds is known only after opening it again. The process should end. */
  readonly onFatal?: (error: unknown) => void;
}

/** Below this a content lies in the database, where one sync serves many messages; above, copying it there costs more. */
const INLINE_MAX_BYTES = 64 * 1024;

/** Ids become keys and file names. */
const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,79}$/;

/** Throws where the folder cannot be used, or another process uses it. */
export async function openSpool(
  folder: string,
  { metrics, log, reserveBytes, onFatal = () => {} }: SpoolOptions,
): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(folder);
  const files = await openFiles(folder);
  const store = openStore(path.join(folder, 'queue.mdb'));
  const index = createSpoolIndex(metrics);
  const quarantine = createQuarantine(folder, { store, files, index, log });
  await load({ store, files, index, quarantine, log });
  const room = await openRoom(folder, {
    reserveBytes,
    reusableBytes: async () => Math.max(0, (await store.fileBytes()) - index.inlineBytes()),
  });
  const listeners: ((entry: SpoolEntry) => void)[] = [];
  let failed = false;

  /** Only a write that is known to be whole counts. */
  async function guarded(write: () => Promise<void>): Promise<void> {
    if (failed) throw new Error('spool failed');
    try {
      await write();
    } catch (error) {
      failed = true;
      log.fatal({ err: error }, 'spool cannot be written');
      onFatal(error);
      throw error;
    }
  }

  function announce(queued: QueuedMessage): void {
    const entry = index.set(queued);
    for (const listener of listeners) listener(entry);
  }

  async function put(message: AcceptedMessage, content: Content): Promise<void> {
    if (!ID.test(message.id)) throw new Error('id not usable as a file name');
    if (failed) throw new Error('spool failed');
    const end = metrics.spoolWrite.startTimer();
    const inline = content.kind === 'memory' && content.bytes.length <= INLINE_MAX_BYTES ? content.bytes : undefined;
    const queued = newRecord(message, { isFile: inline === undefined });
    if (inline === undefined) await takeFile(message.id, content);
    await guarded(() => store.write({ put: [{ id: message.id, record: encodeRecord(queued), body: inline }] }));
    room.use(message.size);
    end();
    announce(queued);
  }

  /** A full disk refuses one file and no more; a failed sync puts everything in doubt. */
  async function takeFile(id: string, content: Content): Promise<void> {
    try {
      await files.take(id, content);
    } catch (error) {
      if (error instanceof SyncError) await guarded(() => Promise.reject(error));
      throw error;
    }
  }

  return {
    put,
    hasRoom: (bytes) => !failed && index.hasRoom() && room.has(bytes),
    incomingFolder: files.incoming,
    entries: () => index.entries(),
    onPut: (listener) => void listeners.push(listener),
    read: async (id) => {
      const bytes = store.record(id);
      if (bytes === undefined) return undefined;
      const queued = decodeRecord(bytes);
      const content = queued === undefined ? undefined : await contentOf(queued, { store, files });
      if (queued !== undefined && content !== undefined) return { queued, content };
      await quarantine(id, queued === undefined ? 'record not readable' : 'content missing or of another size');
      return undefined;
    },
    settle: async (id, { next, reports }) => {
      const added = reports.map(({ message, bytes }) => ({
        queued: newRecord(message, { isFile: false }),
        body: bytes,
      }));
      const put = added.map(({ queued, body }) => ({ id: queued.id, record: encodeRecord(queued), body }));
      if (next === undefined) await guarded(() => store.write({ put, remove: [id] }));
      else await guarded(() => store.write({ put: [...put, { id, record: encodeRecord(next) }] }));
      for (const { queued } of added) announce(queued);
      if (next !== undefined) return index.set(next);
      if (index.remove(id)?.isFile === true) await files.remove(id);
      return undefined;
    },
    close: async () => {
      room.close();
      await store.close();
      await lock.release();
    },
  };
}

interface Parts {
  readonly store: SpoolStore;
  readonly files: SpoolFiles;
  readonly index: SpoolIndex;
  readonly log: Log;
}

/** Reads what an earlier process left. Files without a record were never acknowledged, or are done: they go. */
async function load({ store, files, index, log, quarantine }: Parts & { quarantine: Quarantine }): Promise<void> {
  const found: QueuedMessage[] = [];
  const broken: string[] = [];
  for (const { key, value } of store.records()) {
    const queued = decodeRecord(value);
    if (queued?.id === key) found.push(queued);
    else broken.push(key);
  }
  for (const queued of found.toSorted((a, b) => a.receivedMs - b.receivedMs)) index.set(queued);
  for (const id of broken) await quarantine(id, 'record not readable');
  const orphans = await files.removeExcept(index);
  if (index.size() + orphans > 0) log.info({ messages: index.size(), orphans }, 'spool opened');
}

async function contentOf(
  queued: QueuedMessage,
  { store, files }: Pick<Parts, 'store' | 'files'>,
): Promise<Content | undefined> {
  if (queued.isFile) {
    const isWhole = (await files.sizeOf(queued.id)) === queued.size;
    return isWhole ? { kind: 'file', path: files.pathOf(queued.id) } : undefined;
  }
  const bytes = store.body(queued.id);
  return bytes?.length === queued.size ? { kind: 'memory', bytes } : undefined;
}

type Quarantine = (id: string, reason: string) => Promise<void>;

/** Moves what cannot be read out of the queue's way, and keeps every byte of it for people. */
function createQuarantine(folder: string, { store, files, index, log }: Parts): Quarantine {
  const aside = path.join(folder, 'quarantine');
  return async (id, reason) => {
    index.remove(id);
    log.error({ id, reason, folder: aside }, 'message moved to quarantine');
    await mkdir(aside, { recursive: true, mode: 0o700 });
    const name = path.join(aside, encodeURIComponent(id));
    const [record, body] = [store.record(id), store.body(id)];
    if (record !== undefined) await writeFile(`${name}.record`, record, { mode: 0o600 });
    if (body !== undefined) await writeFile(`${name}.eml`, body, { mode: 0o600 });
    if (ID.test(id)) await rename(files.pathOf(id), `${name}.eml`).catch(() => {});
    await store.write({ remove: [id] });
  };
}
