/**
 * How many connections to a smart host this process may have open. The smart host's owner sets the maximum; where
 * several processes deliver, it is divided among them (workers/host-places.ts).
 */
import type { Transport } from './transport.ts';

export interface Allowance {
  most(): number;
  /** Called now and then, with what has become of it. */
  look(use: Use, now: number): void;
  /** Nothing is open any more, nor will be. */
  close(): void;
}

interface Use {
  /** Transactions under way. */
  readonly active: number;
  /** Messages that would begin another one, if they might. */
  readonly waiting: () => number;
}

/** @param key of the smart host. @param onChange the number has changed. */
export type Allow = (key: string, transport: Transport, onChange: () => void) => Allowance;

/** For a process that delivers alone. */
export const allowAll: Allow = (_, transport) => ({
  most: () => transport.limit(),
  look: () => undefined,
  close: () => undefined,
});
