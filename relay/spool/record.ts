/** What the spool keeps of a message beside its content, and how it is written to disk. */
import { z } from 'zod';
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
  /** `received` as milliseconds since the epoch. */
  readonly receivedMs: number;
  readonly envelope: Omit<Envelope, 'recipients'>;
  readonly pending: readonly PendingRecipient[];
  readonly attempts: number;
  /** Not before this time, in milliseconds since the epoch. */
  readonly due: number;
  readonly delayNoticeSent: boolean;
  /** Reports made about it so far: the next one's id counts on from here. */
  readonly reports: number;
  /** The content is a file of its own. */
  readonly isFile: boolean;
}

const verdictSchema = z.object({
  outcome: z.enum(['delivered', 'deferred', 'failed']),
  code: z.number().optional(),
  enhanced: z.string(),
  text: z.string(),
  at: z.enum(['MAIL', 'RCPT', 'DATA', 'content']).optional(),
});

const recordSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  user: z.string(),
  list: z.string(),
  size: z.number(),
  received: z.iso.datetime(),
  envelope: z.object({
    from: z.string(),
    eightBit: z.boolean(),
    ret: z.enum(['FULL', 'HDRS']).exactOptional(),
    envelopeId: z.string().exactOptional(),
  }),
  unverifiedSender: z.literal(true).exactOptional(),
  reportOn: z.string().exactOptional(),
  pending: z
    .array(
      z.object({
        address: z.string(),
        notify: z.array(z.string()).exactOptional(),
        originalRecipient: z.string().exactOptional(),
        redirectedFrom: z.array(z.string()).exactOptional(),
        last: verdictSchema.optional(),
      }),
    )
    .min(1),
  attempts: z.number(),
  due: z.number(),
  delayNoticeSent: z.boolean(),
  reports: z.number(),
  isFile: z.boolean(),
});

/** A message as it enters the spool: nothing tried, due at once. */
export function newRecord(message: AcceptedMessage, { isFile }: { isFile: boolean }): QueuedMessage {
  const { recipients, ...envelope } = message.envelope;
  const receivedMs = Date.parse(message.received);
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

export function encodeRecord(queued: QueuedMessage): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...queued }));
}

/** Undefined where the bytes are not a record that this version understands. */
export function decodeRecord(bytes: Buffer): QueuedMessage | undefined {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  const result = recordSchema.safeParse(json);
  if (!result.success) return undefined;
  const { version: _, ...record } = result.data;
  return { ...record, receivedMs: Date.parse(record.received) };
}
