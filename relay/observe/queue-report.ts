/** What waits in the spool of a relay (page `/queue`): a part of the contract with the operator, without a mail address. */
import { z } from 'zod';

/** Those with most mail come first. */
const QUEUED_LISTS_MAX = 1000;

const count = z.number().int().nonnegative();

export const queueReportSchema = z.object({
  messages: count,
  /** When the oldest of them came in; ISO 8601. Absent where nothing waits. */
  oldestTime: z.iso.datetime().optional(),
  /** Messages by list (`NAMESPACE/NAME`). */
  lists: z.record(z.string(), count),
});

export type QueueReport = z.infer<typeof queueReportSchema>;

/** What several relays, or workers of one, come to. */
export function mergedQueues(reports: readonly QueueReport[]): QueueReport {
  const lists = new Map<string, number>();
  for (const [list, messages] of reports.flatMap((report) => Object.entries(report.lists))) {
    lists.set(list, (lists.get(list) ?? 0) + messages);
  }
  const [oldestTime] = reports.flatMap((report) => report.oldestTime ?? []).sort();
  return {
    messages: reports.reduce((sum, { messages }) => sum + messages, 0),
    ...(oldestTime !== undefined && { oldestTime }),
    lists: Object.fromEntries([...lists].sort(([, a], [, b]) => b - a).slice(0, QUEUED_LISTS_MAX)),
  };
}
