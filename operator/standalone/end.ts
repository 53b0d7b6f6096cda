import type { Log } from '../../relay/log.ts';

/** What a shell reports for a process that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
const FAILED = 1;

export interface EndOfRun {
  /** The exit code, once something ends the process: a signal (0), or a fault (1). */
  readonly code: Promise<number>;
  /** The spool can no longer be trusted. */
  readonly fail: (error: unknown) => void;
}

/** From here on a first signal asks for a clean end, and a second one ends the process at once. */
export function endOfRun(log: Log): EndOfRun {
  const { promise: code, resolve } = Promise.withResolvers<number>();
  let isEnding = false;
  const onSignal = (name: keyof typeof EXIT_CODES): void => {
    if (isEnding) process.exit(EXIT_CODES[name]);
    isEnding = true;
    resolve(0);
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  const fail = (error: unknown): void => {
    log.fatal({ event: 'spool', err: error }, 'the spool failed; ending, and replaying it at the next start');
    resolve(FAILED);
  };
  return { code, fail };
}
