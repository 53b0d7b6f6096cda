/**
 * What people ask of a spool, and what they are told: lines of JSON over a socket in its folder. One request a connection;
 * each line of the answer is one of `Answer`, and the last one says that it is whole, or what was wrong.
 */
import { z } from 'zod';
import { MESSAGES_MAX } from './messages-max.ts';

/** In the folder of a spool. Whoever may connect to it may do all of this: its mode is 0600. */
export const SOCKET_NAME = 'admin.sock';

const name = z.string().min(1).max(320);

export const requestSchema = z.strictObject({
  do: z.enum(['list', 'show', 'retry', 'hold', 'release', 'drop', 'export']),
  /** Who asks, for the log. Nobody proves it: who may connect may say anything. */
  by: z.string().max(256),
  /** All that is given must hold. */
  select: z.strictObject({
    ids: z.array(z.string().max(80)).max(MESSAGES_MAX).optional(),
    namespace: name.optional(),
    list: name.optional(),
    user: name.optional(),
    state: z.enum(['active', 'held', 'ready', 'waiting']).optional(),
    /** Instead of all else, so that nothing that was forgotten means everything. */
    isAll: z.literal(true).optional(),
  }),
  limit: z.int().min(0).max(MESSAGES_MAX),
});

export type AdminRequest = z.infer<typeof requestSchema>;

interface SpooledRecipient {
  readonly address: string;
  readonly redirectedFrom?: readonly string[] | undefined;
  /** What the smart host said last, and the code of it where it answered. */
  readonly reply?: string | undefined;
  readonly code?: number | undefined;
}

export interface SpooledMessage {
  readonly id: string;
  readonly state: 'active' | 'held' | 'ready' | 'waiting';
  readonly namespace: string;
  /** User name. */
  readonly user: string;
  readonly list: string;
  readonly from: string;
  readonly recipients: readonly SpooledRecipient[];
  readonly size: number;
  readonly attempts: number;
  /** ISO 8601, as the others. */
  readonly received: string;
  /** When it is tried again. */
  readonly next?: string | undefined;
  readonly held?: { readonly by: string; readonly since: string } | undefined;
  /** It is a report of the relay on this message. */
  readonly reportOn?: string | undefined;
}

export type Answer =
  | { readonly message: SpooledMessage }
  | { readonly changed: string; readonly outcome: 'done' | 'same' | 'busy' | 'missing' }
  /** Of the content of the message that was told last, in base64. */
  | { readonly chunk: string }
  | { readonly end: { readonly matched: number } }
  | { readonly problem: string };
