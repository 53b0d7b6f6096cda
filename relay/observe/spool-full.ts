/**
 * Tells people and the operator whether the spool is full (its disk, or what memory has room for). It counts as full as
 * soon as a usual message does not fit, and until there has been room to spare for a while: near the limit, one message
 * is refused and the next is taken.
 */
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface SpoolFull {
  /** Undefined while there is room. */
  readonly fullSince: () => Date | undefined;
  readonly close: () => void;
}

export interface SpoolFullOptions {
  readonly hasRoom: (bytes: number) => boolean;
  readonly metrics: Pick<Metrics, 'spoolFull'>;
  readonly log: Log;
  /** How often it is looked at, and for how long there must have been room; milliseconds. */
  readonly lookMs?: number;
  readonly steadyMs?: number;
}

/** Most mail is smaller, so that a disk without room for this takes next to none. */
const MESSAGE_BYTES = 64 * 1024;
const SPARE_BYTES = 16 * MESSAGE_BYTES;
const LOOK_MS = 1000;
const STEADY_MS = 30_000;

export function watchSpoolFull(options: SpoolFullOptions): SpoolFull {
  const { hasRoom, metrics, log, lookMs = LOOK_MS, steadyMs = STEADY_MS } = options;
  let since: Date | undefined;
  let lastFull = -Infinity;

  function look(): void {
    const now = performance.now();
    if (!hasRoom(since === undefined ? MESSAGE_BYTES : SPARE_BYTES)) {
      lastFull = now;
      if (since === undefined) log.error({ event: 'spool' }, 'the spool is full: all mail is refused with 452');
      since ??= new Date();
    } else if (since !== undefined && now - lastFull >= steadyMs) {
      log.info({ event: 'spool', since }, 'the spool takes mail again');
      since = undefined;
    }
    metrics.spoolFull.set(since === undefined ? 0 : 1);
  }

  look();
  const timer = setInterval(look, lookMs);
  timer.unref();
  return { fullSince: () => since, close: () => clearInterval(timer) };
}
