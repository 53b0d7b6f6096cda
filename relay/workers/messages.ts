/**
 * What a parent and its workers say to each other, as JSON over the channel that `fork` makes: both run the same
 * program.
 */
import type { LogSettings } from '../config/config.ts';
import type { PlaceInFleet } from '../handover/handover.ts';
import type { Wish } from './host-places.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { AllowedConnections } from '../submission/connection-limits.ts';
import type { Listening } from '../submission/listen.ts';
import type { LoginAttempt, LoginClaim } from '../submission/login-limits.ts';
import type { Rate, RateLimits, Taken } from '../submission/rate-limits.ts';
import type { Reply } from '../replies.ts';
import type { WatchedUser } from '../usage/pauses.ts';
import type { WorkerUsage } from '../usage/worker-usage.ts';
import type { WorkerState } from './worker-state.ts';

export type ToWorker =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  /** Once it is open: it takes mail from now on. */
  | { readonly kind: 'listen'; readonly where: WhereToListen }
  | { readonly kind: 'certificates'; readonly certificates: CertificatesText }
  /** Finish what is under way, and end. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'reload'; readonly id: number }
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'counted'; readonly id: number; readonly answer: Counted }
  /** It may have this many connections open to the smart host that it asked about under this id. */
  | { readonly kind: 'places'; readonly id: number; readonly granted: number }
  /** Users whom all workers together have paused. */
  | { readonly kind: 'paused'; readonly paused: readonly (readonly [string, WatchedUser])[] }
  /** It is this log-in's turn: say whether its password is right. */
  | { readonly kind: 'verify'; readonly id: number };

export type FromWorker =
  /** Its spool is open, and its configuration read: it may be told to listen. */
  | { readonly kind: 'open'; readonly state: WorkerState }
  | { readonly kind: 'listening'; readonly listening: Omit<Listening, 'close'> }
  /** It cannot start, and ends. */
  | { readonly kind: 'failed'; readonly error: SystemError }
  /** Every second, and at each change of its configuration. Without it, the worker hangs. */
  | { readonly kind: 'state'; readonly state: StateNews }
  /** It was told to end, and this many messages stay in its spool. */
  | { readonly kind: 'left'; readonly left: number }
  /** It takes no mail, nothing was left to deliver, and it has removed its spool. */
  | { readonly kind: 'drained'; readonly metrics: WorkerMetrics }
  | { readonly kind: 'reloaded'; readonly id: number }
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: WorkerMetrics }
  | { readonly kind: 'count'; readonly id: number; readonly question: LimitQuestion }
  | { readonly kind: 'verified'; readonly id: number; readonly isRight: boolean }
  | { readonly kind: 'uncount'; readonly what: Uncounted }
  | { readonly kind: 'places'; readonly id: number; readonly wish: Wish }
  /** What it has counted since it said so last. */
  | { readonly kind: 'usage'; readonly usage: WorkerUsage };

/** What is known of the upstreams may be long, and changes seldom: absent where it is as it was. */
type StateNews = Omit<WorkerState, 'upstreams'> & Partial<Pick<WorkerState, 'upstreams'>>;

export interface WorkerStart {
  readonly number: number;
  /** How many take mail. */
  readonly workers: number;
  /** False: it delivers what is in its spool, and then ends. */
  readonly takesMail: boolean;
  readonly tellsConfig: boolean;
  readonly configFolder: string;
  readonly spoolFolder: string;
  readonly captureFolder: string;
  readonly certificates: CertificatesText;
  readonly fleet?: PlaceInFleet | undefined;
  /** Until its configuration says so itself. */
  readonly log: LogSettings;
}

export interface CertificatesText {
  readonly cert: string;
  readonly key: string;
  /** ISO 8601. */
  readonly notAfter: string;
}

export interface WhereToListen {
  readonly host?: string | undefined;
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  readonly optionalPorts: readonly number[];
  /** False for one worker that has none beside it: that needs nothing of the system. */
  readonly isShared: boolean;
}

/** What is left of an error of the system on its way: enough to say which port or file it was. */
export interface SystemError {
  readonly message: string;
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
  readonly path?: string | undefined;
  readonly port?: number | undefined;
}

/** For limits that hold for all workers (submission/limits.ts). */
export type LimitQuestion =
  | { readonly of: 'open'; readonly address: string; readonly most: number }
  | { readonly of: 'enter'; readonly user: string; readonly allowed: AllowedConnections }
  | { readonly of: 'spend'; readonly what: Rate; readonly user: string; readonly limits: RateLimits }
  | { readonly of: 'login'; readonly login: LoginClaim };

export type Counted = Reply | boolean | Taken | LoginAttempt | undefined;

export type Uncounted =
  | { readonly of: 'open'; readonly address: string }
  | { readonly of: 'enter'; readonly user: string }
  | { readonly of: 'spend'; readonly what: Rate; readonly user: string; readonly taken: Taken };
