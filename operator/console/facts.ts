/**
 * What the pages of the console show. One process and the operator on a cluster each gather it in their own way;
 * nothing is decided here.
 */
import type { ListStatus } from '../api/list.ts';
import type { SenderStatus } from '../api/sender.ts';
import type { UserStatus } from '../api/user.ts';
import type { StateReport } from '../../relay/observe/state-report.ts';
import type { UpstreamTrouble } from '../../relay/observe/upstream-report.ts';

/** An object with its status, as `kubectl get -o yaml` has them. */
export interface ShownObject<Status> {
  readonly namespace: string;
  readonly name: string;
  readonly status: Status;
}

export interface Facts {
  /** Version of the operator, or of the single process. */
  readonly version: string;
  /** Who looks, where the page asks for that. */
  readonly viewer?: string | undefined;
  readonly lists: readonly ShownObject<ListStatus>[];
  readonly users: readonly ShownObject<UserStatus>[];
  readonly senders: readonly ShownObject<SenderStatus>[];
  /** Some objects are left out, since there are more than a page shows. */
  readonly isCut: boolean;
  /** The namespace that was asked for; absent: all that the viewer may see. */
  readonly namespace?: string | undefined;
  /** There are so many namespaces that not all were looked into: the viewer is to name one. */
  readonly areNamespacesCut?: boolean | undefined;
  /** Those that the viewer may see; where one was asked for, it may be that one alone. */
  readonly namespaces: readonly string[];
  readonly refusals: Refusals | undefined;
  readonly queue: Queue;
  /** Absent: not for this viewer, who sees some namespaces only. */
  readonly relays?: readonly RelayFact[] | undefined;
  /** Whether mail is captured here, for the page that shows it. */
  readonly showsMail: boolean;
}

export interface Refusals {
  /** From when they are counted: an hour ago at most. ISO 8601. */
  readonly since: string;
  /** By user (`NAMESPACE/NAME`) and reason. */
  readonly users: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By reason, of those whom the configuration does not know. Absent: not for this viewer. */
  readonly nobody?: Readonly<Record<string, number>> | undefined;
}

interface Queue {
  /** When the oldest message came in, where the viewer may know; ISO 8601. */
  readonly oldestTime?: string | undefined;
  readonly smartHosts: readonly SmartHostFact[];
}

export interface SmartHostFact {
  /** For people: host and port, or whose it is. */
  readonly name: string;
  /** Messages that wait, by list. */
  readonly lists: Readonly<Record<string, number>>;
  /** Absent where it takes mail. */
  readonly trouble?: UpstreamTrouble | undefined;
}

export interface RelayFact {
  readonly name: string;
  readonly isReady: boolean;
  /** Absent where it does not answer. */
  readonly state?: StateReport | undefined;
  /** Where clients connect, as far as the place that gathers this knows. */
  readonly ports?: readonly number[] | undefined;
  readonly implicitTlsPorts?: readonly number[] | undefined;
}
