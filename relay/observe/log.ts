/** JSON lines on stdout for programs; a terminal gets readable ones (operator/standalone/log-lines.ts). Never a password or a body. */
import { pino, type DestinationStream, type Logger } from 'pino';
import { createAddressRule, type AddressRule } from './log-addresses.ts';

export interface Log extends Logger {
  /** Writes a line that another process has made, as it is. */
  readonly pass: (line: string) => void;
  /** How lines show mail addresses. Holds for every line of this log. */
  readonly addresses: AddressRule;
}

/** @param base fields of each line. */
export function createLog(destination: DestinationStream = openStdout(), base: object | null = null): Log {
  const addresses = createAddressRule();
  const options = {
    base,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => withoutUnseen(addresses.apply(line)) },
  };
  const log = pino(options, destination);
  return Object.assign(log, { addresses, pass: (line: string) => destination.write(line) });
}

/**
 * Lines of one turn of the event loop leave in one write: many messages are on disk at once, and each has its line.
 * @param sync nothing else is done until they are with whoever reads them; else they wait in memory for that.
 */
export function openStdout({ sync = false } = {}): DestinationStream & { readonly flushSync: () => void } {
  const stdout = pino.destination({ dest: 1, sync });
  let lines = '';
  const handOver = (): void => {
    if (lines !== '') stdout.write(lines);
    lines = '';
  };
  const flushSync = (): void => {
    handOver();
    stdout.flushSync();
  };
  process.on('exit', flushSync);
  return {
    write: (line) => {
      if (lines === '') process.nextTick(handOver);
      lines += line;
    },
    // pino calls it after a line that may be the last
    flushSync,
  };
}

/**
 * What steers a terminal, turns a line's direction or cannot be seen, as JSON may write it too: clients choose addresses, and
 * people read logs as they are.
 */
function withoutUnseen(line: string): string {
  if (!NOT_PLAIN.test(line)) return line;
  return line.replace(UNSEEN, (character) =>
    [...Array(character.length).keys()].map((i) => unitOf(character, i)).join(''),
  );
}

function unitOf(text: string, index: number): string {
  return `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`;
}

const NOT_PLAIN = /[^\n\x20-\x7e]/;
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
