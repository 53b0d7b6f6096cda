/**
 * What the core reads (Snapshot) and what it decides (Plan). Plain data.
 */
import type { KindName } from '../api/kinds.ts';
import type { ObjectName } from '../api/names.ts';
import type { Path } from '../api/path.ts';
import type { SenderStatus } from '../api/sender.ts';
import type { ListStatus } from '../api/list.ts';
import type { UserStatus } from '../api/user.ts';
import type { AllowedAddresses } from '../../relay/address-ranges.ts';
import type { Credential, RelayDocuments, UpstreamConfig } from '../../relay/config/config.ts';
import type { ClassSettings, NamespaceLimits } from '../settings/settings.ts';
import type { DkimKeys } from './senders/dkim-model.ts';
import type { DnsVerification } from './senders/dns-verification.ts';
import type { Lookup, RecordsPlan } from './senders/look-ups.ts';
import type { PublicationFacts, PublicationPlan } from './senders/publication-model.ts';
import type { UsageFact } from './usage.ts';
import type { MailFacts, MailIssuer, MailWish } from './mail-evidence.ts';

export type Kind = KindName;

export interface ObjectMeta {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** ISO 8601. Absent where manifests are files: a file's own word about its age proves nothing. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * `warned`: the object is as written, but for the faults. `kept`: it stays as it was before. `unread`: the same, since its file
 * cannot be read, which says nothing about this object. `refused`: there is no such object, since there was none before.
 */
export type FaultEffect = 'warned' | 'kept' | 'unread' | 'refused';

/** How what is in force differs from what somebody wrote. */
export interface ObjectFaults {
  readonly effect: FaultEffect;
  /** For people: the field, its place, and the mend. */
  readonly message: string;
}

/** An object as read: its spec is still unchecked, so that one broken object can say so in its own status. */
export interface RawObject {
  readonly kind: Kind;
  readonly meta: ObjectMeta;
  readonly spec: unknown;
  /** What is wrong with it as written, where no API server has refused that: manifests that are files. */
  readonly faults?: ObjectFaults;
  /** The status as last written: kept for what is told of the past, and never trusted in what somebody may do. */
  readonly status?: unknown;
}

/** A Secret that some object names, or that we own. */
export interface SecretView {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** UID of the SmtpPlusUser that controls it, where there is one. */
  readonly controllerUid?: string;
  /** Name of that user, where no owner reference but an annotation says so: it may be gone (see credentials/ownership.ts). */
  readonly retainedFor?: string;
  /** Something else controls it, or it is among the manifests: whatever its labels say, it is not ours. */
  readonly isOthers?: true;
  /** Decoded. Values that are not UTF-8 are left out. */
  readonly data: Readonly<Record<string, string>>;
  /** Verifiers of values that users name as their own password, made by the adapter (their form: relay/password-hash.ts). */
  readonly verifiers: Readonly<Record<string, string>>;
}

/** What is known of a VerifiedSender besides its object. Each proof has a part of its own, written apart from the others. */
export interface SenderEvidence {
  readonly dns?: DnsEvidence | undefined;
  readonly vouching?: Vouching | undefined;
  /** Evidence of the records besides the proof: signing keys by selector, and `spf` and `dmarc`. */
  readonly records?: Readonly<Record<string, DnsEvidence>> | undefined;
}

/** That the settings vouched for it. */
export interface Vouching {
  /** Canonical. */
  readonly sender: string;
  /** Since when they do so no more. ISO 8601. */
  readonly withdrawnTime?: string | undefined;
}

/** What look-ups have found out. A failed look-up is evidence of nothing but itself. */
export interface DnsEvidence {
  /** What was asked for: an object made anew under the same name for another domain inherits nothing. */
  readonly recordName: string;
  readonly recordValue: string;
  /** Time of the last look-up. ISO 8601, as all times here. */
  readonly time: string;
  readonly outcome: 'found' | 'absent' | 'mismatch' | 'failed';
  /** For people: what was seen, or why nothing was. */
  readonly detail: string;
  /** The record that counts, where it is one that others have written: of SPF and DMARC. */
  readonly seen?: string | undefined;
  /** Where that one is, if not under the name that was asked for. */
  readonly seenAt?: string | undefined;
  /** Look-ups in a row that have not found it, for the back-off. */
  readonly attempts: number;
  /** Since when it has been found, or not found, at each look-up. */
  readonly since: string;
  /** When it was noticed that what was known before is lost; absent once the record is found. */
  readonly lostTime?: string | undefined;
  /** Some look-up has had an answer, whatever that was. */
  readonly isAnswered?: true | undefined;
  /** When the record was last found; absent: never. */
  readonly foundTime?: string | undefined;
  /** When, after `foundTime`, it was first not found (failed look-ups aside). */
  readonly missingSince?: string | undefined;
  /** The annotation that asks for a look-up at once, as it was at this one. */
  readonly touched?: string | undefined;
  /** 0 to 1: what is verified together is not asked again together. */
  readonly jitter: number;
}

/**
 * Whether the relays of a class run what is configured there, as far as the adapter knows. `NoRoom`: it is left out of what
 * they are given. `NotWritten`: what they are given could not be written. `Unserved`: no relay has been ready for a while.
 */
export interface ProgrammedFact {
  readonly state: 'Unknown' | 'Programmed' | 'Lagging' | 'NotWritten' | 'NoRoom' | 'Unserved';
  /** For people: which relay lags, or why it could not be written. */
  readonly message: string;
}

/** What the relays of a class that have answered tell of themselves. */
export interface RelaysFact {
  /** None has answered for a while, though some are ready. */
  readonly isSilent: boolean;
  /** How many have answered. */
  readonly of: number;
  /** Names of those whose spool is full. */
  readonly full: readonly string[];
  /** By list; one whose mail no relay has had is not here. */
  readonly upstreams: ReadonlyMap<string, UpstreamFact>;
}

/** What has become of the mail of a list. */
export interface UpstreamFact {
  /** Names of the relays that could not hand it on, and how many relays there are. */
  readonly failing: readonly string[];
  readonly of: number;
  /** Since when they have failed, and the last error of all, for people. Absent where none fails. */
  readonly trouble?: {
    /** ISO 8601, as `time`. */
    readonly since: string;
    readonly time: string;
    readonly error: string;
  };
}

export interface ClassView {
  readonly settings: ClassSettings;
  /** The class's own upstream with its files read; `capture`, or why it can't be used. */
  readonly upstream: UpstreamConfig;
  /** Where its relays count together, likewise; absent: each counts for itself. */
  readonly sharedCounters?: RelayDocuments['class']['sharedCounters'];
  /** Where upstreams of lists may lead. */
  readonly listAddresses: AllowedAddresses;
  /** Ports that users are told, in order of preference. */
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  /** PEM of the CA that clients verify the relay by; absent: a public one. */
  readonly caCertificate?: string;
  /** Key of the hashes that stand for addresses in the relays' log (hex). */
  readonly logKey?: string;
  /** SHA-256 (hex) of the token that opens the relays' pages; absent: everybody may read them. */
  readonly pageTokenHash?: string;
}

/** What is left to other installations in the same cluster. */
export interface OtherInstallations {
  /** Relay classes that one of them serves. */
  readonly classes: readonly string[];
  /**
   * Whether it is this installation that speaks about what belongs to none: lists of a class that nobody serves, users of
   * a list that does not exist, VerifiedSenders. Two that do so would overwrite each other's statuses for ever.
   */
  readonly speaksForAll: boolean;
}

/** The passwords of a user that the relays were told to accept. */
export interface AcceptedPasswords {
  /** UID of the user that they were told it of. Absent where only their documents are left, which do not say. */
  readonly uid?: string;
  readonly credentials: readonly Credential[];
}

export interface Snapshot extends MailFacts, PublicationFacts {
  readonly classes: ReadonlyMap<string, ClassView>;
  /** Namespaces by name, with their labels. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly objects: readonly RawObject[];
  /** By `NAMESPACE/NAME`. */
  readonly secrets: ReadonlyMap<string, SecretView>;
  /** Why a credentials Secret could not be written when it was last tried, by key of the user. */
  readonly secretTroubles?: ReadonlyMap<string, string>;
  /** By key of the VerifiedSender. */
  readonly evidence: ReadonlyMap<string, SenderEvidence>;
  /** By key of the VerifiedSender. Absent: there are none. */
  readonly keys?: ReadonlyMap<string, DkimKeys>;
  /** Absent: domains are not verified by DNS, and nobody remembers evidence. */
  readonly verification?: DnsVerification;
  /**
   * What to do where a sender is to be verified without proof, for `{namespace}` and `{sender}`. Absent: who writes objects
   * and who writes settings are two, and the platform owner is to be asked.
   */
  readonly howToVouch?: string;
  /** Absent: there are none. */
  readonly otherInstallations?: OtherInstallations;
  /** How many objects of one namespace are served. Absent: any number. */
  readonly namespaceLimits?: NamespaceLimits;
  /** What the relays were told last, by key of the user. */
  readonly accepted?: ReadonlyMap<string, AcceptedPasswords>;
  /** By class; a class that is not here is Unknown. */
  readonly programmed: ReadonlyMap<string, ProgrammedFact>;
  /** By class; the relays of one that is not here were not asked yet. */
  readonly relayFacts?: ReadonlyMap<string, RelaysFact>;
  /** By kind and key (`SmtpPlusUser shop/orders`); of what is not here, relays were not heard yet. */
  readonly usage?: ReadonlyMap<string, UsageFact>;
}

/** Makes what takes randomness or a secret of the installation, for the core, which has neither. */
export interface Issuer extends MailIssuer {
  /** A new password of at least 128 random bits, and its verifier. */
  readonly newPassword: (user: ObjectMeta) => { readonly password: string; readonly verifier: string };
  /** The verifier that `newPassword` would give for this password; undefined for a text that it never makes. */
  readonly verifierOf: (user: ObjectMeta, password: string) => string | undefined;
  /** Whether a verifier of a generated password, made for whatever object, is that of this password. */
  readonly fits: (password: string, verifier: string) => boolean;
  /** Whether a verifier of a generated password was made for this very object. */
  readonly isFor: (user: ObjectMeta, verifier: string) => boolean;
  /** Proof that a text was written by this installation about the user of this name. */
  readonly seal: (user: ObjectMeta, text: string) => string;
  /** The token of a domain's TXT challenge, bound to installation, namespace and domain. */
  readonly challengeToken: (namespace: string, domain: string) => string;
}

/** A credentials Secret that must be there, exactly so. */
export interface SecretPlan {
  readonly namespace: string;
  readonly name: string;
  readonly owner: ObjectMeta;
  readonly type: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

export type StatusPlan = { readonly meta: ObjectMeta } & (
  | { readonly kind: 'SmtpPlusList'; readonly status: ListStatus }
  | { readonly kind: 'SmtpPlusUser'; readonly status: UserStatus }
  | { readonly kind: 'VerifiedSender'; readonly status: SenderStatus }
);

/** A status, with the fields of the object that its conditions are about, by type of the condition. */
export type PlannedStatus = StatusPlan & { readonly fields?: ReadonlyMap<string, Path> | undefined };

export interface PlannedEvent {
  readonly kind: Kind;
  readonly meta: ObjectMeta;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface Plan extends PublicationPlan {
  readonly secrets: readonly SecretPlan[];
  /** `NAMESPACE/NAME` of Secrets that we own and that nothing wants any more. */
  readonly secretsToDelete: readonly string[];
  readonly statuses: readonly PlannedStatus[];
  /** By class. */
  readonly relays: ReadonlyMap<string, RelayDocuments>;
  readonly events: readonly PlannedEvent[];
  readonly lookups: readonly Lookup[];
  /** What is to be remembered, by key of the VerifiedSender. */
  readonly vouchings: ReadonlyMap<string, Vouching>;
  readonly records: readonly RecordsPlan[];
  readonly mails: readonly MailWish[];
  /** When the plan can change by itself (a password expires, a rotation is due). ISO 8601. */
  readonly nextLook?: string;
}

/** A Secret of the namespace in question, by its name. */
export type SecretOf = (name: string) => SecretView | undefined;

/** `NAMESPACE/NAME`, the key of an object everywhere in the core. */
export function keyOf(object: ObjectName): string {
  return `${object.namespace}/${object.name}`;
}
