/** Connections now open: by source, by user. */
import { sourceKey } from './client-address.ts';
import type { SharedCounters } from '../counters/shared-counters.ts';
import { limitPerRelay } from './fleet-share.ts';
import { replies, type Reply } from '../replies.ts';

export interface ConnectionLimits {
  /** Counts a connection from this address to this relay, unless that would be more than `most`. */
  open(address: string, most: number): Reply | undefined | Promise<Reply | undefined>;
  close(address: string): void;
  /** Counts a connection for the user who logged in on it, unless that would be more than is allowed. */
  enter(user: string, allowed: AllowedConnections): Promise<boolean>;
  leave(user: string): void;
}

export interface AllowedConnections {
  /** At all relays together, and how many there are. */
  readonly most: number;
  readonly relays: number;
}

export function createConnectionLimits(counters?: SharedCounters) {
  const bySource = new Map<string, number>();
  const byUser = new Map<string, number>();
  return {
    open(address: string, most: number): Reply | undefined {
      const source = sourceKey(address);
      if ((bySource.get(source) ?? 0) >= most) return replies.sourceConnectionLimited();
      change(bySource, source, 1);
      return undefined;
    },
    close: (address: string): void => change(bySource, sourceKey(address), -1),
    async enter(user: string, { most, relays }: AllowedConnections): Promise<boolean> {
      const here = (byUser.get(user) ?? 0) + 1;
      // whatever a store says, there are no more than these
      if (here > most) return false;
      // counted before anybody is asked: those who come meanwhile see it
      change(byUser, user, 1);
      const answer = await counters?.enter(user, most);
      const isIn = answer ?? here <= limitPerRelay(most, relays);
      if (!isIn) change(byUser, user, -1);
      else if (answer === undefined) counters?.hold(user);
      return isIn;
    },
    leave(user: string): void {
      change(byUser, user, -1);
      counters?.leave(user);
    },
  } satisfies ConnectionLimits;
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
