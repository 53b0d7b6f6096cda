/** Reads a message back from the spool, and deals with one that cannot be read. */
import type { Log } from '../observe/log.ts';
import type { Content } from '../message.ts';
import type { SpoolFiles } from './files.ts';
import type { SpoolIndex } from './entries.ts';
import type { FreshMessages } from './fresh.ts';
import type { Quarantine } from './quarantine.ts';
import { decodeRecord, ID, type QueuedMessage } from './record.ts';
import type { SpoolStore } from './store.ts';

export interface SpoolReader {
  look(id: string): QueuedMessage | undefined;
  read(id: string): Promise<{ readonly queued: QueuedMessage; readonly content: Content } | undefined>;
  quarantine(id: string, reason: string): Promise<void>;
}

export interface ReaderOptions {
  readonly store: SpoolStore;
  readonly files: SpoolFiles;
  readonly index: SpoolIndex;
  readonly fresh: FreshMessages;
  readonly quarantine: Quarantine;
  readonly log: Log;
}

const NOTHING = Buffer.alloc(0);

export function createReader({ store, files, index, fresh, quarantine: aside, log }: ReaderOptions): SpoolReader {
  async function contentOf(queued: QueuedMessage): Promise<Content | undefined> {
    if (queued.isFile) {
      // a spool of an older version has all of it in the file
      const head = store.body(queued.id) ?? NOTHING;
      const isWhole = (await files.sizeOf(queued.id)) === queued.size - head.length;
      return isWhole ? { head, body: { kind: 'file', path: files.pathOf(queued.id) } } : undefined;
    }
    const bytes = store.body(queued.id);
    return bytes?.length === queued.size ? { head: NOTHING, body: { kind: 'memory', bytes } } : undefined;
  }

  /** Out of the queue's way, with every byte of it kept for people; in the queue until that is done. */
  async function quarantine(id: string, reason: string): Promise<void> {
    log.error({ id, reason, folder: aside.folder }, 'message moved to quarantine');
    const file = ID.test(id) && (await files.sizeOf(id)) !== undefined ? files.pathOf(id) : undefined;
    await aside.keep(id, { record: store.record(id), stored: store.body(id), file });
    await store.write({ remove: [id] });
    index.remove(id);
  }

  async function read(id: string) {
    const known = fresh.remove(id);
    if (known !== undefined) return known;
    const bytes = store.record(id);
    if (bytes === undefined) return undefined;
    const queued = decodeRecord(bytes.toString());
    if ('broken' in queued) await quarantine(id, queued.broken);
    else {
      const content = await contentOf(queued);
      if (content !== undefined) return { queued, content };
      await quarantine(id, 'content missing or of another size');
    }
    return undefined;
  }

  function look(id: string): QueuedMessage | undefined {
    const bytes = store.record(id);
    const queued = bytes && decodeRecord(bytes.toString());
    return queued === undefined || 'broken' in queued ? undefined : queued;
  }

  return { look, read, quarantine };
}
