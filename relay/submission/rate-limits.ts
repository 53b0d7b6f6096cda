/** Sending rates by user. */
import type { Limits } from '../config/config.ts';
import type { SharedCounters } from '../counters/shared-counters.ts';
import { HONEST_FACTOR, KEYS_MAX, limitPerRelay } from './fleet-share.ts';
import { isReply, replies, type Reply } from '../replies.ts';
import type { Months } from '../usage/months.ts';
import { createWindowCounter, type Window } from './window-counter.ts';

export type Rate = 'messagesPerHour' | 'recipientsPerDay' | 'messagesPerMonth';
/** Of a whole fleet, and how many relays it has. */
export type RateLimits = Pick<Limits, Rate> & { readonly relays?: number };

export interface RateLimiter {
  /** Counts one message or recipient, or refuses it. What is not limited is not counted. */
  spend(what: Rate, user: string, limits: RateLimits): Promise<RateTicket | Reply>;
  /** The same for whoever makes the ticket himself. Undefined: there is no limit. */
  count(what: Rate, user: string, limits: RateLimits): Promise<Taken | Reply | undefined>;
  giveBack(what: Rate, user: string, taken: Taken): void;
}

export interface RateTicket {
  /** What was taken did not lead to an accepted message. Once is enough: what others took is not given back. */
  giveBack(): void;
}

/** What was counted here, and where the fleet counts together, in which window there. */
export interface Taken extends Window {
  readonly sharedStart?: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function createRateLimits(now: () => number, months: Months, counters?: SharedCounters): RateLimiter {
  const messages = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const recipients = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const rates = {
    messagesPerHour: { counter: messages, windowMs: HOUR_MS, isDivided: true },
    recipientsPerDay: { counter: recipients, windowMs: DAY_MS, isDivided: true },
    // its window is the month of the calendar, and the operator adds up what relays have counted
    messagesPerMonth: { counter: months, windowMs: 0, isDivided: false },
  };

  async function count(what: Rate, user: string, limits: RateLimits): Promise<Taken | Reply | undefined> {
    const { counter, windowMs, isDivided } = rates[what];
    const limit = limits[what];
    if (limit === undefined) return undefined;
    const isAsked = isDivided && counter.used(user, windowMs) < limit * HONEST_FACTOR;
    const shared = isAsked ? await counters?.spend(what, user, { limit, windowMs }) : undefined;
    if (shared?.isCounted === true) return { ...counter.add(user, windowMs), sharedStart: shared.start };
    if (shared !== undefined) return replies[what](user, Math.ceil(shared.remainingMs / 1000));
    const relays = isDivided ? (limits.relays ?? 1) : 1;
    if (counter.used(user, windowMs) < limitPerRelay(limit, relays)) return counter.add(user, windowMs);
    return replies[what](user, Math.ceil(counter.remainingMs(user, windowMs) / 1000), relays);
  }

  function giveBack(what: Rate, user: string, taken: Taken): void {
    rates[what].counter.giveBack(user, taken);
    if (taken.sharedStart !== undefined) counters?.giveBack(what, user, taken.sharedStart);
  }

  return {
    count,
    giveBack,
    spend: async (what, user, limits) =>
      ticketFor(await count(what, user, limits), (taken) => giveBack(what, user, taken)),
  };
}

/** For what was counted, whoever counts it. */
export function ticketFor(taken: Taken | Reply | undefined, giveBack: (taken: Taken) => void): RateTicket | Reply {
  if (isReply(taken)) return taken;
  let held = taken;
  return {
    giveBack() {
      if (held !== undefined) giveBack(held);
      held = undefined;
    },
  };
}
