/**
 * Counters that sessions share: connections, failed log-ins, sending rates. In memory and of this process: a fleet of N
 * relays allows up to N times as much. Settings are passed at each question, so that a changed one is in force at once.
 */
import { sourceKey } from './client-address.ts';
import type { Limits, SessionSettings } from '../config.ts';
import { replies, type Reply } from '../replies.ts';
import { createWindowCounter } from './window-counter.ts';

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

export type SharedLimits = ReturnType<typeof createSharedLimits>;

/** `now`: milliseconds of a clock that is never set back. */
export function createSharedLimits({ now = () => performance.now() }: { now?: Now } = {}) {
  return { connections: createConnectionLimits(), logins: createLoginLimits(now), rates: createRateLimits(now) };
}

/** Connections now open: in all, by source, by user. */
function createConnectionLimits() {
  const bySource = new Map<string, number>();
  const byUser = new Map<string, number>();
  let all = 0;
  return {
    /** Counts a connection, unless that would be one too many and nobody makes room for it. */
    open(address: string, settings: SessionSettings, makeRoom: () => boolean): Reply | undefined {
      const source = sourceKey(address);
      if ((bySource.get(source) ?? 0) >= settings.connectionsPerSource) return replies.sourceConnectionLimited();
      if (all >= settings.connections && !makeRoom()) return replies.connectionLimited();
      all++;
      change(bySource, source, 1);
      return undefined;
    },
    close(address: string): void {
      all--;
      change(bySource, sourceKey(address), -1);
    },
    /** Counts a connection for the user who logged in on it, unless that would be one too many. */
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

interface LoginAttempt {
  readonly isRight: boolean;
  /** How long after the attempt a wrong one is to be answered. */
  readonly delayMs: number;
}

/** Failed log-ins by source, and by user and source: a user whom somebody attacks can still log in from elsewhere. */
function createLoginLimits(now: Now) {
  const failures = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const inTurn = createTurns();

  async function attempt(
    { user, address, settings }: { user: string; address: string; settings: SessionSettings },
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
    /** One attempt at a time for each user and source: guesses side by side count like guesses in a row. */
    attempt: (login: { user: string; address: string; settings: SessionSettings }, isRight: () => Promise<boolean>) =>
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

export interface RateTicket {
  /** What was taken did not lead to an accepted message. Once is enough: what others took is not given back. */
  giveBack(): void;
}

/** Sending rates by user. */
function createRateLimits(now: Now) {
  const messages = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const recipients = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const rates = {
    messagesPerHour: { counter: messages, windowMs: HOUR_MS },
    recipientsPerDay: { counter: recipients, windowMs: DAY_MS },
  };
  return {
    /** Counts one message or recipient, or refuses it. */
    spend(what: keyof typeof rates, user: string, limits: Limits): RateTicket | Reply {
      const { counter, windowMs } = rates[what];
      const limit = limits[what];
      if (limit === undefined) return { giveBack: () => undefined };
      if (counter.used(user, windowMs) >= limit) {
        return replies[what](user, Math.ceil(counter.remainingMs(user, windowMs) / 1000));
      }
      const counted = counter.add(user, windowMs);
      let isTaken = true;
      return {
        giveBack() {
          if (isTaken) counter.giveBack(user, counted);
          isTaken = false;
        },
      };
    },
  };
}
