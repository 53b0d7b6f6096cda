/**
 * Work queue by key, as client-go has it: a key waits at most once, is worked on by one worker, and backs off alone. Tenants
 * take turns, so that one with thousands of keys holds up nobody, and what is urgent goes before what is not.
 */
import { createFairQueue } from '../../../relay/delivery/fair-queue.ts';
import { backoffMs } from './backoff.ts';

export interface WorkQueue {
  /** Work on the key soon. While it is being worked on, it is worked on once more afterwards. */
  readonly add: (key: string, options?: { readonly isUrgent?: boolean }) => void;
  /** Work on the key in a while; of several delays the earliest counts. */
  readonly addAfter: (key: string, milliseconds: number) => void;
  readonly depth: () => number;
  /** Whether nothing is waiting or at work; delayed keys do not count. */
  readonly isIdle: () => boolean;
  /** Resolves when that is so. */
  readonly idle: () => Promise<void>;
  /** Takes no more work; resolves when what is at work has ended. */
  readonly close: () => Promise<void>;
}

export interface WorkQueueOptions {
  readonly workers: number;
  /** Does the work; what it throws is reported, and the key tried again after its back-off. */
  readonly work: (key: string) => Promise<void>;
  readonly onDone?: (result: { key: string; waitedMs: number; tookMs: number; error?: unknown }) => void;
  /** Whose turn a key takes. Default: all keys are one tenant's. */
  readonly tenantOf?: (key: string) => string;
  readonly random?: () => number;
}

const BACKOFF_FIRST_MS = 50;
const BACKOFF_MOST_MS = 300_000;
/** Longer timers overflow in Node and fire at once. */
const DELAY_MOST_MS = 2_147_483_647;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  /** Since when. */
  const waiting = new Map<string, number>();
  /** A key that was taken from one of these is passed over in the other. */
  const turns = { urgent: createFairQueue<string>(), other: createFairQueue<string>() };
  const urgent = new Set<string>();
  const working = new Map<string, { again: boolean }>();
  const delayed = new Map<string, { readonly timer: NodeJS.Timeout; readonly due: number }>();
  const failures = new Map<string, number>();
  const { tenantOf = () => '' } = options;
  let idleWaiters: (() => void)[] = [];
  let isClosed = false;

  function add(key: string, { isUrgent = false }: { readonly isUrgent?: boolean } = {}): void {
    if (isClosed) return;
    if (isUrgent && !urgent.has(key) && !working.has(key)) {
      urgent.add(key);
      turns.urgent.push(tenantOf(key), key);
    }
    if (waiting.has(key)) return;
    const current = working.get(key);
    if (current !== undefined) {
      current.again = true;
      return;
    }
    waiting.set(key, performance.now());
    turns.other.push(tenantOf(key), key);
    startWorkers();
  }

  function addAfter(key: string, milliseconds: number): void {
    if (isClosed) return;
    const due = performance.now() + milliseconds;
    const other = delayed.get(key);
    if (other !== undefined && other.due <= due) return;
    clearTimeout(other?.timer);
    const fire = (): void => {
      delayed.delete(key);
      add(key);
    };
    delayed.set(key, { timer: setTimeout(fire, Math.min(milliseconds, DELAY_MOST_MS)), due });
  }

  function startWorkers(): void {
    while (working.size < options.workers) {
      const key = turns.urgent.shift() ?? turns.other.shift();
      if (key === undefined) return;
      const since = waiting.get(key);
      if (since === undefined) continue;
      waiting.delete(key);
      urgent.delete(key);
      working.set(key, { again: false });
      void workOn(key, since);
    }
  }

  async function workOn(key: string, since: number): Promise<void> {
    const began = performance.now();
    const error = await options.work(key).then(
      () => undefined,
      (thrown: unknown) => ({ thrown }),
    );
    const again = working.get(key)?.again === true;
    working.delete(key);
    const result = { key, waitedMs: began - since, tookMs: performance.now() - began };
    options.onDone?.(error === undefined ? result : { ...result, error: error.thrown });
    if (error !== undefined) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      addAfter(key, backoffMs(count, BACKOFF_FIRST_MS, BACKOFF_MOST_MS, options.random));
    } else {
      failures.delete(key);
      if (again) add(key);
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
