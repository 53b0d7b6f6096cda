/**
 * Every reason that a condition of an object may have, and what tools that wait (Flux, Argo CD, `kstatus`) make of an object
 * whose `Ready` has it. The table in docs/reference/conditions.md is made of this one.
 */

/**
 * `Current`: as its owner wishes. `InProgress`: it passes without anybody doing anything (condition `Reconciling`). `Failed`:
 * it waits for a person (condition `Stalled`), so that nobody need wait for it; it is looked at again when that is done.
 */
type Progress = 'Current' | 'InProgress' | 'Failed';

interface ReasonText {
  readonly progress: Progress;
  /** For people; of one that fails, what it waits for. */
  readonly meaning: string;
  /** It passes, and people are told by an Event all the same: they have something to do, in a DNS zone for instance. */
  readonly isNews?: boolean;
}

const current = (meaning: string): ReasonText => ({ progress: 'Current', meaning });
const inProgress = (meaning: string): ReasonText => ({ progress: 'InProgress', meaning });
const awaited = (meaning: string): ReasonText => ({ progress: 'InProgress', meaning, isNews: true });
const failed = (meaning: string): ReasonText => ({ progress: 'Failed', meaning });

export const reasons = {
  Ready: current('In force.'),
  Active: current('The user can send.'),
  Sandbox: current('Every check runs, and nothing is sent, as `spec.mode` says.'),
  Inactive: current('Not active, as `spec.active` says.'),
  Suspended: current('The list is suspended, as `spec.suspend` says.'),
  Accepted: current('Served by a list, or by a relay class.'),
  ClassFloor: current('Served, though not in all as written: a list tightens its class and never loosens it.'),
  ListCeiling: current('Served, though not in all as written: a user tightens its list and never loosens it.'),
  NotTheDefault: current('Served, but another list is the default one of the namespace.'),
  CredentialsReady: current('The credentials are in the Secret.'),
  ClassUpstream: current('Mail goes to the upstream of the class.'),
  Resolved: current('Mail goes to the upstream of the list.'),
  Reachable: current('The upstream took mail of the list when there last was some.'),
  NotTried: current('No mail of the list has been handed on yet; `UpstreamReachable` only, `Ready` stays as it is.'),
  Programmed: current('Every ready relay runs it.'),
  Verified: current('The senders are verified.'),
  Grandfathered: current('The platform owner vouches for the sender.'),
  VouchingWithdrawn: current(
    'The platform owner vouches for the sender no more; its message says until when it can be used.',
  ),
  DnsProof: current('A DNS record proves the sender.'),
  Signed: current('Mail of the domain is signed with DKIM; `Signing` only, as the next ones.'),
  NextKeysAwaited: current('Mail of the domain is signed, and the records of the next keys are not in the DNS yet.'),
  CoveredByDomain: current('A verified domain of the namespace covers the address, which needs no proof of its own.'),
  EmailProof: current('A mail to the address was confirmed.'),

  NotReported: inProgress('No relay has said yet which configuration it runs.'),
  RelaysLagging: inProgress('Not every ready relay runs it yet.'),
  PasswordBeingHashed: inProgress('The password is being hashed.'),
  NotLookedUp: awaited('The DNS record has not been looked up yet.'),
  RecordNotFound: awaited('The DNS record is not there; it is looked up again.'),
  RecordMismatch: awaited('The DNS record has another value; it is looked up again.'),
  KeysAwaited: inProgress('Keys to sign with are being made.'),
  KeyRecordsNotFound: awaited('The records of the keys are not in the DNS; mail goes out unsigned until they are.'),
  LookupFailed: awaited('The look-up failed; it is made again.'),
  MailNotSentYet: inProgress('The mail that is to prove the address is about to be sent.'),
  MailNotSent: awaited('The mail that is to prove the address could not be sent; it is tried again.'),
  MailLimitReached: awaited('The mail that is to prove the address waits: there were too many of the kind.'),
  Pending: awaited(
    'A mail was sent to the address; its link is to be opened, or its code to be put into `spec.email.code`.',
  ),
  WrongCode: awaited('`spec.email.code` is not the code of the last mail.'),

  ProofOverdue: failed(
    'The DNS record has not been there for seven days; it is looked up once a day, and at once when `smtpplus.io/check-now` is set.',
  ),
  NotAccepted: failed('Not looked at, since the object is not accepted; see `Accepted`.'),
  InvalidSpec: failed('The spec has to be corrected.'),
  InvalidManifest: failed('In a folder: the file has to be corrected.'),
  UnreadableFile: failed('In a folder: the file cannot be read.'),
  UnknownField: failed('In a folder: a field does not exist; `NotAsWritten` only, `Ready` stays as it is.'),
  RelayClassNotFound: failed('There is no such relay class.'),
  ServedElsewhere: failed('Another installation serves the class; no status ever says so.'),
  ListNotFound: failed('The list does not exist.'),
  ListNotAccepted: failed('The list is not accepted itself.'),
  ListSuspended: failed('The owner of the list has suspended it.'),
  NamespaceNotAllowed: failed('The list takes no users of this namespace.'),
  TooManyUsers: failed('The namespace has more users than are served; this one waits until another is deleted.'),
  TooManyLists: failed('The namespace has more lists than are served; this one waits until another is deleted.'),
  TooManySenders: failed('The namespace has more senders than are served; this one waits until another is deleted.'),
  UsernameNotAllowed: failed('The user name is not one that this namespace may use.'),
  UsernameTaken: failed('The user name is in use already.'),
  SecretNotFound: failed('A Secret that it names does not exist.'),
  KeyNotFound: failed('A Secret that it names lacks a key.'),
  SecretNotOwned: failed('The Secret for the credentials belongs to somebody else.'),
  SecretNotWritten: failed('The Secret cannot be written: a quota or an admission policy refuses it.'),
  PasswordUnacceptable: failed('The password is too short, too long, or not printable.'),
  CredentialsInvalid: failed('The user name or password for the smart host cannot be used.'),
  CertificateInvalid: failed('The CA bundle for the smart host cannot be used.'),
  ClassUpstreamUnresolved: failed('The upstream of the class cannot be used; the platform owner mends it.'),
  NoEndpoint: failed('The relay class tells no port; the platform owner mends it.'),
  CredentialsNotReady: failed('There are no credentials to log in with; see `CredentialsReady`.'),
  NoVerifiedSender: failed('None of the senders is verified.'),
  NotAllVerified: failed('A sender in `spec.senders` is not verified.'),
  PublicSuffix: failed('Strangers register names below the domain, so that no record could prove it for all of them.'),
  Revoked: failed('The proof is gone for good, or nobody vouches for it any more; publish the record again.'),
  NotSigned: failed('Mail goes out unsigned; the message says why.'),
  ProofUnavailable: failed('Nothing can prove the sender here; the platform owner vouches for it.'),
  CodeExpired: failed('Link and code of the last mail have expired; `smtpplus.io/resend` asks for another one.'),
  TooManyWrongCodes: failed(
    'Link and code of the last mail are void after too many wrong codes; `smtpplus.io/resend` asks for another one.',
  ),
  NotWritten: failed('The configuration of the relays cannot be written, or has no room for it.'),
  UpstreamUnreachable: failed(
    'The upstream has taken no mail for a minute and longer; whoever runs it mends that, or the list gets another one.',
  ),
  RelaysFull: failed('The spools of all relays are full; the platform owner makes room.'),
  NoRelayReady: failed('No relay is ready; the platform owner finds the cause in the pods.'),
  InternalError: failed('A fault of the operator; its log has the details.'),
} as const satisfies Readonly<Record<string, ReasonText>>;

export type Reason = keyof typeof reasons;

/** Whether it passes without a change of anything in the cluster or the settings. */
export function isPassing(reason: Reason): boolean {
  return reasons[reason].progress === 'InProgress';
}

/** Whether an Event says so when an object is not ready for this reason. */
export function isNews(reason: Reason): boolean {
  const { progress, isNews = progress !== 'InProgress' }: ReasonText = reasons[reason];
  return isNews;
}

/** Whether it waits for a person. */
export function isStalled(reason: Reason): boolean {
  return reasons[reason].progress === 'Failed';
}
