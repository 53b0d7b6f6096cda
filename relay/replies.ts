/**
 * Every "no" of the relay, and its few "yes": code, enhanced code (RFC 3463), text, and the reason that metrics and
 * logs carry. The text names the object to change. 4yz where trying again can help, 5yz only where it cannot.
 */
import type { Reason } from './reason.ts';

/** What a client is told, and what comes of it. */
export interface Answer {
  readonly code: number;
  /** None in the greeting, in answers to EHLO, and in 3yz (RFC 2034 section 4). */
  readonly enhanced?: string;
  readonly lines: readonly [string, ...string[]];
  /** Why not, where it is a refusal. */
  readonly reason?: Reason;
  /** What a refusal is about, as the client wrote it; for the log. */
  readonly about?: RefusedSubject;
  /** Ends the connection; 421 always does. */
  readonly close?: boolean;
  /** Where it was refused, if that is not where its command belongs. */
  readonly stage?: Stage;
}

/** Where in a session something was refused; a label of metrics. */
export type Stage = 'connect' | 'command' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message';

export interface RefusedSubject {
  readonly from?: string;
  readonly to?: string;
  /** Whom a log-in was tried for: a user who exists, or how the log names anybody else. */
  readonly user?: string;
  readonly login?: string;
}

/**
 * An answer with its reason. What judges something hands back what it found, or the reply that says no: `undefined` where
 * there is nothing to find. `isReply` tells the two apart.
 */
export interface Reply extends Answer {
  readonly enhanced: string;
  readonly reason: Reason;
}

export function isReply(found: object | undefined): found is Reply {
  return found !== undefined && 'code' in found && 'reason' in found;
}

function reply(code: number, enhanced: string, reason: Reason, ...lines: [string, ...string[]]): Reply {
  return { code, enhanced, reason, lines };
}

/** The same for every reason: in clear text, nobody can find out which users exist, nor which of them need TLS. */
const FAILED_IN_CLEAR = 'Authentication credentials invalid, or not accepted without TLS';

const WEB_FORM_HINT = 'If it comes from a web form, keep From fixed and put the visitor in Reply-To';

const USE_ASCII = 'use one whose part before the @ is ASCII';

