/** The place of one worker: whenever its process ends by itself, another takes over. */
import type { Log } from '../observe/log.ts';
import type { Listening } from '../submission/listen.ts';
import type { createSharedLimits } from '../submission/limits.ts';
import type { Usage } from '../usage/usage.ts';
import { createBackoff } from './backoff.ts';
import type { HostPlaces } from './host-places.ts';
import type { WhereToListen, WorkerStart } from './messages.ts';
import type { WorkerMetrics } from './metrics.ts';
import { startWorkerProcess, type WorkerEnd, type WorkerProcess } from './worker-process.ts';

export interface Slot {
  readonly number: number;
  /** The first one of all. Resolves when its spool is open; rejects where it cannot be. */
  readonly open: () => Promise<void>;
  /** It takes mail there, and so does each one after it. */
  readonly listen: (where: WhereToListen) => Promise<Omit<Listening, 'close'>>;
  /** From here on, whoever ends is replaced. */
  readonly watch: () => void;
  /** Undefined while there is none. */
  readonly process: () => WorkerProcess | undefined;
  readonly isListening: () => boolean;
  /** Ends it in good order, within this many seconds. Resolves with the number of messages that it leaves in its spool, if it says so. */
  readonly stop: (seconds: number) => Promise<number | undefined>;
  readonly kill: () => Promise<void>;
}

export interface SlotOptions {
  readonly number: number;
  /** What a new process begins with, as it is then. */
  readonly start: () => WorkerStart;
  readonly limits: ReturnType<typeof createSharedLimits>;
  readonly places: HostPlaces;
  readonly usage: Pick<Usage, 'addAll' | 'paused'>;
  readonly log: Log;
  /** It ended by itself, or had nothing left to do, and had counted this. */
  readonly onEnd: (end: { readonly isDrained: boolean; readonly counted: WorkerMetrics }) => void;
}

/** What it may take for its end beyond the time it was given: to hear of it, and to close its spool. */
const STOP_GRACE_MS = 5000;

export function createSlot({ number, start, limits, places, usage, log, onEnd }: SlotOptions): Slot {
  const backoff = createBackoff();
  let current: WorkerProcess | undefined;
  let where: WhereToListen | undefined;
  let isListening = false;
  let isWatched = false;
  let isOver = false;
  let isDrained = false;
  let missed: { readonly worker: WorkerProcess; readonly end: WorkerEnd } | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function open(): Promise<void> {
    backoff.started();
    const worker = startWorkerProcess(start(), { limits, places, usage, log });
    current = worker;
    void worker.ended.then((end) => ended(worker, end));
    await worker.opened;
  }

  async function listen(): Promise<Omit<Listening, 'close'>> {
    if (current === undefined || where === undefined) throw new Error(`worker ${number} has ended`);
    const { pid } = current;
    const listening = await current.listen(where);
    isListening = true;
    log.info({ event: 'worker', worker: number, pid }, 'a worker takes mail');
    return listening;
  }

  function ended(worker: WorkerProcess, end: WorkerEnd): void {
    current = undefined;
    isListening = false;
    if (isOver) return;
    if (!isWatched) {
      missed = { worker, end };
      return;
    }
    onEnd({ ...end, counted: worker.lastMetrics() });
    isDrained = end.isDrained;
    if (end.isDrained) {
      log.info({ event: 'worker', worker: number }, 'the spool of a worker that is no more is empty, and removed');
    } else {
      const waitMs = backoff.ended();
      log.error(
        { event: 'worker', worker: number, why: end.why, waitMs },
        'a worker ended; another one takes its place',
      );
      timer = setTimeout(() => void replace(), waitMs);
    }
  }

  async function replace(): Promise<void> {
    try {
      await open();
      if (where !== undefined) await listen();
    } catch {
      // it has ended, and so is replaced in turn
    }
  }

  async function endWithin(ms: number): Promise<void> {
    isOver = true;
    clearTimeout(timer);
    const worker = current;
    if (worker === undefined) return;
    const late = setTimeout(worker.kill, ms);
    await worker.ended;
    clearTimeout(late);
  }

  return {
    number,
    open,
    listen: (there) => {
      where = there;
      return listen();
    },
    watch: () => {
      isWatched = true;
      if (missed !== undefined) ended(missed.worker, missed.end);
    },
    process: () => current,
    isListening: () => isListening,
    stop: async (seconds) => {
      const worker = current;
      worker?.tell({ kind: 'stop' });
      await endWithin(seconds * 1000 + STOP_GRACE_MS);
      // one that had nothing left to do has ended before
      return worker === undefined && isDrained ? 0 : worker?.left();
    },
    kill: () => endWithin(0),
  };
}
