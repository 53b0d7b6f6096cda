/** The relay: one worker in this process, or several in processes of their own, which share its ports. */
import type { PlaceInFleet } from './handover/handover.ts';
import type { HttpOptions } from './observe/http.ts';
import type { Log } from './observe/log.ts';
import type { SkippedPort } from './submission/listen.ts';
import type { QueueReport } from './observe/queue-report.ts';
import type { StateReport } from './observe/state-report.ts';
import type { KnownUpstreams } from './observe/upstream-report.ts';
import type { UsageReport } from './observe/usage-report.ts';
import type { Certificates } from './worker-types.ts';
import type { WorkersSetting } from './workers/setting.ts';
import { workersFor } from './workers/worker-count.ts';
import { leftBehind } from './workers/spool-folders.ts';

export interface RelayOptions {
  /** Folder with class.json and shard-NNN.json, watched. */
  readonly configFolder: string;
  readonly spoolFolder: string;
  /** Where the capture upstream writes. */
  readonly captureFolder: string;
  readonly certificates: Certificates;
  /** Processes that take mail. Default: one, which is this process. */
  readonly workers?: WorkersSetting;
  /** Default: all addresses. */
  readonly host?: string | undefined;
  /** Ports that start in clear text, with STARTTLS; 0 takes a free one. */
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Those that may be missing, since somebody else has them or this user may not open them. Default: none. */
  readonly optionalPorts?: ReadonlySet<number>;
  readonly http: HttpOptions;
  /** Other relays, to which mail goes when this one goes for good. Default: there are none. */
  readonly fleet?: PlaceInFleet | undefined;
  /** Metrics of whoever runs the relay, in the text format of Prometheus; /metrics has them, too. */
  readonly furtherMetrics?: () => Promise<string>;
  readonly log: Log;
  /** The spool can no longer be trusted: the process should end, and replay it at its next start. */
  readonly onFatal?: (error: unknown) => void;
}

export interface Relay {
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** Optional ports that could not be had. */
  readonly skippedPorts: readonly SkippedPort[];
  readonly httpPort: number;
  /** Where it takes mail of other relays; undefined where it does not. */
  readonly handoverPort: number | undefined;
  /** SHA-256 of each configuration document in force, by file name: where several workers run, in force in all. */
  readonly configHashes: () => Readonly<Record<string, string>>;
  /** What is known of the upstreams, by list. */
  readonly upstreams: () => KnownUpstreams;
  /** What was counted of lists and users in the last 24 hours. */
  readonly usage: () => UsageReport;
  /** What waits in the spool. */
  readonly queue: () => QueueReport;
  /** What it says of itself. */
  readonly state: () => StateReport;
  /** Since when the spool has had no room. */
  readonly fullSince: () => Date | undefined;
  /** Reads the configuration folder now; resolves when it is in force. */
  readonly reload: () => Promise<void>;
  /** New handshakes use the new certificate. */
  readonly updateCertificates: (certificates: Certificates) => void;
  /**
   * Ends without losing anything: open transactions are finished, and what is neither delivered nor handed over stays in the spool.
   * Resolves with the number of messages there; undefined where a worker ended without saying so.
   */
  readonly close: () => Promise<number | undefined>;
}

/**
 * Starts a relay. Rejects where a port that is not optional, the HTTP port or the spool cannot be had; what had started
 * by then has ended.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const workers = await workersFor(options.workers ?? 1);
  const left = await leftBehind(options.spoolFolder, workers);
  // each of the two loads what it needs: a parent has no use for what a worker is made of
  if (workers === 1 && left.length === 0) return (await import('./alone.ts')).startAlone(options);
  return (await import('./workers/parent.ts')).startParent(options, { workers, left });
}
