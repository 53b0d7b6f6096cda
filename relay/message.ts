/** What the receiving half hands to the delivering half. */
import type { MessageTrace } from './tracing/trace-context.ts';

/** A recipient with what DSN (RFC 3461) asks for it. */
export interface Recipient {
  /** As the client wrote it, whose own form it may have (`postmaster`, quotes, a literal), with its domain in ASCII. */
  readonly address: string;
  /** NOTIFY: any of SUCCESS, FAILURE, DELAY, or NEVER alone. Absent: failures and delays. */
  readonly notify?: readonly string[];
  /** ORCPT as sent, still in xtext. */
  readonly originalRecipient?: string;
  /** Whom the message was for, before the guard of its list sent it to `address` instead. */
  readonly redirectedFrom?: readonly string[];
}

export interface Envelope {
  /** Reverse-path without brackets; empty for the null sender. */
  readonly from: string;
  readonly recipients: readonly Recipient[];
  /** The content has an octet above 127, whatever BODY said: the upstream must offer 8BITMIME (RFC 6152). */
  readonly eightBit: boolean;
  /** The header section is in UTF-8 (RFC 6532), as the client said: the upstream must offer SMTPUTF8. */
  readonly hasUtf8Header?: true;
  /** RET of RFC 3461. */
  readonly ret?: 'FULL' | 'HDRS';
  /** ENVID of RFC 3461, still in xtext. */
  readonly envelopeId?: string;
}

/** A message that passed every check and waits for its 250. */
export interface AcceptedMessage {
  /** Queue id: in the 250, the Received field, each log line and the capture's file names. */
  readonly id: string;
  /** User name it was submitted by. */
  readonly user: string;
  /** Namespace of the user: whose places, turns and room on the disk the message takes. */
  readonly namespace: string;
  /** The user's list, `NAMESPACE/NAME`: its upstream is looked up at delivery. */
  readonly list: string;
  readonly envelope: Envelope;
  /** Only an audit let the envelope sender through: nothing shows that it is the user's, so no report goes to it. */
  readonly unverifiedSender?: true;
  /** It is a report of ours on the message with this id: no report is ever made about it. */
  readonly reportOn?: string;
  /** Hash of the body, relaxed and in base64, for its signature. Absent where none was expected, and from older versions. */
  readonly bodyHash?: string;
  /** The trace that its application says it belongs to. */
  readonly trace?: MessageTrace;
  /** Octets of the content as it will be sent on, header lines that we added included. */
  readonly size: number;
  /** When the final dot came, ISO 8601. */
  readonly received: string;
}

/** A message as its session hands it over: the recipients are those whom the guard of its list lets it reach. */
export interface SubmittedMessage extends AcceptedMessage {
  /** Those for whom the guard wants a copy to be kept instead. */
  readonly captured?: readonly string[];
}

/** Content of a message, which is sent on as `head` and then `body`. */
export interface Content {
  /** The lines that we put in front. Made last: what they say may depend on the body. */
  readonly head: Buffer;
  readonly body: Body;
}

/**
 * As the client sent it, less what we leave out: in memory when small, else a file that the spool takes over by
 * renaming it.
 */
export type Body =
  | { readonly kind: 'memory'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly path: string };