/** One function a case, in the order of a session. docs/reference/replies.md lists the same. */
export const replies = {
  unknownCommand: () => reply(500, '5.5.2', 'unknown_command', 'Command not recognized'),
  notImplemented: () => reply(502, '5.5.1', 'not_implemented', 'Command not implemented'),
  badSequence: (hint: string) => reply(503, '5.5.1', 'bad_sequence', hint),
  dataBefore354: () => reply(503, '5.5.1', 'data_before_354', 'Data sent before 354'),
  badArgument: (hint: string) => reply(501, '5.5.2', 'bad_argument', hint),
  badLine: () => reply(500, '5.5.2', 'bad_line', 'Command line must be short and printable, and end in CRLF'),
  authMechanism: (supported: string) =>
    reply(504, '5.5.4', 'auth_mechanism', `Authentication mechanism not supported, use ${supported}`),
  authCancelled: () => reply(501, '5.7.0', 'auth_cancelled', 'Authentication cancelled'),
  authIdentity: () => reply(535, '5.7.8', 'auth_identity', 'Authorization identity must be the user itself or absent'),
  tlsRequired: () => reply(530, '5.7.0', 'tls_required', 'Must issue a STARTTLS command first'),
  tlsRequiredForAuth: () =>
    reply(538, '5.7.11', 'tls_required', 'Encryption required for requested authentication mechanism'),
  authRequired: () => reply(530, '5.7.0', 'auth_required', 'Authentication required'),
  authFailed: () => reply(535, '5.7.8', 'auth_failed', 'Authentication credentials invalid'),
  authFailedInClear: () => reply(535, '5.7.8', 'auth_failed', FAILED_IN_CLEAR),
  loginNeedsTls: () => reply(535, '5.7.8', 'tls_required', FAILED_IN_CLEAR),
  /** In the words of a wrong password: whoever has an old one learns nothing by it. */
  loginExpired: () => reply(535, '5.7.8', 'login_expired', 'Authentication credentials invalid'),
  loginExpiredInClear: () => reply(535, '5.7.8', 'login_expired', FAILED_IN_CLEAR),
  userInactive: (user: string) => reply(525, '5.7.13', 'user_inactive', `SMTP+ user ${user} is not active`),
  /** For whoever has the right password, where a slip of configuration is in the way: it may be mended at any time. */
  userUnusable: (user: string) =>
    reply(454, '4.7.0', 'user_unusable', `SMTP+ user ${user} is not usable at present; see its status`),
  listMissing: (list: string) => reply(454, '4.7.0', 'list_missing', `SMTP+ list ${list} does not exist (any more)`),
  noVerifiedSender: (user: string) =>
    reply(550, '5.7.1', 'no_verified_sender', `SMTP+ user ${user} has no verified sender`),
  senderUnchecked: (object: string) =>
    reply(451, '4.7.1', 'sender_unchecked', `VerifiedSender ${object} is being checked, try again later`),
  listSuspended: (list: string) => reply(550, '5.7.1', 'list_suspended', `SMTP+ list ${list} is suspended`),
  authThrottled: () => reply(421, '4.7.0', 'auth_throttled', 'Too many failed logins, try again later'),
  authUnavailable: () => reply(454, '4.7.0', 'auth_unavailable', 'Temporary authentication failure'),
  /** In the words of a wrong password: from an address that may not log in, nobody can find out which users exist. */
  loginDenied: () => reply(535, '5.7.8', 'client_denied', 'Authentication credentials invalid'),
  loginDeniedInClear: () => reply(535, '5.7.8', 'client_denied', FAILED_IN_CLEAR),
  clientDenied: (address: string, user: string) =>
    reply(550, '5.7.1', 'client_denied', `Client address ${address} not allowed for SMTP+ user ${user}`),
  senderNotAuthorized: (sender: string, user: string) =>
    reply(550, '5.7.1', 'sender_not_authorized', `${sender}: sender not authorized for SMTP+ user ${user}`),
  senderNotVerified: (sender: string, object: string) =>
    reply(550, '5.7.1', 'sender_not_verified', `${sender}: sender not verified; see VerifiedSender ${object}`),
  nullSender: () => reply(550, '5.7.1', 'null_sender', 'Empty sender not allowed here'),
  badSender: () => reply(501, '5.1.7', 'bad_sender_address', 'Bad sender address syntax'),
  badRecipient: () => reply(501, '5.1.3', 'bad_recipient_address', 'Bad recipient address syntax'),
  /** RFC 6531 section 3.5; `instead`: the same address in ASCII, where only its domain is not. */
  nonAsciiAddress: (instead?: string) =>
    reply(
      553,
      '5.6.7',
      'non_ascii_address',
      `Addresses outside ASCII (SMTPUTF8) are not enabled here, ${instead === undefined ? USE_ASCII : `write ${instead}`}`,
    ),
  /** The class takes them, and this client has not asked. */
  smtpUtf8NotAsked: (instead?: string) =>
    reply(
      553,
      '5.6.7',
      'non_ascii_address',
      `Addresses outside ASCII need MAIL with SMTPUTF8, ${instead === undefined ? `or ${USE_ASCII}` : `or write ${instead}`}`,
    ),
  recipientNotAllowed: (recipient: string, list: string) =>
    reply(550, '5.7.1', 'recipient_not_allowed', `${recipient}: recipient not allowed by ${ruleOf(list)}`),
  /** What was said at RCPT does not hold any more. */
  recipientsChanged: (list: string) =>
    reply(451, '4.7.1', 'recipients_changed', `SMTP+ list ${list} has changed which recipients it allows, send again`),
  recipientsHidden: (field: string, list: string) =>
    reply(
      550,
      '5.7.1',
      'recipients_hidden',
      `${field} may name further recipients to the smart host; not enabled where list ${list} restricts recipients`,
    ),
  unknownParameter: (parameter: string) =>
    reply(555, '5.5.4', 'unknown_parameter', `Parameter ${parameter} not recognized or not implemented`),
  badParameter: (parameter: string) => reply(501, '5.5.4', 'bad_parameter', `Bad value of parameter ${parameter}`),
  fromInvalid: (why?: string) =>
    reply(
      554,
      '5.6.0',
      'from_invalid',
      `Message must have exactly one valid From address${why === undefined ? '' : `: ${why}`}`,
    ),
  fromNotAuthorized: (from: string, user: string) =>
    reply(550, '5.7.1', 'from_not_authorized', `From ${from} is not authorized for SMTP+ user ${user}`, WEB_FORM_HINT),
  fromNotVerified: (from: string, object: string) =>
    reply(
      550,
      '5.7.1',
      'from_not_verified',
      `From ${from} is not verified; see VerifiedSender ${object}`,
      WEB_FORM_HINT,
    ),
  displayNameDenied: (what: string, list: string) =>
    reply(
      550,
      '5.7.1',
      'display_name_denied',
      `Display name of ${what}`,
      `Use a plain name without an address; others are not enabled for list ${list}`,
    ),
  replyToDenied: (address: string, list: string) =>
    reply(550, '5.7.1', 'reply_to_denied', `Reply-To ${address} differs from From; not enabled for list ${list}`),
  headerInvalid: (what: string) => reply(554, '5.6.0', 'header_invalid', `Message header is not valid: ${what}`),
  bareNewline: () => reply(554, '5.6.0', 'bare_newline', 'Message has a bare CR, LF or NUL'),
  lineTooLong: (bytes: number) =>
    reply(554, '5.6.0', 'line_too_long', `Message has a line of more than ${bytes} octets`),
  tooLarge: (bytes: number) => reply(552, '5.3.4', 'too_large', `Message exceeds ${bytes} bytes`),
  tooManyRecipients: () => reply(452, '4.5.3', 'too_many_recipients', 'Too many recipients'),
  /** @param relays of how many this one allows its share. */
  messagesPerHour: (user: string, retrySeconds: number, relays = 1) =>
    reply(450, '4.7.1', 'messages_per_hour', overRate(user, retrySeconds, relays)),
  recipientsPerDay: (user: string, retrySeconds: number, relays = 1) =>
    reply(450, '4.7.1', 'recipients_per_day', overRate(user, retrySeconds, relays)),
  /** Temporary, though it may last for weeks: a higher quota mends it at once, and who queues meanwhile has lost nothing. */
  messagesPerMonth: (user: string, retrySeconds: number) =>
    reply(
      450,
      '4.7.1',
      'messages_per_month',
      `Monthly quota of SMTP+ user ${user} is used up, the next month begins in ${span(retrySeconds)}`,
    ),
  /** For good: what bounces too much must not pile up at the client, to come at once when the pause ends. */
  userPaused: (user: string) =>
    reply(
      550,
      '5.7.1',
      'user_paused',
      `SMTP+ user ${user} is paused because too much of its mail bounced; see its status`,
    ),
  connectionLimited: () => reply(421, '4.7.0', 'conn_limited', 'Too many connections'),
  /** To one that was idle, where a new one came and all places were taken. */
  gaveWay: () => reply(421, '4.7.0', 'conn_gave_way', 'Too many connections, connect again when there is mail to send'),
  proxyHeader: (problem: string) =>
    reply(421, '4.7.0', 'proxy_header', `Load balancer sent no readable PROXY header: ${problem}`),
  proxyUntrusted: (address: string) =>
    reply(
      550,
      '5.7.0',
      'proxy_untrusted',
      `PROXY header not accepted from ${address}: it is not in session.trustedProxies`,
    ),
  sourceConnectionLimited: () => reply(421, '4.7.0', 'source_conn_limited', 'Too many connections'),
  userConnectionLimited: () => reply(421, '4.7.0', 'user_conn_limited', 'Too many connections'),
  commandLimited: () => reply(421, '4.7.0', 'command_limited', 'Too many commands or errors in this session'),
  timeout: () => reply(421, '4.4.2', 'timeout', 'Timeout, closing connection'),
  loop: () => reply(554, '5.4.6', 'loop', 'Routing loop detected'),
  /** Less is free than the spool leaves alone, or the disk says that it is full. */
  diskFull: () => reply(452, '4.3.1', 'disk_full', 'Insufficient system storage'),
  diskFailed: () => reply(452, '4.3.1', 'disk_failed', 'Insufficient system storage'),
  queueFull: () => reply(452, '4.3.1', 'queue_full', 'Insufficient system storage'),
  shareFull: (namespace: string) =>
    reply(452, '4.3.1', 'share_full', `Namespace ${namespace} has filled its share of the queue, try again later`),
  tooManyFiles: () => reply(452, '4.3.1', 'too_many_files', 'Insufficient system storage'),
  internal: () => reply(451, '4.3.0', 'internal', 'Temporary internal error'),
  /** Passthrough: what the upstream said, in its own code. */
  upstreamRefused: (code: number, enhanced: string, text: string) =>
    reply(code, enhanced, 'upstream_refused', `Upstream: ${text}`),
  upstreamUnavailable: () => reply(451, '4.4.1', 'upstream_unavailable', 'Upstream not available, try again later'),
  shutdown: () => reply(421, '4.3.2', 'shutdown', 'Shutting down'),
  /** To RCPT, where the guard of the list stands between the message and its recipient. */
  recipientCaptured: (list: string) =>
    reply(
      250,
      '2.1.5',
      'captured',
      `Ok, but SMTP+ list ${list} captures mail for this recipient instead of sending it`,
    ),
  recipientRedirected: (list: string) =>
    reply(
      250,
      '2.1.5',
      'redirected',
      `Ok, but SMTP+ list ${list} redirects mail for this recipient to another address`,
    ),
  /** To a message that goes to nobody. */
  captured: (id: string) => reply(250, '2.0.0', 'captured', `Ok: captured as ${id}, not sent`),
  accepted: (id: string) => reply(250, '2.0.0', 'accepted', `Ok: queued as ${id}`),
  /** An application wants to see it (submission/provoked-refusal.ts). */
  provokedRefusal: () => reply(550, '5.1.1', 'provoked', 'Refused on demand, as the name of the recipient asks'),
  provokedDeferral: () => reply(450, '4.2.1', 'provoked', 'Refused on demand, as the name of the recipient asks'),
  sandboxed: () => reply(250, '2.0.0', 'sandboxed', 'Ok: discarded (sandbox)'),
};

function span(seconds: number): string {
  const days = Math.ceil(seconds / 86_400);
  return days > 1 ? `${days} days` : `${seconds} s`;
}

function overRate(user: string, retrySeconds: number, relays: number): string {
  const share = relays > 1 ? ` (1/${relays} of it at this one of ${relays} relays)` : '';
  return `Sending limit of SMTP+ user ${user} reached${share}, retry after ${retrySeconds} s`;
}

/** Where to mend it. */
function ruleOf(list: string): string {
  return `SMTP+ list ${list}; add it to spec.recipients.allow there, if the relay class allows it`;
}

/** Whether a message was taken, whatever becomes of it then. */
export function isTaken({ code, reason }: Answer): boolean {
  return code < 300 && (reason === 'accepted' || reason === 'captured' || reason === 'sandboxed');
}
