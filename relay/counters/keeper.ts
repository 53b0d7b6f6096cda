/** Keeps the store that relays of a class count in together: connects, looks whether it counts, and tries again where it does not. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { SharedCountersConfig } from '../config/shared-counters.ts';
import type { Log } from '../observe/log.ts';
import { shareRuns } from '../share-runs.ts';
import { createBackoff } from '../workers/backoff.ts';
import { SPEND } from './scripts.ts';
import type { Store } from './store.ts';

export interface StoreKeeper {
  /** The store, while it is one to count in. */
  readonly store: () => Store | undefined;
  /** There is to be one. */
  readonly isWanted: () => boolean;
  /** Reads the configuration, and sees to the store. Done again and again by itself. */
  readonly look: () => Promise<void>;
  readonly close: () => void;
}

export interface KeeperOptions {
  /** What the configuration says now. */
  readonly settings: () => Promise<SharedCountersConfig | undefined>;
  /** Tells a store what is to be in it, each time that it is looked at. */
  readonly hold: (store: Store) => Promise<void>;
  readonly log: Log;
  /** How often a store is looked at. */
  readonly lookMs: number;
}

const CHECK_WINDOW_MS = 10_000;

export function keepStore({ settings, hold, log, lookMs }: KeeperOptions): StoreKeeper {
  const backoff = createBackoff();
  let wanted: SharedCountersConfig | undefined;
  let store: Store | undefined;
  /** Why there is none. */
  let trouble: string | undefined;
  let waitMs = lookMs;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const look = shareRuns(async () => {
    takeUp(await settings());
    if (store !== undefined) await tend(store).catch(() => undefined);
    else if (wanted !== undefined) await begin(wanted).catch((error: Error) => lose(error.message));
    plan();
  });

  function takeUp(next: SharedCountersConfig | undefined): void {
    if (isDeepStrictEqual(next, wanted)) return;
    wanted = next;
    trouble = undefined;
    release();
  }

  /** Of our own will: nobody is told that it is away. */
  function release(): void {
    const before = store;
    store = undefined;
    before?.close('it is not used any more');
  }

  async function begin(config: SharedCountersConfig): Promise<void> {
    backoff.started();
    if (config.kind === 'unresolved') throw new Error(config.message);
    // with the library for it, which nobody else needs
    const { connectStore } = await import('./store.ts');
    const one = await connectStore(config);
    await tend(one);
    if (isClosed) return one.close('it is not used any more');
    store = one;
    trouble = undefined;
    waitMs = lookMs;
    log.info({ event: 'shared_counters' }, 'the limits of users are counted together with the other relays');
    void outlive(one);
  }

  async function outlive(one: Store): Promise<void> {
    const why = await one.ended;
    if (one !== store) return;
    lose(why);
    plan();
  }

  async function tend(one: Store): Promise<void> {
    await check(one);
    await hold(one);
  }

  function lose(why: string): void {
    store = undefined;
    waitMs = backoff.ended();
    const line = { event: 'shared_counters', why };
    if (trouble === undefined) log.warn(line, 'shared counters are away: this relay allows its share of each limit');
    else if (why !== trouble) log.info(line, 'shared counters are still away');
    trouble = why;
  }

  function plan(): void {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(() => void look(), waitMs).unref();
  }

  return {
    store: () => store,
    isWanted: () => wanted !== undefined,
    look,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      release();
    },
  };
}

/** One that says yes to everything would let everything through, and one that says no would lock everybody out. */
async function check(store: Store): Promise<void> {
  const key = store.key('check', randomBytes(16).toString('hex'));
  const ask = (): Promise<unknown> => store.run(SPEND, [key], [1, CHECK_WINDOW_MS]);
  const [first, second] = await Promise.all([ask(), ask()]);
  if (flagOf(first) === 1 && flagOf(second) === 0) return;
  store.close(NO_COUNTER);
  throw new Error(NO_COUNTER);
}

/** Why a store is not used whose answers make no sense. */
export const NO_COUNTER = 'it answers, but it does not count';

function flagOf(answer: unknown): unknown {
  return Array.isArray(answer) ? answer[0] : undefined;
}
