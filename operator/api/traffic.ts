/** What has become of mail in the last 24 hours, in the statuses of lists and users. */
import { z } from 'zod';
import { atomicListOf } from './common.ts';

const count = z.number().int().min(0);

/** The reasons that say most: all of them are metrics of the relays. */
export const REASONS_MAX = 5;

export const traffic = z
  .object({
    since: z.iso.datetime().describe('From when this is counted.'),
    accepted: count.describe('Messages accepted.'),
    recipients: count.describe('Their recipients.'),
    bytes: count.describe('Their size in bytes.'),
    delivered: count.describe('Recipients whom the upstream has taken a message for.'),
    bounced: count.describe('Recipients whom a message could not be delivered to.'),
    deferred: count.describe('Recipients, once for each attempt that was put off.'),
    refused: count.describe('Log-ins, recipients and messages refused.'),
    refusals: atomicListOf(
      z.object({
        reason: z.string().max(64).describe('Reason, as in the log and the metrics of the relays.'),
        count: count.describe('How many.'),
      }),
      REASONS_MAX,
    )
      .optional()
      .describe('The most frequent reasons for that.'),
  })
  .describe('Mail of the last 24 hours, as far as some was sent, told to within a few minutes.');

export type Traffic = z.infer<typeof traffic>;
