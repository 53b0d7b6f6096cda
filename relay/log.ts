/** JSON lines on stdout for programs; a terminal gets readable ones (see log-lines.ts). Never a password or a body. */
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

export function createLog(destination?: DestinationStream): Log {
  const options = {
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
