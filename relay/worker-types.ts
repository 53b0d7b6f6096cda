/** What a worker is given, and what can be asked of it. */
import type { Allow } from './delivery/allowance.ts';
import type { PlaceInFleet } from './handover/handover.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { SharedLimits } from './submission/limits.ts';
import type { Listening, ListenOptions } from './submission/listen.ts';
import type { UsageCounter } from './usage/counter.ts';
import type { WorkerState } from './workers/worker-state.ts';

export interface WorkerOptions {
  /** Folder with class.json and shard-NNN.json, watched. */
  readonly configFolder: string;
  readonly spoolFolder: string;
  /** Where the capture upstream writes. */
  readonly captureFolder: string;
  readonly certificates: Certificates;
  readonly log: Log;
  /** The spool can no longer be trusted: the process should end, and replay it at its next start. */
  readonly onFatal: (error: unknown) => void;
  /** Counted for all workers together. Default: of this one alone. */
  readonly limits?: SharedLimits | undefined;
  /** How many connections to smart hosts this worker may open, divided among all workers. Default: no division. */
  readonly allow?: Allow | undefined;
  /** Default: nobody counts. */
  readonly usage?: UsageCounter | undefined;
  /** Other relays that take what is left in the spool when this one goes for good. Default: there are none. */
  readonly fleet?: PlaceInFleet | undefined;
  /** How many take mail: what is bounded for all, and counted by nobody, is divided among them. Default: this one. */
  readonly workers?: number;
  /** Says in the log what becomes of the configuration: of several workers, one will do. Default: true. */
  readonly tellsConfig?: boolean;
}

export interface Certificates {
  /** PEM, with the chain behind it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly notAfter: Date;
}

export interface Worker {
  /** Takes mail from now on. Rejects where a port that is not optional cannot be had; the worker goes on without any. */
  readonly listen: (options: ListenOptions) => Promise<Listening>;
  readonly state: () => WorkerState;
  readonly metrics: Metrics;
  /** Reads the configuration folder now; resolves when it is in force. */
  readonly reload: () => Promise<void>;
  /** Called after each change of the configuration in force. */
  readonly onConfig: (listener: () => void) => void;
  /** New handshakes use the new certificate. */
  readonly updateCertificates: (certificates: Certificates) => void;
  /** Nothing waits in its spool. */
  readonly isEmpty: () => boolean;
  /** Ends a worker that is empty and takes no mail; of its spool, what is for people stays. */
  readonly discard: () => Promise<void>;
  /**
   * Finishes open transactions, delivers what can go out now, hands the rest to other relays of the fleet where this one goes
   * for good, then ends. What nobody takes stays in the spool: resolves with the number of messages.
   */
  readonly drain: () => Promise<number>;
  /** Ends at once. */
  readonly close: () => Promise<void>;
}
