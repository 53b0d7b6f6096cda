import type { Log } from '../relay/observe/log.ts';

/** What a shell reports for a process that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
export const EXIT_FAILURE = 1;
/** The code that sysexits, shells and linters share: the question was wrong, not the answer. */
export const EXIT_USAGE = 2;
/** Ctrl-C reaches the whole process group, and npm hands on what it gets: one keystroke is two signals, moments apart. */
const SAME_SIGNAL_MS = 1000;

export interface EndOfRun {
  /** The exit code, once something ends the process: a signal (0), or a fault (1). */
  readonly code: Promise<number>;
  /** Something that the process cannot go on without is lost. */
  readonly fail: (words: string, fields?: object) => void;
}

/** From here on a first signal asks for a clean end, and one that comes later ends the process at once. */
export function endOfRun(log: Log): EndOfRun {
  const { promise: code, resolve } = Promise.withResolvers<number>();
  let since: number | undefined;
  const onSignal = (name: keyof typeof EXIT_CODES): void => {
    const now = performance.now();
    if (since !== undefined && now - since > SAME_SIGNAL_MS) process.exit(EXIT_CODES[name]);
    if (since !== undefined) return;
    since = now;
    log.info(
      { event: 'stopping', signal: name },
      'stopping: work in progress is finished first; another signal stops it at once',
    );
    resolve(0);
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  const fail = (words: string, fields: object = {}): void => {
    log.fatal(fields, words);
    resolve(EXIT_FAILURE);
  };
  return { code, fail };
}

/** For relays, whose spool can no longer be trusted. */
export function endBySpool({ fail }: EndOfRun): (error: unknown) => void {
  return (error) =>
    fail('the spool failed; ending, and replaying it at the next start', { event: 'spool', err: error });
}
