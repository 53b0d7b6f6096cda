/** What relays have counted for a list or a user, for its status. */
import { z } from 'zod';
import { pausedStatus, quotaStatus, type PausedStatus } from '../api/sending.ts';
import { traffic, type Traffic } from '../api/traffic.ts';

/**
 * Held still by whoever gathers it: a status is written for each change. Without anything in it where nothing was
 * counted.
 */
export interface UsageFact {
  readonly traffic?: Traffic | undefined;
  /** ISO 8601. */
  readonly lastUsedTime?: string | undefined;
  /** For a user: the month, by UTC (`2026-11`), and its messages that count for a quota. */
  readonly month?: { readonly name: string; readonly messages: number } | undefined;
  /** For a user that some relay has paused. */
  readonly paused?: PausedStatus | undefined;
}

const knownUsage = z.object({
  traffic: traffic.optional().catch(undefined),
  lastUsedTime: z.iso.datetime().optional().catch(undefined),
  quota: quotaStatus.optional().catch(undefined),
  paused: pausedStatus.optional().catch(undefined),
});

/** What a status said of use when it was written last. */
export function usageBefore({ status }: { readonly status?: unknown }): z.infer<typeof knownUsage> {
  return knownUsage.safeParse(status).data ?? {};
}

/**
 * What the status says of use. Relays count a day, and where none was heard yet, what was said before stays: so when it was
 * used last is remembered by the status alone. Whoever can write a status can forge that, and gains nothing by it.
 */
export function usageOf(
  subject: { readonly status?: unknown },
  fact: UsageFact | undefined,
): Pick<UsageFact, 'traffic' | 'lastUsedTime'> {
  const before = usageBefore(subject);
  const counted = fact === undefined ? before.traffic : fact.traffic;
  const lastUsed = lastOf(before.lastUsedTime, fact?.lastUsedTime);
  return {
    ...(counted !== undefined && { traffic: counted }),
    ...(lastUsed !== undefined && { lastUsedTime: lastUsed }),
  };
}

function lastOf(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Date.parse(a) > Date.parse(b) ? a : b;
}
