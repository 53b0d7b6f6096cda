/**
 * Work queue by key, as client-go has it: a key waits at most once, is worked on by one worker, and backs off by
 * itself. Tenants take turns, so that one with thousands of keys holds up nobody. Urgent keys go before the others, in
 * turns as well, but not for ever: somebody who finds ways to make everything urgent must not stop the rest.
 */
import { createFairQueue, type FairQueue } from '../../../relay/delivery/fair-queue.ts';
import { backoffMs } from './backoff.ts';

export interface WorkQueue {
  /** Work on the key soon. While it is being worked on, it is worked on once more afterwards. */
  readonly add: (key: string, urgency?: Urgency) => void;
  /** Work on the key in a while; of several delays the earliest counts. */
  readonly addAfter: (key: string, milliseconds: number, urgency?: Urgency) => void;
  readonly depth: () => number;
  /** Whether nothing is waiting or at work; delayed keys do not count. */
  readonly isIdle: () => boolean;
  /** Resolves when that is so. */
  readonly idle: () => Promise<void>;
  /** Takes no more work; resolves when what is under way has ended. */
  readonly close: () => Promise<void>;
}

export interface Urgency {
  /** Default: false. What is added as urgent stays so until it is done. */
  readonly isUrgent?: boolean;
}

export interface WorkQueueOptions {
  readonly workers: number;
  /** Does the work for a key. An error is reported, and the key tried again after a back-off. */
  readonly work: (key: string) => Promise<void>;
  readonly onDone?: (result: { key: string; waitedMs: number; tookMs: number; error?: unknown }) => void;
  /** Whose turn a key takes. Default: all keys are one tenant's. */
  readonly tenantOf?: (key: string) => string;
  readonly random?: () => number;
}

/** After this many urgent keys in a row, one that is not urgent has its turn. */
const URGENT_IN_A_ROW = 8;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MOST_MS = 300_000;
/** Longer timers overflow in Node and fire at once. */
const DELAY_MOST_MS = 2_147_483_647;

interface Waiting {
  /** By `performance.now()`. */
  readonly since: number;
  readonly isUrgent: boolean;
}

interface Working {
  readonly isUrgent: boolean;
  /** It was added once more meanwhile. */
  again: Urgency | undefined;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const waiting = new Map<string, Waiting>();
  /** A key that becomes urgent while it waits is in both; the second one then passes it over. */
  const turns = { urgent: createFairQueue<string>(), other: createFairQueue<string>() };
  let urgentInARow = 0;
  const working = new Map<string, Working>();
  const delayed = new Map<
    string,
    { readonly timer: NodeJS.Timeout; readonly due: number; readonly isUrgent: boolean }
  >();
  const failures = new Map<string, number>();
  const { tenantOf = () => '' } = options;
  let idleWaiters: (() => void)[] = [];
  let isClosed = false;

  function add(key: string, { isUrgent = false }: Urgency = {}): void {
    if (isClosed) return;
    const current = working.get(key);
    if (current !== undefined) {
      current.again = { isUrgent: isUrgent || current.again?.isUrgent === true };
      return;
    }
    const before = waiting.get(key);
    if (before !== undefined && (before.isUrgent || !isUrgent)) return;
    waiting.set(key, { since: before?.since ?? performance.now(), isUrgent });
    turnsOf(isUrgent).push(tenantOf(key), key);
    startWorkers();
  }

  function addAfter(key: string, milliseconds: number, { isUrgent = false }: Urgency = {}): void {
    if (isClosed) return;
    const due = performance.now() + milliseconds;
    const other = delayed.get(key);
    if (other !== undefined && other.due <= due && (other.isUrgent || !isUrgent)) return;
    clearTimeout(other?.timer);
    const earliest = Math.min(due, other?.due ?? due);
    const urgency = { isUrgent: isUrgent || other?.isUrgent === true };
    const fire = (): void => {
      delayed.delete(key);
      add(key, urgency);
    };
    const wait = Math.min(Math.max(earliest - performance.now(), 0), DELAY_MOST_MS);
    delayed.set(key, { timer: setTimeout(fire, wait), due: earliest, ...urgency });
  }

  function turnsOf(isUrgent: boolean): FairQueue<string> {
    return isUrgent ? turns.urgent : turns.other;
  }

  /** The first of a queue that still waits in it. */
  function shift(isUrgent: boolean): string | undefined {
    const queue = turnsOf(isUrgent);
    for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
      if (waiting.get(key)?.isUrgent !== isUrgent) continue;
      urgentInARow = isUrgent ? urgentInARow + 1 : 0;
      return key;
    }
    return undefined;
  }

  function startWorkers(): void {
    while (working.size < options.workers) {
      const isUrgentFirst = urgentInARow < URGENT_IN_A_ROW;
      const key = shift(isUrgentFirst) ?? shift(!isUrgentFirst);
      const entry = key === undefined ? undefined : waiting.get(key);
      if (key === undefined || entry === undefined) return;
      waiting.delete(key);
      working.set(key, { isUrgent: entry.isUrgent, again: undefined });
      void workOn(key, entry.since);
    }
  }

  async function workOn(key: string, since: number): Promise<void> {
    const began = performance.now();
    const error = await options.work(key).then(
      () => undefined,
      (thrown: unknown) => ({ thrown }),
    );
    const { isUrgent = false, again } = working.get(key) ?? {};
    working.delete(key);
    const result = { key, waitedMs: began - since, tookMs: performance.now() - began };
    options.onDone?.(error === undefined ? result : { ...result, error: error.thrown });
    if (error !== undefined) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      addAfter(key, backoffMs(count, BACKOFF_FIRST_MS, BACKOFF_MOST_MS, options.random), {
        isUrgent: isUrgent || again?.isUrgent === true,
      });
    } else {
      failures.delete(key);
      if (again !== undefined) add(key, again);
    }
    startWorkers();
    if (isIdle()) settle();
  }

  function settle(): void {
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  function isIdle(): boolean {
    return waiting.size === 0 && working.size === 0;
  }

  function idle(): Promise<void> {
    if (isIdle()) return Promise.resolve();
    return new Promise((resolve) => idleWaiters.push(resolve));
  }

  return {
    add,
    addAfter,
    depth: () => waiting.size,
    isIdle,
    idle,
    close: () => {
      isClosed = true;
      waiting.clear();
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
      return idle();
    },
  };
}
