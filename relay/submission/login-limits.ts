/** Failed log-ins by source, and by user and source: a user whom somebody attacks can still log in from elsewhere. */
import { sourceKey } from './client-address.ts';
import type { SessionSettings } from '../config/config.ts';
import type { SharedCounters } from '../counters/shared-counters.ts';
import { failuresAt, HONEST_FACTOR, KEYS_MAX } from './fleet-share.ts';
import { replies, type Reply } from '../replies.ts';
import { createWindowCounter } from './window-counter.ts';

export interface LoginLimits {
  /** One attempt at a time for each user and source: guesses side by side count like guesses in a row. */
  attempt(login: LoginClaim, isRight: () => Promise<boolean>): Promise<LoginAttempt | Reply>;
}

export interface LoginClaim {
  readonly user: string;
  readonly address: string;
  /** Of all relays together, and how many there are. */
  readonly settings: Pick<SessionSettings, 'failedLogins' | 'lockoutSeconds'>;
  readonly relays: number;
}

export interface LoginAttempt {
  readonly isRight: boolean;
  /** How long after the attempt a wrong one is to be answered. */
  readonly delayMs: number;
}

/** A source may stand for many clients (NAT, a node of the cluster), so it gets more failures than one user from it. */
const SOURCE_FACTOR = 10;
/** The first failed log-in is answered this long after the attempt, each further one after twice the time before. */
const FAILURE_DELAY_MS = 100;
const FAILURE_DELAY_MAX_MS = 3000;

export function createLoginLimits(now: () => number, counters?: SharedCounters): LoginLimits {
  const own = createWindowCounter({ maxKeys: KEYS_MAX, now });
  const inTurn = createTurns();

  async function attempt(
    { user, address, settings, relays }: LoginClaim,
    isRight: () => Promise<boolean>,
  ): Promise<LoginAttempt | Reply> {
    const windowMs = Math.ceil(settings.lockoutSeconds * 1000);
    const source = sourceKey(address);
    const pair = `${source} ${user}`;
    const ofFleet = limitsOf(settings.failedLogins);
    const ofRelay = limitsOf(failuresAt(settings.failedLogins, relays));
    const login = { user, source, windowMs, ...ofFleet };
    const mayTryHere = (): boolean =>
      own.used(pair, windowMs) < ofRelay.mostOfPair && own.used(source, windowMs) < ofRelay.mostOfSource;

    if (own.used(source, windowMs) >= ofFleet.mostOfSource * HONEST_FACTOR) return replies.authThrottled();
    const mayTry = await counters?.mayTry(login);
    if (!(mayTry ?? mayTryHere())) return replies.authThrottled();
    // a store that was asked whether to try is told what came of it; it may say that others have failed too often meanwhile
    const asked = mayTry === undefined ? undefined : counters;
    if (await isRight()) {
      if ((await asked?.succeed(login)) === false) return replies.authThrottled();
      own.forget(pair);
      return { isRight: true, delayMs: 0 };
    }
    const failures = await asked?.fail(login);
    if (failures === 0) return replies.authThrottled();
    // the user has logged in elsewhere since
    if (failures !== undefined && failures <= own.used(pair, windowMs)) own.forget(pair);
    // the lock-out lasts its whole time, counted from the last failure
    if (own.add(source, windowMs).count >= ofRelay.mostOfSource) own.restart(source);
    const { count } = own.add(pair, windowMs);
    if (count >= ofRelay.mostOfPair) own.restart(pair);
    return { isRight: false, delayMs: delayAfter(failures ?? count) };
  }

  return {
    attempt: (login, isRight) => inTurn(`${sourceKey(login.address)} ${login.user}`, () => attempt(login, isRight)),
  };
}

function limitsOf(failedLogins: number) {
  return { mostOfPair: failedLogins, mostOfSource: failedLogins * SOURCE_FACTOR };
}

function delayAfter(failures: number): number {
  return Math.min(FAILURE_DELAY_MAX_MS, FAILURE_DELAY_MS * 2 ** (failures - 1));
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
