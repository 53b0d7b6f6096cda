/**
 * Loads what an earlier process left in the spool. If the queue is longer than memory has room for (that process may
 * have had more), the oldest messages come in first, and the others when there is room again: nothing is accepted
 * meanwhile.
 */
import type { SpoolFiles } from './files.ts';
import type { SpoolEntry, SpoolIndex } from './entries.ts';
import type { Log } from '../observe/log.ts';
import type { SpoolReader } from './read.ts';
import { decodeEntry } from './record.ts';
import type { SpoolStore } from './store.ts';

/** Records that are read in one turn of the event loop. */
const AT_ONCE = 1000;

interface Parts {
  readonly store: SpoolStore;
  readonly files: SpoolFiles;
  readonly reader: SpoolReader;
  readonly log: Log;
  /** Called with each message that comes in later, which may have a time of its own to wait for. */
  readonly announce: (entry: SpoolEntry, isDue: boolean) => void;
}

export function createBacklog(index: SpoolIndex) {
  const broken: { readonly id: string; readonly reason: string }[] = [];
  /** The last id that has been looked at; ids are in the order of time. */
  let last = '';
  let isMore = false;
  let isReading = false;

  /** Makes an entry of a record. False where there is no room for it. */
  function addRecord(id: string, record: string): boolean {
    if (!index.hasRoom()) {
      isMore = true;
      return false;
    }
    last = id;
    const entry = decodeEntry(record);
    if ('broken' in entry) broken.push({ id, reason: entry.broken });
    else index.add(id, entry);
    return true;
  }

  async function putBrokenAside(reader: SpoolReader): Promise<void> {
    for (const { id, reason } of broken.splice(0)) await reader.quarantine(id, reason);
  }

  async function readMore({ store, reader, announce }: Parts): Promise<void> {
    let count = 0;
    isMore = false;
    for (const { key, value } of store.records(last, AT_ONCE)) {
      if (index.has(key)) last = key;
      else if (!addRecord(key, value.toString())) break;
      else {
        const entry = index.get(key);
        if (entry !== undefined) announce(entry, false);
      }
      count++;
    }
    index.measure();
    await putBrokenAside(reader);
    isMore ||= count === AT_ONCE;
  }

  return {
    addRecord,
    /** Files without a record were never acknowledged, or are done: they go. */
    finish: async ({ store, files, reader, log }: Parts): Promise<void> => {
      index.measure();
      await putBrokenAside(reader);
      const orphans = await files.orphans({ has: (id) => store.record(id) !== undefined });
      for (const name of orphans) await files.remove(name);
      const [messages, most] = [index.size(), index.most];
      if (messages + orphans.length > 0) {
        log.info({ messages, orphans: orphans.length, most }, 'spool opened, with memory for `most` messages');
      }
      if (isMore)
        log.warn({ messages, most }, 'more messages in the spool than fit into memory: no new ones are accepted');
    },
    /** Messages lie on disk that memory does not know of. */
    isMore: () => isMore,
    /** Brings in more of them once half of the room is free. */
    look: async (parts: Parts): Promise<void> => {
      if (!isMore || isReading || index.size() > index.most / 2) return;
      isReading = true;
      try {
        while (isMore && index.hasRoom()) await readMore(parts);
      } finally {
        isReading = false;
      }
      if (!isMore)
        parts.log.info({ messages: index.size() }, 'all messages of the spool are in memory: mail is accepted again');
    },
  };
}
