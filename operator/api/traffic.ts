/** What has become of mail in the last 24 hours, in the statuses of lists and users. */
import { z } from 'zod';
import { atomicListOf } from './common.ts';

const count = z.number().int().min(0);

/** The reasons that say most: all of them are metrics of the relays. */
export const REASONS_MAX = 5;

export const traffic = z
  .object({
    since: z.iso.datetime().describe('Start of the period that is counted.'),
    accepted: count.describe('Messages accepted.'),
    recipients: count.describe('Their recipients.'),
    bytes: count.describe('Their size in bytes.'),
    delivered: count.describe('Recipients for whom the upstream accepted a message.'),
    bounced: count.describe('Recipients to whom a message could not be delivered.'),
    deferred: count.describe('Recipients whose delivery was put off, once for each attempt.'),
    refused: count.describe('Log-ins, recipients and messages refused.'),
    refusals: atomicListOf(
      z.object({
        reason: z.string().max(64).describe('Reason, as in the log and the metrics of the relays.'),
        count: count.describe('How many.'),
      }),
      REASONS_MAX,
    )
      .optional()
      .describe('The most frequent reasons for refusals.'),
  })
  .describe('Mail of the last 24 hours, to within a few minutes. Absent if there was none.');

export type Traffic = z.infer<typeof traffic>;
