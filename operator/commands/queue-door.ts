/**
 * How to reach the queues of relays: by the sockets in the spool of one process, or by the same command in each relay
 * pod.
 */
import { hostname, userInfo } from 'node:os';
import { z } from 'zod';
import { messageSchema, outcomeSchema, type AdminRequest, type SpooledMessage } from '../../relay/admin/protocol.ts';

export interface QueueDoor {
  /** Who asks, for the log of the relay. */
  readonly who: () => Promise<string>;
  readonly ask: (request: AdminRequest) => Promise<QueueAnswer>;
  /** Content of one message. */
  readonly content: (request: AdminRequest) => Promise<Buffer | undefined>;
  readonly close: () => void;
}

/** `pod`: absent in one process. */
export type FoundMessage = SpooledMessage & { readonly pod?: string };

export interface QueueAnswer {
  readonly messages: readonly FoundMessage[];
  /** How many there are, shown or not. */
  readonly matched: number;
  /** By id, of those that are named or were changed. */
  readonly outcomes: Readonly<Record<string, QueueOutcome>>;
  /** Queues that were not asked, and why: the answer is not whole. */
  readonly silent: readonly string[];
}

export type QueueOutcome = z.infer<typeof outcomeSchema>;

/** What comes from a relay pod. */
export const answerSchema = z.object({
  messages: z.array(messageSchema),
  matched: z.number(),
  outcomes: z.record(z.string(), outcomeSchema),
  silent: z.array(z.string()),
});

/** A message is in one queue, and missing in all others. */
export function merge(answers: readonly QueueAnswer[]): QueueAnswer {
  const outcomes: Record<string, QueueOutcome> = {};
  for (const [id, outcome] of answers.flatMap((one) => Object.entries(one.outcomes))) {
    if (outcome !== 'missing' || outcomes[id] === undefined) outcomes[id] = outcome;
  }
  return {
    messages: answers.flatMap(({ messages }) => messages).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    matched: answers.reduce((sum, { matched }) => sum + matched, 0),
    outcomes,
    silent: answers.flatMap(({ silent }) => silent),
  };
}

/** Who runs this command on this machine. */
export function systemUser(): string {
  const name = (): string => {
    try {
      return userInfo().username;
    } catch {
      // a container may run as a number without a name
      return `uid ${process.getuid?.() ?? '?'}`;
    }
  };
  const sudo = process.env['SUDO_USER'];
  // no at sign: the log would take it for a mail address, and may have to hide those
  return `${name()}${sudo === undefined ? '' : ` (${sudo} by sudo)`} on ${hostname()}`;
}
