/** What a user may send in a month, and when it is paused. */
import { z } from 'zod';

export const pauseAbove = z
  .object({
    bounceRate: z
      .number()
      .int()
      .min(1)
      .max(100)
      .describe('Share of recipients, in percent. If mail to more of them bounces, the user is paused.'),
    of: z
      .number()
      .int()
      .min(10)
      .max(100000)
      .default(100)
      .describe('Number of recipients in a batch. Bounces are counted for each batch, however long it takes.'),
  })
  .describe(
    'Pauses a user at once if too much of its mail bounces, until somebody sets the annotation `smtpplus.io/resume` of the user to a new value.',
  );

export const quotaStatus = z
  .object({
    month: z
      .string()
      .max(7)
      .regex(/^[0-9]{4}-[0-9]{2}$/)
      .describe('The month (UTC) that is counted.'),
    messages: z.number().int().min(0).describe('Messages that all relays accepted in that month.'),
    limit: z.number().int().min(1).describe('The quota that is in force.'),
  })
  .describe('How much of `limits.messagesPerMonth` is used up. Absent as long as nothing is.');

export const pausedStatus = z
  .object({
    since: z.iso.datetime().describe('When it was paused.'),
    bounced: z.number().int().min(0).describe('Recipients of the batch whose mail bounced.'),
    of: z.number().int().min(0).describe('Recipients of the batch so far.'),
    resume: z
      .string()
      .max(64)
      .describe('Value of the annotation `smtpplus.io/resume` when it was paused. Another value ends the pause.'),
  })
  .describe('Why it is paused. Absent if it is not.');

export type PauseAbove = z.infer<typeof pauseAbove>;
export type QuotaStatus = z.infer<typeof quotaStatus>;
export type PausedStatus = z.infer<typeof pausedStatus>;
