/** What is known about a challenge record after one more look-up. */
import { z } from 'zod';
import type { DnsEvidence, SenderEvidence } from '../core/model.ts';
import type { Lookup } from '../core/senders/look-ups.ts';
import type { Observation } from './look-up.ts';

const dnsEvidence: z.ZodType<DnsEvidence> = z.object({
  recordName: z.string(),
  recordValue: z.string(),
  time: z.iso.datetime(),
  outcome: z.enum(['found', 'absent', 'mismatch', 'failed']),
  detail: z.string(),
  seen: z.string().optional(),
  seenAt: z.string().optional(),
  attempts: z.number().int().min(0),
  since: z.iso.datetime(),
  lostTime: z.iso.datetime().optional(),
  isAnswered: z.literal(true).optional(),
  foundTime: z.iso.datetime().optional(),
  missingSince: z.iso.datetime().optional(),
  touched: z.string().optional(),
  jitter: z.number().min(0).max(1),
});

/** As it is kept. What does not parse is as good as lost: the record is looked up again. */
export const evidenceSchema: z.ZodType<SenderEvidence> = z.object({
  dns: dnsEvidence.optional(),
  vouching: z.object({ sender: z.string(), withdrawnTime: z.iso.datetime().optional() }).optional(),
  records: z.record(z.string(), dnsEvidence).optional(),
});

interface Findings extends Observation {
  /** ISO 8601. */
  readonly time: string;
  /** 0 to 1. */
  readonly jitter: number;
}

/** @param before what was known; of another record, or of another value, it counts for nothing */
export function afterLookup(before: DnsEvidence | undefined, lookup: Lookup, findings: Findings): DnsEvidence {
  const { recordName, recordValue, touched } = lookup;
  const isAboutThis = before?.recordName === recordName && before.recordValue === recordValue;
  const known = isAboutThis ? before : undefined;
  const { time, outcome } = findings;
  const isFound = outcome === 'found';
  const isTouched = touched !== known?.touched;
  const goesOn = known !== undefined && (known.outcome === 'found') === isFound && !isTouched;
  const foundTime = isFound ? time : known?.foundTime;
  const missingSince = isFound ? undefined : missing(known, findings);
  const lostTime = known === undefined && lookup.isLost ? time : known?.lostTime;
  return {
    recordName,
    recordValue,
    // a look-up that failed has seen nothing else
    ...(outcome === 'failed' && lastSeen(known)),
    ...findings,
    attempts: isFound ? 0 : (goesOn ? known.attempts : 0) + 1,
    since: goesOn ? known.since : time,
    ...((outcome !== 'failed' || known?.isAnswered) && { isAnswered: true as const }),
    ...(foundTime !== undefined && { foundTime }),
    ...(missingSince !== undefined && { missingSince }),
    ...(lostTime !== undefined && !isFound && { lostTime }),
    ...(touched !== undefined && { touched }),
  };
}

function lastSeen(known: DnsEvidence | undefined): Pick<DnsEvidence, 'seen' | 'seenAt'> {
  const { seen, seenAt } = known ?? {};
  return { ...(seen !== undefined && { seen }), ...(seenAt !== undefined && { seenAt }) };
}

/** A look-up that failed has not seen that it is missing. */
function missing(known: DnsEvidence | undefined, { outcome, time }: Findings): string | undefined {
  if (known?.foundTime === undefined) return undefined;
  return known.missingSince ?? (outcome === 'failed' ? undefined : time);
}
