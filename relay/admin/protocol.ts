/**
 * What people ask of a spool, and the answers they get: lines of JSON over a socket in its folder. One request per
 * connection; each line of the answer is an `AdminAnswer`, and the last one says that the answer is complete, or what went
 * wrong.
 */
import { z } from 'zod';
import { MESSAGES_MAX } from './messages-max.ts';

/** In the folder of a spool. Whoever may connect to it may do all of this: its mode is 0600. */
export const SOCKET_NAME = 'admin.sock';

const name = z.string().min(1).max(320);
const state = z.enum(['active', 'held', 'ready', 'waiting']);

export const requestSchema = z.strictObject({
  do: z.enum(['list', 'show', 'retry', 'hold', 'release', 'drop', 'export']),
  /** Who asks, for the log. Unproven: whoever may connect may say anything. */
  by: z.string().max(256),
  /** All that is given must hold. */
  select: z.strictObject({
    ids: z.array(z.string().max(80)).max(MESSAGES_MAX).optional(),
    namespace: name.optional(),
    list: name.optional(),
    user: name.optional(),
    state: state.optional(),
    /** Instead of all else, so that nothing that was forgotten means everything. */
    isAll: z.literal(true).optional(),
  }),
  limit: z.int().min(0).max(MESSAGES_MAX),
});

export type AdminRequest = z.infer<typeof requestSchema>;

const recipient = z.object({
  address: z.string(),
  redirectedFrom: z.array(z.string()).readonly().optional(),
  /** What the smart host said last, and the code of it where it answered. */
  reply: z.string().optional(),
  code: z.number().optional(),
});

/** What a command reads may come from a relay of another version. */
export const messageSchema = z.object({
  id: z.string(),
  state,
  namespace: z.string(),
  /** User name. */
  user: z.string(),
  list: z.string(),
  from: z.string(),
  recipients: z.array(recipient).readonly(),
  size: z.number(),
  attempts: z.number(),
  /** ISO 8601, as the others. */
  received: z.string(),
  /** When it is tried again. */
  next: z.string().optional(),
  held: z.object({ by: z.string(), since: z.string() }).optional(),
  /** It is a report of the relay on this message. */
  reportOn: z.string().optional(),
});

export type SpooledMessage = z.infer<typeof messageSchema>;

/** `unselected`: it is named and is there, but something else that was given does not hold. */
export const outcomeSchema = z.enum(['done', 'same', 'busy', 'missing', 'unselected']);

export type AdminAnswer =
  | { readonly message: SpooledMessage }
  | { readonly changed: string; readonly outcome: z.infer<typeof outcomeSchema> }
  /** A piece, in base64, of the content of the message named last. */
  | { readonly chunk: string }
  | { readonly end: { readonly matched: number } }
  | { readonly problem: string };
