/**
 * What relays of a class count together, in a store that all of them reach. Each question is one round trip. The answer is undefined
 * where there is no store, or none that can be used now: whoever asks then goes by its own count.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SharedCountersConfig } from '../config/shared-counters.ts';
import type { Log } from '../observe/log.ts';
import { keepStore, NO_COUNTER } from './keeper.ts';
import { createCounterMetrics } from './metrics.ts';
import { ENTER, FAIL, GIVE_BACK, HOLD, LEAVE, MAY_TRY, SPEND, SUCCEED, type Script } from './scripts.ts';
import type { Store } from './store.ts';

export interface SharedCounters {
  /** Counts one up in a window of the user's, unless that would be more than the limit. */
  readonly spend: (what: string, user: string, most: Most) => Promise<Spent | undefined>;
  readonly giveBack: (what: string, user: string, start: number) => void;
  /** Counts a connection of the user, unless that would be more than `most`. */
  readonly enter: (user: string, most: number) => Promise<boolean | undefined>;
  /** A connection of the user is there that the store was not asked about: it is told of it once it can be. */
  readonly hold: (user: string) => void;
  readonly leave: (user: string) => void;
  /** Whether a password may be tried. */
  readonly mayTry: (login: CountedLogin) => Promise<boolean | undefined>;
  /** Counts a wrong password; the failures of the user from this source, or 0 where others have reached a limit meanwhile. */
  readonly fail: (login: CountedLogin) => Promise<number | undefined>;
  /** Forgets the failures of the user from this source; false where others have reached a limit meanwhile. */
  readonly succeed: (login: CountedLogin) => Promise<boolean | undefined>;
}

interface Most {
  readonly limit: number;
  readonly windowMs: number;
}

interface Spent {
  readonly isCounted: boolean;
  /** Tells the windows of one user apart. */
  readonly start: number;
  readonly remainingMs: number;
}

/** Failures of a user from a source, and of all users from it. */
export interface CountedLogin {
  readonly user: string;
  readonly source: string;
  readonly mostOfPair: number;
  readonly mostOfSource: number;
  readonly windowMs: number;
}

export interface KeptCounters extends SharedCounters {
  /** Resolves when the store can be asked, or a moment later. */
  readonly start: () => Promise<void>;
  /** In the text format of Prometheus; empty where no store is configured. */
  readonly metrics: () => Promise<string>;
  /** What people should look at. */
  readonly concern: () => string | undefined;
  readonly close: () => void;
}

/** Often: between two of them, nobody notices a store that sends what nobody has asked for. */
const LOOK_MS = 1000;
/** Connections of a relay that was killed count for as long as so many looks at the store. */
const LOOKS_MISSED = 15;
/** A store that is away is no reason to take no mail. */
const START_MS = 250;
/** Told of in one go: small enough that nobody waits behind it. */
const HELD_IN_ONE_GO = 200;

interface SharedCountersOptions {
  /** What the configuration says now. */
  readonly settings: () => Promise<SharedCountersConfig | undefined>;
  readonly log: Log;
  readonly lookMs?: number;
}

export function createSharedCounters({ settings, log, lookMs = LOOK_MS }: SharedCountersOptions): KeptCounters {
  const connectionMs = LOOKS_MISSED * lookMs;
  const me = randomBytes(9).toString('base64url');
  let lastId = 0;
  /** Ids of the connections of each user that are open here. */
  const held = new Map<string, string[]>();
  const keeper = keepStore({ settings, hold: holdAll, log, lookMs });

  /** @param read undefined: it is no answer to that question. */
  async function ask<T>(
    script: Script,
    keys: (store: Store) => readonly string[],
    args: readonly (string | number)[],
    read: (answer: readonly number[]) => T | undefined,
  ): Promise<T | undefined> {
    const store = keeper.store();
    const answer = await store?.run(script, keys(store), args).catch(() => undefined);
    const meaning = areNumbers(answer) ? read(answer) : undefined;
    // of a connection that has ended, the keeper knows
    if (answer !== undefined && meaning === undefined) store?.close(NO_COUNTER);
    return meaning;
  }

  const askOfConnections = (script: Script, user: string, ...args: readonly (string | number)[]) =>
    ask(script, ({ key }) => [key('connections', user)], args, yesOrNo);

  function askOfLogin<T>(
    script: Script,
    login: CountedLogin,
    read: (answer: readonly number[]) => T | undefined,
  ): Promise<T | undefined> {
    const { user, source, mostOfPair, mostOfSource, windowMs } = login;
    const keys = ({ key }: Store) => [key('failures', source, user), key('failures', source)];
    return ask(script, keys, [windowMs, mostOfPair, mostOfSource], read);
  }

  function hold(user: string, id = newId()): void {
    const ids = held.get(user) ?? [];
    held.set(user, ids);
    ids.push(id);
  }

  const newId = (): string => `${me}.${++lastId}`;

  async function holdAll(store: Store): Promise<void> {
    const all = [...held].flatMap(([user, ids]) => ids.map((id) => ({ key: store.key('connections', user), id })));
    for (let i = 0; i < all.length; i += HELD_IN_ONE_GO) {
      const some = all.slice(i, i + HELD_IN_ONE_GO);
      const keys = some.map(({ key }) => key);
      await store.run(HOLD, keys, [connectionMs, ...some.map(({ id }) => id)]);
    }
  }

  return {
    spend: (what, user, { limit, windowMs }) =>
      ask(
        SPEND,
        ({ key }) => [key('rate', what, user)],
        [limit, windowMs],
        (answer) => {
          const [flag, start = 0, count = 0, remainingMs = 0] = answer;
          const isCounted = flag === 1;
          const isPlausible =
            (isCounted ? count >= 1 && count <= limit : flag === 0 && count >= limit) &&
            remainingMs > 0 &&
            remainingMs <= windowMs;
          return isPlausible ? { isCounted, start, remainingMs } : undefined;
        },
      ),
    giveBack: (what, user, start) => void ask(GIVE_BACK, ({ key }) => [key('rate', what, user)], [start], yesOrNo),
    enter: async (user, most) => {
      const id = newId();
      const isIn = await askOfConnections(ENTER, user, id, most, connectionMs);
      if (isIn === true) hold(user, id);
      return isIn;
    },
    hold,
    leave: (user) => {
      const ids = held.get(user) ?? [];
      const id = ids.pop();
      if (ids.length === 0) held.delete(user);
      if (id !== undefined) void askOfConnections(LEAVE, user, id);
    },
    mayTry: (login) => askOfLogin(MAY_TRY, login, yesOrNo),
    fail: (login) =>
      askOfLogin(FAIL, login, ([count = -1]) => (count >= 0 && count <= login.mostOfPair ? count : undefined)),
    succeed: (login) => askOfLogin(SUCCEED, login, yesOrNo),
    start: () => Promise.race([keeper.look(), sleep(START_MS, undefined, { ref: false })]),
    metrics: async () => {
      if (!keeper.isWanted()) return '';
      const { up, registry } = createCounterMetrics();
      up.set(keeper.store() === undefined ? 0 : 1);
      return registry.metrics();
    },
    concern: () =>
      keeper.isWanted() && keeper.store() === undefined
        ? 'the shared counters are away: this relay allows its share of the limits of users'
        : undefined,
    close: keeper.close,
  };
}

function areNumbers(answer: unknown): answer is readonly number[] {
  return Array.isArray(answer) && answer.every(Number.isSafeInteger);
}

function yesOrNo([flag]: readonly number[]): boolean | undefined {
  return flag === 1 ? true : flag === 0 ? false : undefined;
}
