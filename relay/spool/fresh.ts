/**
 * The messages that came in last, as they now are on disk: their first attempt need not read them back. Each is handed
 * out once, since a later attempt reads what an earlier one has written.
 */
import type { Content } from '../message.ts';
import type { QueuedMessage } from './record.ts';

export interface Fresh {
  readonly queued: QueuedMessage;
  readonly content: Content;
}

/** A second or two of mail at full speed; what waits for longer is read back. */
const BYTES_MAX = 16 * 1024 * 1024;

export function createFreshMessages(bytesMax = BYTES_MAX) {
  const kept = new Map<string, Fresh & { readonly bytes: number }>();
  let bytes = 0;

  function remove(id: string): Fresh | undefined {
    const found = kept.get(id);
    if (found === undefined) return undefined;
    kept.delete(id);
    bytes -= found.bytes;
    return { queued: found.queued, content: found.content };
  }

  return {
    /** `size`: what it takes on disk, its record included: a message of a few octets may have a hundred recipients. */
    keep: (one: Fresh, size: number): void => {
      kept.set(one.queued.id, { ...one, bytes: size });
      bytes += size;
      for (const [oldest] of kept) {
        if (bytes <= bytesMax) return;
        remove(oldest);
      }
    },
    remove,
  };
}

export type FreshMessages = ReturnType<typeof createFreshMessages>;
