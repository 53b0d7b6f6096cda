/** What a session knows about its client, and what it has to work with. */
import type { Login } from './authenticate.ts';
import type { RelayConfig } from '../config/config.ts';
import type { MailParameters } from './envelope-syntax.ts';
import type { OncePerHour } from './once-per-hour.ts';
import type { RateTicket } from './rate-limits.ts';
import type { SharedLimits } from './limits.ts';
import type { LineLimit } from './line-limit.ts';
import type { Log } from '../observe/log.ts';
import type { Content, Recipient, SubmittedMessage } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { RecipientVerdict } from '../recipient-guard.ts';
import type { Answer, Reply } from '../replies.ts';
import type { Connection } from '../smtp/server/connection.ts';
import type { SpanSender } from '../tracing/span-sender.ts';
import type { UsageCounter } from '../usage/counter.ts';

/** What all sessions share. */
export interface SessionServices {
  /** The configuration in force; asked anew for each command. Undefined while none has been read. */
  readonly config: () => RelayConfig | undefined;
  /** Our name while there is no configuration. */
  readonly hostname: string;
  readonly limits: SharedLimits;
  readonly metrics: Metrics;
  readonly usage: UsageCounter;
  readonly log: Log;
  readonly spans: SpanSender;
  /** For lines about clients that have not logged in. */
  readonly lineLimit: LineLimit;
  /** For the line about a password that was replaced. */
  readonly oldPasswords: OncePerHour;
  /**
   * Resolves with the answer once the message is durable, or once an upstream has said what becomes of it. Any rejection
   * is answered with 451, or 452 where storage failed. A file that it does not move away is removed afterwards.
   */
  readonly accept: (message: SubmittedMessage, content: Content) => Promise<Reply>;
  /** Room on the disk that messages are written to. */
  readonly room: Room;
  /** Folder for large messages while they come in. */
  readonly incomingFolder: string;
  /** Time of day, in milliseconds: for what is written down, and for dates that come from elsewhere. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets: for every limit and wait, which a step of the other one must not stretch. */
  readonly monotonicNow: () => number;
}

export interface Room {
  /** The reply to a message of this many octets, of a user of this namespace, where there is no room for it. */
  readonly refusal: (bytes: number, namespace: string | undefined) => Reply | undefined;
  /** Does a write of this many octets, which count from its start. */
  readonly use: <T>(bytes: number, write: () => Promise<T>) => Promise<T>;
  /** This many octets more (or fewer) of messages that are coming in are on the disk: they count as their namespace's. */
  readonly incoming: (namespace: string, bytes: number) => void;
}

export interface Session {
  readonly services: SessionServices;
  readonly conn: Connection;
  /** Sends a challenge of an AUTH exchange, in base64, and resolves with the client's line, or the answer that ends it. */
  readonly challenge: (prompt: string) => Promise<string | Answer>;
  /** Address of the client, without what dual-stack sockets add to IPv4. */
  readonly address: string;
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** What the client called itself, and whether with EHLO. */
  helo: { readonly name: string; readonly isExtended: boolean } | undefined;
  login: Login | undefined;
  transaction: Transaction | undefined;
  /** A message on its way in, from the 354 to its answer. */
  reception: Reception | undefined;
}

/** From MAIL to the end of its message. */
export interface Transaction {
  /** The configuration that MAIL was judged by. */
  readonly config: RelayConfig;
  readonly user: string;
  readonly list: string;
  /** Reverse-path with its local part as written; empty for the null sender. */
  readonly from: string;
  readonly parameters: MailParameters;
  /** By `recipientKey` of the address, so that one given twice gets one copy. */
  readonly recipients: Map<string, Recipient>;
  /** What the client was told of each, by the same key. */
  readonly verdicts: Map<string, RecipientVerdict>;
  /** What was taken of the user's rates for it. */
  readonly tickets: RateTicket[];
}

export interface Reception {
  /** Queue id. */
  readonly id: string;
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** Octets that came from the client. */
  octets: number;
  /** All octets are in: from here on, what becomes of the connection changes nothing for the message. */
  isComplete: boolean;
}

/** Whether what the client says may be listened to in clear text, or there is TLS. */
export function mayUseClearText({ conn, services }: Session): boolean {
  return conn.tls !== undefined || services.config()?.class.starttls === 'Optional';
}

/** Forgets all that the client said. */
export function startAfresh(session: Session): void {
  if (session.login !== undefined) session.services.limits.connections.leave(session.login.user);
  session.login = undefined;
  session.helo = undefined;
  abandonTransaction(session);
}

/** Forgets the transaction; what it took of the user's rates was for nothing. */
export function abandonTransaction(session: Session): void {
  giveBackTickets(session.transaction);
  session.transaction = undefined;
}

export function giveBackTickets(transaction: Transaction | undefined): void {
  for (const ticket of transaction?.tickets ?? []) ticket.giveBack();
}

export function ok(text: string, enhanced = '2.0.0'): Answer {
  return { code: 250, enhanced, lines: [text] };
}
