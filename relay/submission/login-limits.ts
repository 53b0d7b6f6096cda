/** Failed log-ins by source, and by user and source: a user whom somebody attacks can still log in from elsewhere. */
import { sourceKey } from './client-address.ts';
import type { SessionSettings } from '../config/config.ts';
import type { CountedLogin, SharedCounters } from '../counters/shared-counters.ts';
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
  const own = createOwnFailures(now);
  const inTurn = createSequences();

  async function attempt(
    { user, address, settings: { failedLogins, lockoutSeconds }, relays }: LoginClaim,
    isRight: () => Promise<boolean>,
  ): Promise<LoginAttempt | Reply> {
    const login = { user, source: sourceKey(address), windowMs: Math.ceil(lockoutSeconds * 1000) };
    const ofFleet = { ...login, ...limitsOf(failedLogins) };
    const ofRelay = { ...login, ...limitsOf(failuresAt(failedLogins, relays)) };
    if (own.isPastHonesty(ofFleet)) return replies.authThrottled();
    const mayTry = await counters?.mayTry(ofFleet);
    if (!(mayTry ?? own.mayTry(ofRelay))) return replies.authThrottled();
    // a store that was asked is told what came of it; it may say that others have failed too often meanwhile
    const asked = mayTry === undefined ? undefined : counters;
    if (await isRight()) {
      if ((await asked?.succeed(ofFleet)) === false) return replies.authThrottled();
      own.succeed(ofRelay);
      return { isRight: true, delayMs: 0 };
    }
    const failures = await asked?.fail(ofFleet);
    if (failures === 0) return replies.authThrottled();
    const ownFailures = own.fail(ofRelay, failures);
    return { isRight: false, delayMs: delayAfter(failures ?? ownFailures) };
  }

  return {
    attempt: (login, isRight) =>
      inTurn(pairOf({ ...login, source: sourceKey(login.address) }), () => attempt(login, isRight)),
  };
}

/** What this relay has seen itself. */
function createOwnFailures(now: () => number) {
  const seen = createWindowCounter({ maxKeys: KEYS_MAX, now });
  return {
    mayTry: (login: CountedLogin): boolean =>
      seen.used(pairOf(login), login.windowMs) < login.mostOfPair &&
      seen.used(login.source, login.windowMs) < login.mostOfSource,
    /** Failures of a pair may have been forgotten elsewhere, where the user logged in; those of a source nobody forgets. */
    isPastHonesty: ({ source, windowMs, mostOfSource }: CountedLogin): boolean =>
      seen.used(source, windowMs) >= mostOfSource * HONEST_FACTOR,
    succeed: (login: CountedLogin): void => seen.forget(pairOf(login)),
    /** The failures of the pair here. @param ofFleet those of all relays, where they count together. */
    fail(login: CountedLogin, ofFleet: number | undefined): number {
      const { source, windowMs, mostOfPair, mostOfSource } = login;
      const pair = pairOf(login);
      if (ofFleet !== undefined && ofFleet <= seen.used(pair, windowMs)) seen.forget(pair);
      // the lock-out lasts its whole time, counted from the last failure
      if (seen.add(source, windowMs).count >= mostOfSource) seen.restart(source);
      const { count } = seen.add(pair, windowMs);
      if (count >= mostOfPair) seen.restart(pair);
      return count;
    },
  };
}

function pairOf({ source, user }: { readonly source: string; readonly user: string }): string {
  return `${source} ${user}`;
}

function limitsOf(failedLogins: number) {
  return { mostOfPair: failedLogins, mostOfSource: failedLogins * SOURCE_FACTOR };
}

function delayAfter(failures: number): number {
  return Math.min(FAILURE_DELAY_MAX_MS, FAILURE_DELAY_MS * 2 ** (failures - 1));
}

/** Runs work of one key one after the other. Bounded by the connections that wait. */
function createSequences() {
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
