/** What is in the spool, in memory: enough to schedule it and to measure it, about 200 bytes a message. */
import type { Metrics } from '../metrics.ts';
import type { QueuedMessage } from './record.ts';

export interface SpoolEntry {
  readonly id: string;
  readonly list: string;
  readonly size: number;
  /** Milliseconds since the epoch, as is `due`. */
  readonly received: number;
  readonly due: number;
  readonly delayNoticeSent: boolean;
  readonly isFile: boolean;
}

export type SpoolIndex = ReturnType<typeof createSpoolIndex>;

/** A million messages, 200 MB: past that the index itself endangers the relay, whatever room the disk has. */
const MESSAGES_MAX = 1_000_000;

export function createSpoolIndex(metrics: Metrics) {
  // insertion order is the order of arrival: the first is the oldest
  const entries = new Map<string, SpoolEntry>();
  let bytes = 0;

  function count(entry: SpoolEntry, sign: 1 | -1): void {
    bytes += sign * entry.size;
  }

  function measure(): void {
    metrics.spoolMessages.set(entries.size);
    metrics.spoolBytes.set(bytes);
  }

  return {
    set: (queued: QueuedMessage): SpoolEntry => {
      const { id, list, size, receivedMs: received, due, delayNoticeSent, isFile } = queued;
      const entry = { id, list, size, received, due, delayNoticeSent, isFile };
      const before = entries.get(id);
      if (before !== undefined) count(before, -1);
      entries.set(id, entry);
      count(entry, 1);
      measure();
      return entry;
    },
    remove: (id: string): SpoolEntry | undefined => {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      entries.delete(id);
      count(entry, -1);
      measure();
      return entry;
    },
    has: (id: string) => entries.has(id),
    size: () => entries.size,
    hasRoom: () => entries.size < MESSAGES_MAX,
    entries: () => entries.values(),
    measureAge: (now: number): void => {
      const oldest = entries.values().next().value;
      metrics.spoolOldest.set(oldest === undefined ? 0 : Math.max(0, now - oldest.received) / 1000);
    },
  };
}
