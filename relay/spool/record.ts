/** What the spool keeps about a message beside its content, and how that is written to disk. */
import { crc32 } from 'node:zlib';
import { steadyOf } from '../steady-time.ts';
import { parseRecordV1 } from './record-v1.ts';
import type { AcceptedMessage, Envelope, Recipient } from '../message.ts';

/** Ids become keys and file names. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,79}$/;

/** What an upstream, or this relay in its stead, said about one recipient. */
export interface Verdict {
  readonly outcome: 'delivered' | 'deferred' | 'failed';
  /** Reply code; absent where no reply came (network, time-out, our own refusal). */
  readonly code?: number | undefined;
  /** Enhanced status code (RFC 3463). */
  readonly enhanced: string;
  /** One line of printable ASCII, bounded (see upstream-reply.ts): fit for logs and reports. */
  readonly text: string;
  /** What the upstream answered with it. */
  readonly at?: 'MAIL' | 'RCPT' | 'DATA' | 'content' | undefined;
}

/** A recipient that has no final answer yet. */
export interface PendingRecipient extends Recipient {
  /** Why the last attempt did not deliver. */
  readonly last?: Verdict | undefined;
}

export interface QueuedMessage extends Omit<AcceptedMessage, 'envelope'> {
  /** `received` in steady time, as is `due`. */
  readonly receivedMs: number;
  readonly envelope: Omit<Envelope, 'recipients'>;
  readonly pending: readonly PendingRecipient[];
  readonly attempts: number;
  /** Not before this time. */
  readonly due: number;
  readonly delayNoticeSent: boolean;
  /** Reports made about it so far: the next one's id counts on from here. */
  readonly reports: number;
  /** The content is a file of its own. */
  readonly isFile: boolean;
  /** Somebody has stopped it: it stays where it is until it is released or dropped. */
  readonly isHeld?: true;
  /** Who, and when (ISO 8601). */
  readonly held?: { readonly by: string; readonly since: string };
}

/** A message as it enters the spool: nothing tried, due at once. */
export function newRecord(message: AcceptedMessage, { isFile }: { isFile: boolean }): QueuedMessage {
  const { recipients, ...envelope } = message.envelope;
  const receivedMs = steadyOf(Date.parse(message.received));
  return {
    ...message,
    envelope,
    receivedMs,
    pending: recipients,
    attempts: 0,
    due: receivedMs,
    delayNoticeSent: false,
    reports: 0,
    isFile,
  };
}

/** What scheduling and counting need of a message: all that memory holds of each one that waits. */
export type EntryFields = Pick<
  QueuedMessage,
  'due' | 'receivedMs' | 'size' | 'isFile' | 'isHeld' | 'delayNoticeSent' | 'namespace' | 'user' | 'list'
>;

interface Broken {
  /** For people. */
  readonly broken: string;
}

/*
 * Three lines of text: version and checksum; what an entry needs, which a start reads of every message; the rest. What
 * has the right checksum is as this version wrote it, so nothing of it is checked again.
 */
const VERSION = '2';
const FIRST_LINE_LENGTH = firstLineOf('').length;

type Head = [due: number, receivedMs: number, size: number, isFile: 0 | 1, delayNoticeSent: 0 | 1, ...Names, ...Held];
type Names = [namespace: string, user: string, list: string];
/** At the end, and only where it is: an earlier version reads such a record, and delivers the message. */
type Held = [isHeld?: 1];

export function encodeRecord(queued: QueuedMessage): Buffer {
  const { due, receivedMs, size, isFile, delayNoticeSent, namespace, user, list, isHeld, ...rest } = queued;
  const flags = [isFile ? 1 : 0, delayNoticeSent ? 1 : 0] as const;
  const head: Head = [due, receivedMs, size, ...flags, namespace, user, list, ...heldFlag(isHeld)];
  const text = `${JSON.stringify(head)}\n${JSON.stringify(rest)}`;
  return Buffer.from(firstLineOf(text) + text);
}

function heldFlag(isHeld: true | undefined): Held {
  return isHeld === true ? [1] : [];
}

export function decodeEntry(record: string): EntryFields | Broken {
  const lines = readLines(record);
  return 'broken' in lines ? lines : (lines.whole ?? entryOf(lines.head));
}

export function decodeRecord(record: string): QueuedMessage | Broken {
  const lines = readLines(record);
  if ('broken' in lines) return lines;
  return lines.whole ?? ({ ...entryOf(lines.head), ...(JSON.parse(lines.rest) as object) } as QueuedMessage);
}

type Lines =
  | { readonly whole: QueuedMessage }
  | { readonly whole?: never; readonly head: string; readonly rest: string };

function readLines(record: string): Lines | Broken {
  if (record.startsWith('{')) {
    const whole = parseRecordV1(record);
    return whole === undefined ? { broken: 'record not readable' } : { whole };
  }
  if (!record.startsWith(VERSION)) return { broken: 'record not readable, or of a newer version' };
  const text = record.slice(FIRST_LINE_LENGTH);
  if (record.slice(0, FIRST_LINE_LENGTH) !== firstLineOf(text)) {
    return { broken: 'record damaged: its checksum is another one' };
  }
  const end = text.indexOf('\n');
  return { head: text.slice(0, end), rest: text.slice(end + 1) };
}

function firstLineOf(text: string): string {
  return `${VERSION} ${crc32(text).toString(16).padStart(8, '0')}\n`;
}

function entryOf(head: string): EntryFields {
  const [due, receivedMs, size, isFile, delayNoticeSent, namespace, user, list, isHeld] = JSON.parse(head) as Head;
  const flags = {
    isFile: isFile === 1,
    delayNoticeSent: delayNoticeSent === 1,
    ...(isHeld === 1 && { isHeld: true as const }),
  };
  return { due, receivedMs, size, ...flags, namespace, user, list };
}
