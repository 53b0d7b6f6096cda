/** What the controller is given, and what it offers. */
import type { ClassView, Kind, OtherInstallations } from '../core/model.ts';
import type { DnsVerification } from '../core/senders/dns-verification.ts';
import type { Installation } from '../installation.ts';
import type { NamespaceLimits, Settings } from '../settings/settings.ts';
import type { Resolvers } from '../verify/look-up.ts';
import type { CertificatesOptions } from './certificates.ts';
import type { Readiness } from './cache/caches.ts';
import type { KubeClient } from './client/client.ts';
import type { MailOptions, MailProofsOnCluster } from './proofs/mail-proofs.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { PageTokens } from './page-tokens.ts';
import type { ConsoleAnswer } from './relays/pod-answers.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  /** Our own namespace: installation id, relay configuration and relay pods. */
  readonly namespace: string;
  /** Name of this process, for Events. */
  readonly identity: string;
  readonly installation: Installation;
  readonly pageTokens: Pick<PageTokens, 'ofClass' | 'secrets'>;
  readonly watchNamespaces: readonly string[];
  readonly readClasses: () => Promise<ReadonlyMap<string, ClassView>>;
  readonly otherInstallations: OtherInstallations;
  /** Absent: no domain is verified by DNS. */
  readonly verification?: DnsVerification & { readonly resolvers: Resolvers };
  /** Absent: no address is verified by mail. */
  readonly mail?: MailOptions;
  /** For what replicas write that do not lead. Default: `client`. */
  readonly unledClient?: KubeClient;
  /** Absent: a namespace may have any number of objects. */
  readonly namespaceLimits?: NamespaceLimits;
  /** Absent: the certificates of the relays are none of our business. */
  readonly certificates?: CertificatesOptions;
  /** Whether pods empty the spools of relays that are gone. Default: where somebody asks for it. */
  readonly drainSpools?: Settings['drainSpools'] | undefined;
  readonly configPrefixOf: (className: string) => string;
  readonly metrics: OperatorMetrics;
  readonly onTrouble: (message: string) => void;
  /** What everything is judged by that changes with time. Leases and Events have the time of the machine. */
  readonly now?: () => Date;
  /** How often everything is planned anew; milliseconds. */
  readonly fullPlanMs?: number;
  /** How often it is tried whether a CRD that was too old, or missing, is as it should be by now; milliseconds. */
  readonly crdProbeMs?: number;
  /** How long a class may be without a ready relay before its objects say so; milliseconds. */
  readonly unservedMs?: number;
  /** How long a class has to have fewer relays before limits are divided by fewer; milliseconds. */
  readonly fleetHoldMs?: number;
  /** How long what is told of the upstream of a list stays so, at least; milliseconds. */
  readonly tellMs?: number;
  /** How often relays are asked what they have counted, and how long a status says the same of it, at least; milliseconds. */
  readonly usageMs?: { readonly ask: number; readonly hold?: number };
}

export interface Controller {
  readonly hasSynced: () => boolean;
  /** What keeps the caches from having synced, as far as that is known. */
  readonly syncTroubles: () => readonly string[];
  /**
   * Waits for the caches, plans everything, and acts from then on. Called once, by the leader.
   *
   * @param unwatchedSince when somebody last led; undefined: nobody knows, or somebody has until now
   */
  readonly lead: (unwatchedSince?: Date) => Promise<void>;
  /** Those that hold an object or a Secret of ours. */
  readonly namespacesInUse: () => Iterable<string>;
  /** What each relay says of itself now, ready or not. */
  readonly askRelays: () => Promise<readonly ConsoleAnswer[]>;
  /** Number of objects by kind and by the status of their condition `Ready`. */
  readonly readiness: () => readonly Readiness[];
  /** Hashes of the documents that were written last, by class and file name. */
  readonly written: () => Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long the change has waited that has waited longest for all ready relays of a class to run it; seconds, by class. */
  readonly lags: () => ReadonlyMap<string, number>;
  readonly depth: () => number;
  /** Pages for people. */
  readonly page: MailProofsOnCluster['page'];
  /** Seconds since the API server was last heard, by kind. */
  readonly silence: () => ReadonlyMap<string, number>;
  readonly eventsDropped: () => number;
  /** How many statuses are left alone since somebody else replaces them each time. */
  readonly contestedStatuses: () => number;
  /** Which CRDs are of another version than this operator, and what to do about it. */
  readonly crdTroubles: () => ReadonlyMap<Kind, string>;
  /** Resolves when nothing is to be planned, waits or is at work. */
  readonly idle: () => Promise<void>;
  readonly close: () => Promise<void>;
}
