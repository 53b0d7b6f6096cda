/** What has become of mail in the last 24 hours, in the statuses of lists and users. */
import { z } from 'zod';
import { atomicListOf } from './common.ts';

const count = z.number().int().min(0);

/** The reasons that say most: all of them are metrics of the relays. */
export const REASONS_MAX = 5;

export const traffic = z
  .object({
    since: z.iso.datetime().describe('Start of the time that is counted.'),
    accepted: count.describe('Number of messages accepted.'),
    recipients: count.describe('Number of recipients of those messages.'),
    bytes: count.describe('Size of those messages, in bytes.'),
    delivered: count.describe('Number of recipients for whom the smart host accepted a message.'),
    bounced: count.describe('Number of recipients to whom a message could not be delivered.'),
    deferred: count.describe('Number of times that delivery to a recipient was put off, to be tried again.'),
    refused: count.describe('Number of log-ins, recipients and messages refused.'),
    refusals: atomicListOf(
      z.object({
        reason: z.string().max(64).describe('Reason of the refusal, as in the log and the metrics of the relays.'),
        count: count.describe('Number of refusals for this reason.'),
      }),
      REASONS_MAX,
    )
      .optional()
      .describe('The most frequent reasons for refusals, at most five.'),
  })
  .describe('Mail of the last 24 hours, to within a few minutes. Absent if there was none.');

export type Traffic = z.infer<typeof traffic>;
