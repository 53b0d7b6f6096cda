/**
 * Every change of the spool: on disk as a whole before anybody hears of it. A change that fails ends all changes, but for
 * a new message that a full disk has no room for.
 */
import type { Log } from '../observe/log.ts';
import type { AcceptedMessage, Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { DiskFullError, SyncError } from './disk.ts';
import type { SpoolFiles } from './files.ts';
import type { SpoolEntry, SpoolIndex } from './entries.ts';
import type { FreshMessages } from './fresh.ts';
import { encodeRecord, ID, newRecord, type QueuedMessage } from './record.ts';
import type { DiskSpace } from './disk-space.ts';
import type { SpoolStore } from './store.ts';

export interface Settlement {
  /** The message as it stays in the spool. */
  readonly next?: QueuedMessage | undefined;
  readonly reports: readonly NewReport[];
}

export interface NewReport {
  readonly message: AcceptedMessage;
  readonly bytes: Buffer;
}

/** @param isDue false where the message has a time of its own to wait for. */
export type PutListener = (entry: SpoolEntry, isDue: boolean) => void;

export interface WriterOptions {
  readonly store: SpoolStore;
  readonly files: SpoolFiles;
  readonly index: SpoolIndex;
  readonly fresh: FreshMessages;
  readonly room: DiskSpace;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly onFatal: (error: unknown) => void;
}

const NOTHING = Buffer.alloc(0);

export function createWriter({ store, files, index, fresh, room, metrics, log, onFatal }: WriterOptions) {
  const listeners: PutListener[] = [];
  let failed = false;

  /** After one write that failed, what the disk holds is no longer known: nothing is written or promised any more. */
  async function guarded(write: () => Promise<void>): Promise<void> {
    if (failed) throw new Error('spool failed');
    try {
      await write();
    } catch (error) {
      if (!failed) {
        failed = true;
        log.fatal({ err: error }, 'spool cannot be written');
        onFatal(error);
      }
      throw error;
    }
    // one that was under way already, and ended after the failure
    if (failed) throw new Error('spool failed');
  }

  function announce(entry: SpoolEntry, isDue = true): void {
    for (const listener of listeners) listener(entry, isDue);
  }

  async function put(message: AcceptedMessage, content: Content): Promise<void> {
    const { queued, inline, bytes } = await add(newRecord(message, { isFile: false }), content);
    const stored: Content = { head: NOTHING, body: { kind: 'memory', bytes: inline } };
    if (!queued.isFile) fresh.keep({ queued, content: stored }, bytes);
    announce(index.set(message.id, queued));
  }

  async function adopt(message: QueuedMessage, content: Content, key: string): Promise<void> {
    const { queued } = await add(message, content, [key]);
    announce(index.set(message.id, queued), false);
  }

  /** Resolves once the message is on disk; `bytes` is what it takes of the database. */
  async function add(message: QueuedMessage, { head, body }: Content, remember: readonly string[] = []) {
    if (!ID.test(message.id)) throw new Error('id not usable as a file name');
    if (failed) throw new Error('spool failed');
    const end = metrics.spoolWrite.startTimer();
    const isFile = body.kind === 'file';
    const queued = { ...message, isFile };
    // what fits into memory goes where one sync serves many messages; a file is the client's, and our lines go beside it
    const inline = isFile ? head : Buffer.concat([head, body.bytes]);
    const record = encodeRecord(queued);
    const change = { put: [{ id: message.id, record, body: inline }], remember };
    await room.use(message.size, async () => {
      if (isFile) await takeFile(message.id, body.path);
      await writeNew(change).catch(async (error: unknown) => {
        // after any other failure the record may be on the disk
        if (isFile && error instanceof DiskFullError) await files.remove(message.id);
        throw error;
      });
    });
    end();
    return { queued, inline, bytes: record.length + inline.length };
  }

  /** A full disk refuses one file and no more; a failed sync puts everything in doubt. */
  async function takeFile(id: string, file: string): Promise<void> {
    try {
      await files.takeOver(id, file);
    } catch (error) {
      if (error instanceof SyncError) await guarded(() => Promise.reject(error));
      throw error;
    }
  }

  /** A full disk refuses one message and no more. */
  async function writeNew(change: Parameters<SpoolStore['write']>[0]): Promise<void> {
    let full: DiskFullError | undefined;
    await guarded(() =>
      store.write(change).catch((error: unknown) => {
        if (!(error instanceof DiskFullError)) throw error;
        full = error;
      }),
    );
    if (full !== undefined) throw full;
  }

  async function settle(id: string, { next, reports }: Settlement): Promise<SpoolEntry | undefined> {
    fresh.remove(id);
    const added = reports.map(({ message, bytes: body }) => ({ queued: newRecord(message, { isFile: false }), body }));
    const put = added.map(({ queued, body }) => ({ id: queued.id, record: encodeRecord(queued), body }));
    if (next === undefined) await guarded(() => store.write({ put, remove: [id] }));
    else await guarded(() => store.write({ put: [...put, { id, record: encodeRecord(next) }] }));
    for (const { queued } of added) announce(index.set(queued.id, queued));
    if (next !== undefined) return index.set(id, next);
    // after the record: a file without one is removed at the next start, a record without its file would be a loss
    if (index.remove(id)?.isFile === true) await files.remove(id);
    return undefined;
  }

  return {
    put,
    adopt,
    forget: (keys: readonly string[]) => guarded(() => store.forget(keys)),
    settle,
    announce,
    onPut: (listener: PutListener) => void listeners.push(listener),
    hasFailed: () => failed,
  };
}
