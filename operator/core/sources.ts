import type {
  AcceptedPasswords,
  SenderEvidence,
  Kind,
  ObjectMeta,
  ProgrammedFact,
  RawObject,
  RelaysFact,
  SecretView,
  UpstreamFact,
} from './model.ts';
import type { UsageFact } from './usage.ts';
import type { DkimKeys } from './senders/dkim-model.ts';
import type { MailEvidence } from './mail-evidence.ts';
import type { EndpointRecords, PublicationFact } from './senders/publication-model.ts';

export interface AskedEntries {
  /** Lists, user names, namespaces; keys of a VerifiedSender (`signerEntry`). */
  readonly entries: readonly string[];
  /** One of them has just changed: what is known of the relays is about what it was before. */
  readonly isChanged: boolean;
}

/** Where the planner finds what there is, by `NAMESPACE/NAME`. It asks when it plans, and keeps no copy. */
export interface Sources {
  readonly namespaces: () => Iterable<string>;
  readonly labelsOf: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly objectsOf: (kind: Kind, namespace: string) => Iterable<RawObject>;
  /** How many there are in a namespace; those count too that are being deleted. */
  readonly countOf: (kind: Kind, namespace: string) => number;
  readonly object: (kind: Kind, key: string) => RawObject | undefined;
  readonly secretsOf: (namespace: string) => Iterable<SecretView>;
  readonly secret: (key: string) => SecretView | undefined;
  /** Why the Secret of a user could not be written when it was last tried. */
  readonly secretTroubleOf: (user: string) => string | undefined;
  /** What the relays were told last of the passwords of a user, by a planner before this one. */
  readonly accepted: (user: string) => AcceptedPasswords | undefined;
  readonly evidenceOf: (sender: string) => SenderEvidence | undefined;
  readonly keysOf: (sender: string) => DkimKeys | undefined;
  /** What has become of the DNSEndpoint of a VerifiedSender that is to have these records. Undefined: it is not written yet. */
  readonly publicationOf: (sender: ObjectMeta, records: EndpointRecords) => PublicationFact | undefined;
  /** By `NAMESPACE/ADDRESS`. */
  readonly mailOf: (key: string) => MailEvidence | undefined;
  /** Whether relays of a class run these entries of their configuration. */
  readonly programmed: (className: string, entries: AskedEntries) => ProgrammedFact | undefined;
  /** What the relays of a class tell of themselves. */
  readonly relays: (className: string) => RelaysFact | undefined;
  /** What has become of the mail of a list (`NAMESPACE/NAME`). */
  readonly upstream: (className: string, list: string) => UpstreamFact | undefined;
  /** What was counted of an object, by kind and key. */
  readonly usage: (object: string) => UsageFact | undefined;
}
