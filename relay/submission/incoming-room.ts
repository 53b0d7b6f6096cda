/**
 * Room on the spool's disk for what sessions write. The spool looks at its disk now and then only, so what has been
 * written since counts here: however many messages come in at once, they must not reach into its reserve.
 */
export interface IncomingRoom {
  has(bytes: number): boolean;
  /** Does a write of so many octets, for which there must be room. */
  use<T>(bytes: number, write: () => Promise<T>): Promise<T>;
}

/** The spool looks four times a second, and a busy disk takes its time to answer. Counting twice for a while harms less. */
const SEEN_AFTER_MS = 1000;

export function createIncomingRoom(spoolHasRoom: (bytes: number) => boolean): IncomingRoom {
  let unseenBytes = 0;
  return {
    has: (bytes) => spoolHasRoom(unseenBytes + bytes),
    async use(bytes, write) {
      unseenBytes += bytes;
      try {
        return await write();
      } finally {
        setTimeout(() => (unseenBytes -= bytes), SEEN_AFTER_MS).unref();
      }
    },
  };
}
