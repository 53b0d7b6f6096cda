/** What a user may send in a month, and when it is paused. */
import { z } from 'zod';

export const pauseAbove = z
  .object({
    bounceRate: z
      .number()
      .int()
      .min(1)
      .max(100)
      .describe('Percentage of recipients. If mail to more than that bounces, the user is paused.'),
    of: z
      .number()
      .int()
      .min(10)
      .max(100000)
      .default(100)
      .describe(
        'Number of recipients that make up a batch. The percentage is that of one batch, however long it takes to send.',
      ),
  })
  .describe(
    'Pauses a user if too much of its mail bounces: its messages are refused with 550 until somebody sets the annotation `smtpplus.io/resume` of the user to a new value. Default: users are never paused.',
  );

export const quotaStatus = z
  .object({
    month: z
      .string()
      .max(7)
      .regex(/^[0-9]{4}-[0-9]{2}$/)
      .describe('The month (UTC) that `messages` is about.'),
    messages: z
      .number()
      .int()
      .min(0)
      .describe('Number of messages that the relays accepted from this user in that month.'),
    limit: z.number().int().min(1).describe('Number of messages that this user may send in a month.'),
  })
  .describe(
    'How much of `limits.messagesPerMonth` is used up. Absent if there is no such limit, or nothing has been sent.',
  );

export const pausedStatus = z
  .object({
    since: z.iso.datetime().describe('When the user was paused.'),
    bounced: z.number().int().min(0).describe('Number of recipients of the batch to whom mail bounced.'),
    of: z.number().int().min(0).describe('Number of recipients in the batch so far.'),
    resume: z
      .string()
      .max(64)
      .describe(
        'Value of the annotation `smtpplus.io/resume` when the user was paused. Any other value ends the pause.',
      ),
  })
  .describe('Why the user is paused. Absent if it is not paused.');

export type PauseAbove = z.infer<typeof pauseAbove>;
export type QuotaStatus = z.infer<typeof quotaStatus>;
export type PausedStatus = z.infer<typeof pausedStatus>;
