/**
 * Why a connection ended without a QUIT: for the metric `connections_failed_total`, and for a line in the log where
 * somebody may have to look for the cause. A connection that ended with a reply of ours has that reply's line and
 * reason.
 */
import type { ConnectionEnd } from '../smtp/server/client-socket.ts';
import type { Session } from './state.ts';

/** What a handshake can fail of, in the words of the log. */
const HANDSHAKE = {
  tls_protocol: 'TLS failed: the client speaks no TLS 1.2 or later',
  tls_cipher: 'TLS failed: the client has no cipher or group in common with us',
  tls_certificate: 'TLS failed: the client does not accept our certificate; it needs our CA, and a name that is in it',
  tls_missing:
    'TLS failed: what the client sent is no TLS; ports with STARTTLS and ports with TLS at once are different',
  /** Many clients look at a certificate late, or tell nobody what is wrong with it. */
  tls_abandoned:
    'TLS failed: the client closed the connection once it had our certificate; where it does not accept that, it needs ' +
    'our CA, and a name that is in it',
  tls_closed: 'TLS failed: the client asked for TLS and closed the connection',
  tls_timeout: 'TLS failed: the handshake took too long',
  tls_failed: 'TLS failed',
} as const;

const OTHERS = {
  cut_in_message: 'the connection ended in the middle of a message',
  cut_in_transaction: 'the connection ended between MAIL and the message',
  broken: 'the connection broke',
  shutdown: 'cut off by our shutdown',
  gave_way: 'cut off in its handshake, to make room for another connection',
  closed_before_login: 'the client closed the connection before it logged in, without QUIT',
  /** The usual end of a connection in a pool. */
  closed: undefined,
  /** What probes of kubelets and load balancers do, each few seconds. */
  no_command: undefined,
} as const;

const WORDS = { ...HANDSHAKE, ...OTHERS };

export type LossReason = keyof typeof WORDS;

export interface Loss {
  readonly reason: LossReason;
  /** Undefined: to be counted, but not worth a line. */
  readonly words: string | undefined;
}

/** The names of OpenSSL's errors, as Node gives them; the first that fits. */
const CAUSES: readonly (readonly [RegExp, LossReason])[] = [
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|ALERT_PROTOCOL_VERSION/, 'tls_protocol'],
  [/NO_SHARED_CIPHER|NO_SUITABLE|NO_SHARED_GROUP|ALERT_HANDSHAKE_FAILURE|INAPPROPRIATE_FALLBACK/, 'tls_cipher'],
  [/ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|\w*CERT\w*)/, 'tls_certificate'],
  [
    /WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH|UNEXPECTED_MESSAGE|UNKNOWN_PROTOCOL/,
    'tls_missing',
  ],
  [/ECONNRESET|EPIPE|SocketError/, 'tls_abandoned'],
];

export function handshakeLoss(code: string | undefined): LossReason {
  if (code === undefined) return 'tls_abandoned';
  return CAUSES.find(([pattern]) => pattern.test(code))?.[1] ?? 'tls_failed';
}

interface Circumstances extends ConnectionEnd {
  /** Why we ended it ourselves, where nothing could be said any more. */
  readonly cutFor: LossReason | undefined;
  readonly hadCommand: boolean;
}

/** Why the connection of a session ended on which neither side had said goodbye. */
export function lossOf(session: Session, circumstances: Circumstances): Loss {
  const reason = circumstances.cutFor ?? reasonOf(session, circumstances);
  return { reason, words: WORDS[reason] };
}

function reasonOf(session: Session, circumstances: Circumstances): LossReason {
  switch (circumstances.handshake) {
    case 'begun':
      return handshakeLoss(circumstances.code);
    case 'silent':
      return circumstances.hadCommand ? 'tls_closed' : 'no_command';
    case undefined:
      return sessionLoss(session, circumstances);
  }
}

function sessionLoss(session: Session, { code, hadCommand }: Circumstances): LossReason {
  // once all of a message is in, it has its answer and its line
  if (session.reception !== undefined) return session.reception.isComplete ? 'closed' : 'cut_in_message';
  if (session.transaction !== undefined) return 'cut_in_transaction';
  if (session.conn.tls !== undefined && session.helo === undefined) return 'tls_abandoned';
  if (!hadCommand) return 'no_command';
  if (session.login === undefined) return code === undefined ? 'closed_before_login' : 'broken';
  return code === undefined ? 'closed' : 'broken';
}
