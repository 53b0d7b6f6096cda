/** JSON lines on stdout for programs; a terminal gets readable ones (operator/standalone/log-lines.ts). Never a password or a body. */
import { pino, type DestinationStream, type Logger } from 'pino';
import { createAddressRule, type AddressRule } from './log-addresses.ts';

export interface Log extends Logger {
  /** How lines show mail addresses. Holds for every line of this log. */
  readonly addresses: AddressRule;
}

export function createLog(destination?: DestinationStream): Log {
  const addresses = createAddressRule();
  const options = {
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => addresses.apply(line) },
  };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  return Object.assign(log, { addresses });
}
