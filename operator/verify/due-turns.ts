/**
 * Does what is asked for about each thing when that is due. Namespaces take turns and only so many are under way at
 * once, so that a thousand new ones of one namespace stampede neither those who are asked nor each other.
 */
import { createFairQueue } from '../../relay/delivery/fair-queue.ts';
import { createAlarms } from '../core/alarms.ts';

export interface DueTurns<Wish> {
  /** What the latest plan asks for about a thing (`NAMESPACE/…`); undefined: nothing any more. */
  readonly set: (key: string, wish: Wish | undefined) => void;
  /** Whether nothing is due or under way. */
  readonly isIdle: () => boolean;
  /** Begins nothing more. */
  readonly close: () => void;
}

export interface DueTurnsOptions<Wish> {
  readonly dueOf: (wish: Wish) => Date;
  /** Where it rejects, it is done again in a while. */
  readonly act: (key: string, wish: Wish) => Promise<void>;
  readonly onError: (key: string, error: unknown) => void;
  readonly now: () => Date;
  /** Under way at once. */
  readonly atOnce: number;
  /** Shortest time between two turns of one thing, however often somebody touches it; milliseconds. */
  readonly shortestMs: number;
}

/** After an error. */
const RETRY_MS = 30_000;
/** Longer timers overflow in Node and fire at once. */
const LONGEST_TIMER_MS = 86_400_000;

export function createDueTurns<Wish>(options: DueTurnsOptions<Wish>): DueTurns<Wish> {
  const { dueOf, now, atOnce, shortestMs } = options;
  const wanted = new Map<string, Wish>();
  /** Things whose turn is to come. */
  const alarms = createAlarms();
  /** Those that are due, and those under way besides. */
  const turns = createFairQueue<string>();
  const busy = new Set<string>();
  let underWay = 0;
  /** The soonest that each may have its next turn; milliseconds since 1970. */
  const notBefore = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function dueTime(key: string): Date | undefined {
    const wish = wanted.get(key);
    if (wish === undefined) return undefined;
    return new Date(Math.max(dueOf(wish).getTime(), notBefore.get(key) ?? 0));
  }

  function sleep(): void {
    clearTimeout(timer);
    const next = alarms.next();
    if (isClosed || next === undefined) return;
    const wait = next.getTime() - now().getTime();
    timer = setTimeout(wake, Math.min(Math.max(wait, 0), LONGEST_TIMER_MS));
  }

  function wake(): void {
    for (const key of alarms.take(now())) {
      busy.add(key);
      turns.push(key.slice(0, key.indexOf('/')), key);
    }
    startSome();
    sleep();
  }

  function startSome(): void {
    if (isClosed) return;
    while (underWay < atOnce) {
      const key = turns.shift();
      if (key === undefined) return;
      underWay++;
      void take(key);
    }
  }

  async function take(key: string): Promise<void> {
    const wish = wanted.get(key);
    let pauseMs = shortestMs;
    try {
      if (wish !== undefined) await options.act(key, wish);
    } catch (error) {
      pauseMs = RETRY_MS;
      if (!isClosed) options.onError(key, error);
    }
    notBefore.set(key, now().getTime() + pauseMs);
    forgetPast();
    underWay--;
    busy.delete(key);
    alarms.set(key, dueTime(key));
    startSome();
    sleep();
  }

  /** Those that are gone stay for a while: one that is made anew again and again gains nothing by it. */
  function forgetPast(): void {
    if (notBefore.size <= 2 * wanted.size + 1000) return;
    for (const [key, time] of notBefore) if (time <= now().getTime()) notBefore.delete(key);
  }

  return {
    set: (key, wish) => {
      if (wish === undefined) wanted.delete(key);
      else wanted.set(key, wish);
      if (busy.has(key)) return;
      alarms.set(key, dueTime(key));
      sleep();
    },
    isIdle: () => busy.size === 0,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
