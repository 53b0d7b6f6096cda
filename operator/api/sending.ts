/** What a user may send in a month, and when it is paused. */
import { z } from 'zod';

export const pauseAbove = z
  .object({
    bounceRate: z.number().int().min(1).max(100).describe('In percent: a user is paused when more recipients bounce.'),
    of: z
      .number()
      .int()
      .min(10)
      .max(100000)
      .default(100)
      .describe('Of how many recipients. They are counted in batches of this size, over any time.'),
  })
  .describe(
    'Pauses a user whose mail bounces, at once and until somebody sets the annotation `smtpplus.io/resume` of the user to a new value.',
  );

export const quotaStatus = z
  .object({
    month: z
      .string()
      .max(7)
      .regex(/^[0-9]{4}-[0-9]{2}$/)
      .describe('The month, by UTC.'),
    messages: z.number().int().min(0).describe('Messages accepted in it, by all relays.'),
    limit: z.number().int().min(1).describe('How many there may be.'),
  })
  .describe('How much of `limits.messagesPerMonth` is used up; absent while nothing is.');

export const pausedStatus = z
  .object({
    since: z.iso.datetime().describe('Since when.'),
    bounced: z.number().int().min(0).describe('Recipients whose mail had bounced by then.'),
    of: z.number().int().min(0).describe('Of so many.'),
    resume: z
      .string()
      .max(64)
      .describe('Value of the annotation `smtpplus.io/resume` by then. Another one ends the pause.'),
  })
  .describe('Why it is paused; absent while it is not.');

export type PauseAbove = z.infer<typeof pauseAbove>;
export type QuotaStatus = z.infer<typeof quotaStatus>;
export type PausedStatus = z.infer<typeof pausedStatus>;
