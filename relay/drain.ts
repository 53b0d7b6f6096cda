/**
 * Empties the spools of a relay that no longer exists: delivers what can go out, hands the rest to other relays of its
 * fleet, and starts over for as long as something is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerOptions } from './worker-types.ts';
import { startWorker } from './worker.ts';
import { leftBehind, spoolFolderOfWorker } from './workers/spool-folders.ts';

export interface DrainOptions extends Omit<WorkerOptions, 'workers'> {
  /** Aborted: what is left stays where it is. */
  readonly signal: AbortSignal;
  /** Between two rounds; milliseconds. */
  readonly pauseMs?: number;
}

const PAUSE_MS = 10_000;

/** Resolves with the number of messages that are left: none, unless it was told to stop. */
export async function drainSpools({ signal, pauseMs = PAUSE_MS, ...options }: DrainOptions): Promise<number> {
  const { spoolFolder, log } = options;
  // the spools of a relay with several workers, one after the other
  const numbers = [1, ...(await leftBehind(spoolFolder, 1))];
  for (;;) {
    let left = 0;
    for (const number of numbers)
      left += await drainOne({ ...options, spoolFolder: spoolFolderOfWorker(spoolFolder, number) });
    log.info(
      { event: 'handover', messages: left },
      left === 0 ? 'the spool is empty' : 'messages are left in the spool',
    );
    if (left === 0 || signal.aborted) return left;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return left;
  }
}

async function drainOne(options: WorkerOptions): Promise<number> {
  const worker = await startWorker({ ...options, workers: 1 });
  return worker.drain();
}
