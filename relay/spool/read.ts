/** Reading a message back from the spool, and what happens to one that cannot be read. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '../log.ts';
import type { Content } from '../message.ts';
import type { SpoolFiles } from './files.ts';
import type { SpoolIndex } from './entries.ts';
import { decodeRecord, ID, type QueuedMessage } from './record.ts';
import type { SpoolStore } from './store.ts';

export interface SpoolReader {
  read(id: string): Promise<{ readonly queued: QueuedMessage; readonly content: Content } | undefined>;
  quarantine(id: string, reason: string): Promise<void>;
}

export interface ReaderOptions {
  readonly store: SpoolStore;
  readonly files: SpoolFiles;
  readonly index: SpoolIndex;
  readonly log: Log;
}

const NOTHING = Buffer.alloc(0);

export function createReader({ store, files, index, log }: ReaderOptions): SpoolReader {
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
    log.error({ id, reason, folder: files.aside }, 'message moved to quarantine');
    await mkdir(files.aside, { recursive: true, mode: 0o700 });
    const name = path.join(files.aside, encodeURIComponent(id));
    const [record, body] = [store.record(id), store.body(id)];
    if (record !== undefined) await writeFile(`${name}.record`, record, { mode: 0o600 });
    const isFile = ID.test(id) && (await files.sizeOf(id)) !== undefined;
    // of a message in a file, the database has the lines that stand in front of it
    if (body !== undefined && body.length > 0)
      await writeFile(isFile ? `${name}.head` : `${name}.eml`, body, { mode: 0o600 });
    if (ID.test(id)) await files.setAside(id);
    await store.write({ remove: [id] });
    index.remove(id);
  }

  async function read(id: string) {
    const bytes = store.record(id);
    if (bytes === undefined) return undefined;
    const queued = decodeRecord(bytes);
    const content = queued === undefined ? undefined : await contentOf(queued);
    if (queued !== undefined && content !== undefined) return { queued, content };
    await quarantine(id, queued === undefined ? 'record not readable' : 'content missing or of another size');
    return undefined;
  }

  return { read, quarantine };
}
