/**
 * What a relay has counted of each list and each user in the last 24 hours (page `/usage`): a part of the contract with the
 * operator, as upstream-report.ts is. Never an address and never a subject: only numbers, times and reasons.
 */
import { z } from 'zod';

const count = z.number().int().nonnegative();

/** By reason. */
const refused = z.record(z.string().max(64), count);

/** Absent: none. */
export const tallySchema = z.object({
  /** Log-ins that succeeded. */
  logins: count.optional(),
  /** Messages that were taken, with their recipients and their octets as the client sent them. */
  accepted: count.optional(),
  recipients: count.optional(),
  bytes: count.optional(),
  /** Recipients whom an upstream has taken a message for, and whom none ever will. */
  delivered: count.optional(),
  bounced: count.optional(),
  /** Recipients, once for each attempt that was put off. */
  deferred: count.optional(),
  /** By reason: log-ins, commands and messages that were refused. */
  refused: refused.optional(),
  /** ISO 8601. */
  lastLogin: z.iso.datetime().optional(),
  lastMessage: z.iso.datetime().optional(),
});

const userTallySchema = tallySchema.extend({
  /** For a user with a monthly quota: messages of this month, by UTC (`2026-11`). */
  month: z.object({ name: z.string(), messages: count }).optional(),
  /** This relay has paused it, since so many of so many recipients bounced, under this mark of its configuration. */
  paused: z.object({ since: z.iso.datetime(), bounced: count, judged: count, resume: z.string() }).optional(),
});

export const usageReportSchema = z.object({
  /** From when it is counted: up to 24 hours ago, or later where the relay has not counted for so long. ISO 8601. */
  since: z.iso.datetime(),
  /** By `NAMESPACE/NAME`, as users are. What counted nothing in this time is not here. */
  lists: z.record(z.string(), tallySchema),
  users: z.record(z.string(), userTallySchema),
  /** What was refused in the last hour, or since the relay was started, by user and reason. Older relays do not say. */
  refusedLately: z
    .object({ since: z.iso.datetime(), users: z.record(z.string(), refused), nobody: refused })
    .optional(),
});

export type UserTally = z.infer<typeof userTallySchema>;
export type Tally = z.infer<typeof tallySchema>;
export type UsageReport = z.infer<typeof usageReportSchema>;
