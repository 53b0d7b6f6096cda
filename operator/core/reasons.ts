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
  Sandbox: current('Every check is made, and nothing is sent, as `spec.mode` says.'),
  Expired: current('The user has expired, as `spec.expiresAt` says.'),
  ExpiresSoon: current('The user expires within a week, as `spec.expiresAt` says. Only in `Expiring`.'),
  Counted: current(
    'The user was used within the last 90 days, or has not been watched for that long yet. Only in `Unused`.',
  ),
  Unused: current('Nobody has used the user for 90 days. Only in `Unused`.'),
  QuotaNearlyUsed: current('At least 80 % of the monthly quota of the user is used. Only in `QuotaNearlyUsed`.'),
  Inactive: current('Not active, as `spec.active` says.'),
  Suspended: current('The list is suspended, as `spec.suspend` says.'),
  Accepted: current('Served by a list, or by a relay class.'),
  ClassFloor: current('Served, but not exactly as written: a list can be stricter than its class, never laxer.'),
  ListCeiling: current('Served, but not exactly as written: a user can be stricter than its list, never laxer.'),
  NotTheDefault: current('Served, but another list is the default one of the namespace.'),
  CredentialsReady: current('The credentials are in the Secret.'),
  ClassUpstream: current('Mail goes to the upstream of the class.'),
  Resolved: current('Mail goes to the upstream of the list.'),
  Reachable: current('The upstream accepted the last mail of the list.'),
  NotTried: current('There has been no mail of the list yet. Only in `UpstreamReachable`; does not change `Ready`.'),
  Programmed: current('In force on every ready relay.'),
  Verified: current('The senders are verified.'),
  Grandfathered: current('The platform owner vouches for the sender.'),
  VouchingWithdrawn: current(
    'The platform owner no longer vouches for the sender. Its message says until when it can be used.',
  ),
  DnsProof: current('A DNS record proves the sender.'),
  Signed: current('Mail of the domain is signed with DKIM. Only in `Signing`.'),
  NextKeysAwaited: current(
    'Mail of the domain is signed, but the records of the next keys are not in the DNS yet. Only in `Signing`.',
  ),
  Published: current('external-dns is asked to publish the records. Only in `Published`.'),
  Aligned: current('Mail of the domain passes DMARC. Only in `Aligned`.'),
  CoveredByDomain: current('A verified domain of the namespace covers the address, so it needs no proof of its own.'),
  EmailProof: current('Whoever reads the mailbox confirmed the address.'),

  NotReported: inProgress('No relay has reported yet which configuration it runs.'),
  RelaysLagging: inProgress('Not in force on some of the ready relays yet.'),
  PasswordBeingHashed: inProgress('The password is being hashed.'),
  NotLookedUp: awaited('The DNS record has not been looked up yet.'),
  RecordNotFound: awaited('The DNS record does not exist. It will be looked up again.'),
  RecordMismatch: awaited('The DNS record has another value. It will be looked up again.'),
  KeysAwaited: inProgress('The keys for signatures are being made.'),
  KeyRecordsNotFound: awaited('The records of the keys are not in the DNS. Mail goes out unsigned until they are.'),
  EvidenceLost: awaited(
    'What proved the sender was lost, and is asked for again. Until it is proven, for the grace period at most, clients are told to try again later.',
  ),
  LookupFailed: awaited('The look-up failed. It will be repeated.'),
  MailNotSentYet: inProgress('The mail to the address is about to be sent.'),
  MailNotSent: awaited('The mail to the address could not be sent. It will be tried again.'),
  MailLimitReached: awaited('The mail to the address has to wait, because too many were sent.'),
  Pending: awaited(
    'A mail was sent to the address. Somebody has to open its link, or put its code into `spec.email.code`.',
  ),
  WrongCode: awaited('`spec.email.code` is not the code of the last mail.'),

  ProofOverdue: failed(
    'The DNS record has been missing for seven days. It is looked up once a day, and at once when `smtpplus.io/check-now` is set.',
  ),
  NotAccepted: failed('Not checked, because the object is not accepted; see `Accepted`.'),
  InvalidSpec: failed('The spec has to be corrected.'),
  InvalidManifest: failed('In a folder: the file has to be corrected.'),
  UnreadableFile: failed('In a folder: the file cannot be read.'),
  UnknownField: failed('In a folder: a field does not exist. Only in `NotAsWritten`; does not change `Ready`.'),
  RelayClassNotFound: failed('There is no such relay class.'),
  RelayClassNotAllowed: failed('The platform owner has not opened the relay class to this namespace.'),
  ServedElsewhere: failed('Another installation serves the class. Never shown in a status.'),
  ListNotFound: failed('The list does not exist.'),
  ListNotAccepted: failed('The list itself is not accepted.'),
  ListSuspended: failed('The owner of the list has suspended it.'),
  NamespaceNotAllowed: failed('The list takes no users of this namespace.'),
  TooManyUsers: failed('The namespace has more users than are served. This one has to wait until another is deleted.'),
  TooManyLists: failed('The namespace has more lists than are served. This one has to wait until another is deleted.'),
  TooManySenders: failed(
    'The namespace has more senders than are served. This one has to wait until another is deleted.',
  ),
  UsernameNotAllowed: failed('This namespace may not use that user name.'),
  UsernameTaken: failed('The user name is in use already.'),
  SecretNotFound: failed('A Secret that the object names does not exist.'),
  SecretNotLabelled: failed('A Secret with a log-in for a smart host lacks the label that allows it to be sent there.'),
  KeyNotFound: failed('A Secret that the object names does not have the key.'),
  SecretNotOwned: failed('The Secret for the credentials belongs to somebody else.'),
  SecretNotWritten: failed('The Secret cannot be written: a quota or an admission policy refuses it.'),
  PasswordUnacceptable: failed('The password is too short, too long, or not printable.'),
  CredentialsInvalid: failed('The user name or password for the smart host cannot be used.'),
  CertificateInvalid: failed('The CA bundle for the smart host cannot be used.'),
  UpstreamNotAllowed: failed('The class does not let lists name this smart host.'),
  ClassUpstreamUnresolved: failed('The upstream of the class cannot be used. The platform owner has to fix it.'),
  NoEndpoint: failed('The relay class has no port to show to users. The platform owner has to fix it.'),
  CredentialsNotReady: failed('There are no credentials to log in with; see `CredentialsReady`.'),
  Paused: failed('Too much mail of the user bounced. It is paused until somebody sets `smtpplus.io/resume`.'),
  QuotaUsed: failed('The monthly quota of the user is used up.'),
  NoVerifiedSender: failed('None of the senders is verified.'),
  NotAllVerified: failed('A sender in `spec.senders` is not verified.'),
  PublicSuffix: failed('Strangers can register names below the domain, so no record can prove it for all of them.'),
  Revoked: failed(
    'The proof was missing for longer than the grace period, or nobody vouches for the sender any more. Publish the record again.',
  ),
  EndpointAwaited: inProgress('The DNSEndpoint is about to be written. Only in `Published`.'),
  CrdMissing: inProgress(
    'The cluster has no DNSEndpoints. They are made once the CRD of external-dns is installed. Only in `Published`; does not change `Ready`.',
  ),
  AlignmentUnknown: inProgress('Whether mail of the domain passes DMARC is not known. Only in `Aligned`.'),
  NotAligned: failed(
    'Mail of the domain does not pass DMARC; the message says why. Only in `Aligned`; does not change `Ready`.',
  ),
  PublishUnavailable: failed(
    'DNSEndpoints are not allowed, or this is one process. Publish the records by hand. Only in `Published`; does not change `Ready`.',
  ),
  NothingToPublish: failed(
    'There is no record that a DNSEndpoint may have; the message says why. Only in `Published`; does not change `Ready`.',
  ),
  EndpointNotOwned: failed(
    'A DNSEndpoint of that name belongs to somebody else. Only in `Published`; does not change `Ready`.',
  ),
  EndpointNotWritten: failed(
    'The DNSEndpoint cannot be written; the message says why. Only in `Published`; does not change `Ready`.',
  ),
  NotSigned: failed('Mail goes out unsigned; the message says why.'),
  ProofUnavailable: failed('There is no way to prove the sender here. The platform owner has to vouch for it.'),
  CodeExpired: failed('The link and the code of the last mail have expired. Set `smtpplus.io/resend` for another one.'),
  TooManyWrongCodes: failed(
    'After too many wrong codes, the link and the code of the last mail are void. Set `smtpplus.io/resend` for another one.',
  ),
  NotWritten: failed('The configuration of the relays cannot be written, or has no room for the object.'),
  UpstreamUnreachable: failed(
    'The upstream has accepted no mail for at least a minute. Whoever runs it has to fix it, or the list needs another one.',
  ),
  RelaysFull: failed('The spools of all relays are full. The platform owner has to make room.'),
  NoRelayReady: failed('No relay is ready. The platform owner should look at the pods.'),
  InternalError: failed('A bug in the operator. Its log has the details.'),
} as const satisfies Readonly<Record<string, ReasonText>>;

export type ConditionReason = keyof typeof reasons;

/** Whether it passes without a change of anything in the cluster or the settings. */
export function isPassing(reason: ConditionReason): boolean {
  return reasons[reason].progress === 'InProgress';
}

/** Whether an Event says so when an object is not ready for this reason. */
export function isNews(reason: ConditionReason): boolean {
  const { progress, isNews = progress !== 'InProgress' }: ReasonText = reasons[reason];
  return isNews;
}

/** Whether it waits for a person. */
export function isStalled(reason: ConditionReason): boolean {
  return reasons[reason].progress === 'Failed';
}
