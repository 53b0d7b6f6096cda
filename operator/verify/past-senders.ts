/**
 * Senders that are gone. A GitOps tool may delete an object and make it anew: what was found about it stays for an hour, and
 * is forgotten then.
 */
export interface PastSenders {
  /** @returns those that have been gone for so long that nothing need be known of them any more */
  readonly expired: (known: Iterable<string>, isThere: (sender: string) => boolean, now: Date) => readonly string[];
}

const KEPT_MS = 3_600_000;

export function createPastSenders(): PastSenders {
  const goneSince = new Map<string, number>();
  return {
    expired: (known, isThere, now) => {
      const time = now.getTime();
      for (const sender of goneSince.keys()) if (isThere(sender)) goneSince.delete(sender);
      const gone = [...known].filter((sender) => !isThere(sender));
      for (const sender of gone) if (!goneSince.has(sender)) goneSince.set(sender, time);
      const expired = gone.filter((sender) => time - (goneSince.get(sender) ?? time) >= KEPT_MS);
      for (const sender of expired) goneSince.delete(sender);
      return expired;
    },
  };
}
