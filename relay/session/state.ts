/** What a session knows of its client, and what it has to work with. */
import type { Login } from './authenticate.ts';
import type { RelayConfig } from '../config.ts';
import type { MailParameters } from './envelope-syntax.ts';
import type { IncomingRoom } from './incoming-room.ts';
import type { RateTicket, SharedLimits } from './limits.ts';
import type { LineLimit } from './line-limit.ts';
import type { Log } from '../log.ts';
import type { Content, Recipient, SubmittedMessage } from '../message.ts';
import type { Metrics } from '../metrics.ts';
import type { RecipientVerdict } from '../recipient-guard.ts';
import type { Reason, Reply } from '../replies.ts';
import type { DataSink } from './input.ts';

/** What all sessions share. */
export interface SessionServices {
  /** The configuration in force; asked anew for each command. Undefined while none has been read. */
  readonly config: () => RelayConfig | undefined;
  /** Our name while there is no configuration. */
  readonly hostname: string;
  readonly limits: SharedLimits;
  readonly metrics: Metrics;
  readonly log: Log;
  /** For lines about clients that have not logged in. */
  readonly lineLimit: LineLimit;
  /**
   * Resolves with the answer once the message is durable, or once an upstream has said what becomes of it. Any rejection
   * is answered with 451, or 452 where storage failed. A file that it does not move away is removed afterwards.
   */
  readonly accept: (message: SubmittedMessage, content: Content) => Promise<Reply>;
  /** Of the disk that messages are written to. */
  readonly room: IncomingRoom;
  /** Folder for large messages while they come in. */
  readonly incomingFolder: string;
  /** Time of day, in milliseconds: for what is written down, and for dates that come from elsewhere. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets: for every limit and wait, which a step of the other one must not stretch. */
  readonly monotonicNow: () => number;
}

export interface TlsSession {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string;
  readonly cipher: string;
}

/** What a session may do with its connection. */
interface Transport {
  /** Undefined in clear text. */
  readonly tls: TlsSession | undefined;
  readonly hasUnread: boolean;
  startTls(): void;
  readData(sink: DataSink): void;
}

/** Where in a session something was refused; a label of metrics. */
export type Stage = 'connect' | 'command' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message';

export interface Session {
  readonly services: SessionServices;
  readonly respond: (answer: Answer, stage: Stage) => void;
  /** Runs something that the client waits for; no deadline of the client's counts meanwhile. */
  readonly whileBusy: <T>(work: Promise<T>) => Promise<T>;
  readonly transport: Transport;
  /** Of the client, without what dual-stack sockets add to IPv4. */
  readonly address: string;
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** The connection is gone; whatever is still under way has nobody to answer. */
  isClosed: boolean;
  /** What the client called itself, and whether with EHLO. */
  helo: { readonly name: string; readonly isExtended: boolean } | undefined;
  login: Login | undefined;
  /** Takes the next line, in the middle of an AUTH exchange. */
  exchange: ((line: string) => Answer | Promise<Answer>) | undefined;
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

interface Reception {
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** Octets that came from the client. */
  readonly octets: () => number;
  /** All octets are in: from here on, what becomes of the connection changes nothing for the message. */
  isComplete: boolean;
  /** The client is gone, or is to go: nothing of the message may remain. */
  readonly discard: () => Promise<void>;
}

/** A reply, and what comes of it. Every `Reply` of replies.ts is one. */
export interface Answer {
  readonly code: number;
  /** None in the greeting, in answers to EHLO, and in 3yz (RFC 2034 section 4). */
  readonly enhanced?: string;
  readonly lines: readonly [string, ...string[]];
  /** Why not, where it is a refusal. */
  readonly reason?: Reason;
  /** What a refusal is about, as the client wrote it; for the log. */
  readonly about?: Subject;
  /** Ends the connection; 421 always does. */
  readonly close?: boolean;
  /** What follows once it has been sent. */
  readonly afterwards?: () => void;
}

export interface Subject {
  readonly from?: string;
  readonly to?: string;
  /** Whom a log-in was tried for: a user who exists, or how the log names anybody else. */
  readonly user?: string;
  readonly login?: string;
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
