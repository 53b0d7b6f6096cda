/**
 * Gather, decide, act, and again when something has happened or is due. Level, not edge: a trigger only says "look
 * again", so that any number of them during one round lead to one more round.
 */

export interface LoopParts<Snapshot, Plan> {
  readonly gather: () => Promise<Snapshot>;
  readonly decide: (snapshot: Snapshot, now: Date) => Plan;
  /** Resolves to whether the next round is to follow at once. */
  readonly act: (plan: Plan) => Promise<'settled' | 'again'>;
  /** When the plan can change by itself, where it can. */
  readonly nextLook: (plan: Plan) => Date | undefined;
  /** Told of each failed round, with the time to the next. */
  readonly onError: (error: unknown, retryMs: number) => void;
}

export interface LoopTimes {
  /** A burst of triggers is one round, this long after the first of them. */
  readonly settleMs: number;
  /** First pause after a failure; it doubles up to `retryMostMs`. */
  readonly retryFirstMs: number;
  readonly retryMostMs: number;
  /** Longest time without a look, whatever happens. */
  readonly idleMs: number;
}

export interface Loop {
  /** Look again soon. */
  readonly trigger: () => void;
  /** Ends the loop; resolves when a round under way is done. */
  readonly close: () => Promise<void>;
}

const DEFAULT_TIMES: LoopTimes = { settleMs: 50, retryFirstMs: 500, retryMostMs: 60_000, idleMs: 600_000 };
/** A due time in the past, or one that keeps moving, must not become a busy loop. */
const SHORTEST_PAUSE_MS = 50;

/** Starts with a round at once. The rounds never overlap. */
export function startLoop<Snapshot, Plan>(
  parts: LoopParts<Snapshot, Plan>,
  options: Partial<LoopTimes> & { readonly random?: () => number } = {},
): Loop {
  const times = { ...DEFAULT_TIMES, ...options };
  const random = options.random ?? Math.random;
  const notifier = createNotifier();
  let failures = 0;

  /** One round. Resolves to how long to sleep when nothing happens. */
  async function round(): Promise<number> {
    try {
      const plan = parts.decide(await parts.gather(), new Date());
      const next = await parts.act(plan);
      failures = 0;
      if (next === 'again') return 0;
      const due = parts.nextLook(plan);
      return due === undefined ? times.idleMs : clamp(due.getTime() - Date.now(), SHORTEST_PAUSE_MS, times.idleMs);
    } catch (error) {
      const pause = Math.min(times.retryFirstMs * 2 ** failures, times.retryMostMs);
      failures += 1;
      // many instances that failed together must not come back together
      const retryMs = Math.round(pause * (0.75 + random() / 2));
      parts.onError(error, retryMs);
      return retryMs;
    }
  }

  async function run(): Promise<void> {
    while (!notifier.isClosed()) {
      const sleepMs = await round();
      // triggers don't cut a failure's pause short: a busy folder must not turn back-off into a busy loop
      if (failures > 0) await notifier.pause(sleepMs);
      else if (sleepMs > 0 && (await notifier.wait(sleepMs))) await notifier.pause(times.settleMs);
    }
  }

  const running = run();
  return {
    trigger: notifier.notify,
    close: async () => {
      notifier.close();
      await running;
    },
  };
}

interface Notifier {
  readonly notify: () => void;
  /** Waits for a notification, or takes one that has come already; at most this long. Resolves to whether there was one. */
  readonly wait: (ms: number) => Promise<boolean>;
  /** Waits for the whole time, and drops what is notified meanwhile. */
  readonly pause: (ms: number) => Promise<void>;
  /** Ends all waiting, now and later. */
  readonly close: () => void;
  readonly isClosed: () => boolean;
}

function createNotifier(): Notifier {
  let isNotified = false;
  let isClosed = false;
  let wake: (() => void) | undefined;

  async function sleep(ms: number, isOver: () => boolean): Promise<void> {
    if (isClosed || isOver()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        if (!isClosed && !isOver()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    wake = undefined;
  }

  return {
    notify: () => {
      isNotified = true;
      wake?.();
    },
    wait: async (ms) => {
      await sleep(ms, () => isNotified);
      const wasNotified = isNotified;
      isNotified = false;
      return wasNotified;
    },
    pause: async (ms) => {
      await sleep(ms, () => false);
      isNotified = false;
    },
    close: () => {
      isClosed = true;
      wake?.();
    },
    isClosed: () => isClosed,
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
