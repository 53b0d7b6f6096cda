/**
 * Counters that sessions share: connections, failed log-ins, sending rates. In memory, of one relay with all its workers: of a
 * fleet, each relay allows its share (fleet-share.ts). Settings are passed at each question, so that a changed one is in force at
 * once. Whoever counts may be another process: hence the promises.
 */
import { sourceKey } from './client-address.ts';
import { limitPerRelay } from './fleet-share.ts';
import type { Limits, SessionSettings } from '../config/config.ts';
import { isReply, replies, type Reply } from '../replies.ts';
import { createMonths, type Months } from '../usage/months.ts';
import { createWindowCounter, type Window } from './window-counter.ts';

/** 100,000 keys of some 100 octets: 10 MB at worst, and more sources than any honest lock-out needs. */
const KEYS_MAX = 100_000;
/** A source may stand for many clients (NAT, a node of the cluster), so it gets more failures than one user from it. */
const SOURCE_FACTOR = 10;
/** The first failed log-in is answered this long after the attempt, each further one after twice the time before. */
const FAILURE_DELAY_MS = 100;
const FAILURE_DELAY_MAX_MS = 3000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Now = () => number;
type Answered<T> = T | Promise<T>;

export interface SharedLimits {
  readonly connections: {
    /** Counts a connection from this address, unless that would be more than `most`. */
    open(address: string, most: number): Answered<Reply | undefined>;
    close(address: string): void;
    /** Counts a connection for the user who logged in on it, unless that would be more than `most`. */
    enter(user: string, most: number): Answered<boolean>;
    leave(user: string): void;
  };
  readonly logins: {
    /** One attempt at a time for each user and source: guesses side by side count like guesses in a row. */
    attempt(login: LoginClaim, isRight: () => Promise<boolean>): Promise<LoginAttempt | Reply>;
  };
  readonly rates: {
    /** Counts one message or recipient, or refuses it. What is not limited is not counted. */
    spend(what: Rate, user: string, limits: RateLimits): Answered<RateTicket | Reply>;
  };
}

export type Rate = 'messagesPerHour' | 'recipientsPerDay' | 'messagesPerMonth';
/** Of a whole fleet, and how many relays it has. */
export type RateLimits = Pick<Limits, Rate> & { readonly relays?: number };

export interface RateTicket {
  /** What was taken did not lead to an accepted message. Once is enough: what others took is not given back. */
  giveBack(): void;
}

export interface LoginClaim {
  readonly user: string;
  readonly address: string;
  readonly settings: Pick<SessionSettings, 'failedLogins' | 'lockoutSeconds'>;
}

export interface LoginAttempt {
  readonly isRight: boolean;
  /** How long after the attempt a wrong one is to be answered. */
  readonly delayMs: number;
}

/** `now`: milliseconds of a clock that is never set back; `months`: default: of this process, and forgotten with it. */
export function createSharedLimits({
  now = () => performance.now(),
  months = createMonths(Date.now),
}: { now?: Now; months?: Months } = {}) {
  return {
    connections: createConnectionLimits(),
    logins: createLoginLimits(now),
    rates: createRateLimits(now, months),
  } satisfies SharedLimits;
}

/** Connections now open: by source, by user. */
function createConnectionLimits() {
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
    enter(user: string, most: number): boolean {
      if ((byUser.get(user) ?? 0) >= most) return false;
      change(byUser, user, 1);
      return true;
    },
    leave: (user: string): void => change(byUser, user, -1),
  };
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

/** Failed log-ins by source, and by user and source: a user whom somebody attacks can still log in from elsewhere. */
function createLoginLimits(now: Now) {
  const failures = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const inTurn = createTurns();

  async function attempt(
    { user, address, settings }: LoginClaim,
    isRight: () => Promise<boolean>,
  ): Promise<LoginAttempt | Reply> {
    const windowMs = settings.lockoutSeconds * 1000;
    const source = sourceKey(address);
    const pair = `${source} ${user}`;
    const limits = [
      { key: pair, most: settings.failedLogins },
      { key: source, most: settings.failedLogins * SOURCE_FACTOR },
    ];
    if (limits.some(({ key, most }) => failures.used(key, windowMs) >= most)) return replies.authThrottled();
    if (await isRight()) {
      failures.forget(pair);
      return { isRight: true, delayMs: 0 };
    }
    for (const { key, most } of limits) {
      // the lock-out lasts its whole time, counted from the last failure
      if (failures.add(key, windowMs).count >= most) failures.restart(key);
    }
    const doublings = failures.used(pair, windowMs) - 1;
    return { isRight: false, delayMs: Math.min(FAILURE_DELAY_MAX_MS, FAILURE_DELAY_MS * 2 ** doublings) };
  }

  return {
    attempt: (login: LoginClaim, isRight: () => Promise<boolean>) =>
      inTurn(`${sourceKey(login.address)} ${login.user}`, () => attempt(login, isRight)),
  };
}

/** Runs work of one key one after the other. Bounded by the connections that wait. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}

/** Sending rates by user. */
function createRateLimits(now: Now, months: Months) {
  const messages = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const recipients = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const rates = {
    messagesPerHour: { counter: messages, windowMs: HOUR_MS, isDivided: true },
    recipientsPerDay: { counter: recipients, windowMs: DAY_MS, isDivided: true },
    // its window is the month of the calendar, and the operator adds up what relays have counted
    messagesPerMonth: { counter: months, windowMs: 0, isDivided: false },
  };

  /** Undefined: there is no limit. */
  function count(what: Rate, user: string, limits: RateLimits): Window | Reply | undefined {
    const { counter, windowMs, isDivided } = rates[what];
    const limit = limits[what];
    if (limit === undefined) return undefined;
    const relays = isDivided ? (limits.relays ?? 1) : 1;
    if (counter.used(user, windowMs) < limitPerRelay(limit, relays)) return counter.add(user, windowMs);
    return replies[what](user, Math.ceil(counter.remainingMs(user, windowMs) / 1000), relays);
  }

  const giveBack = (what: Rate, user: string, counted: Window): void => rates[what].counter.giveBack(user, counted);
  return {
    count,
    giveBack,
    spend: (what: Rate, user: string, limits: RateLimits): RateTicket | Reply =>
      ticketFor(count(what, user, limits), (counted) => giveBack(what, user, counted)),
  };
}

/** For what was counted, whoever counts it. */
export function ticketFor(
  counted: Window | Reply | undefined,
  giveBack: (counted: Window) => void,
): RateTicket | Reply {
  if (isReply(counted)) return counted;
  let held = counted;
  return {
    giveBack() {
      if (held !== undefined) giveBack(held);
      held = undefined;
    },
  };
}
