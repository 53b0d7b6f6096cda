/** What to do about a VerifiedSender, given what it comes to. */
import { z } from 'zod';
import type { SenderStatus } from '../../api/sender.ts';
import { conditionsOf, readiness, readyAsWritten } from '../conditions.ts';
import { eventsOf } from '../events.ts';
import type { MailWish } from '../mail-evidence.ts';
import type { ObjectMeta, PlannedEvent, RawObject, Vouching } from '../model.ts';
import { parseObject } from '../parse.ts';
import { formatTime } from '../time.ts';
import type { Lookup, RecordsPlan } from './look-ups.ts';
import type { DnsVerification } from './dns-verification.ts';
import { mailEvents, wishOf } from './mail-plan.ts';
import { judgePublication } from './publication.ts';
import type { EndpointRecords } from './publication-model.ts';
import type { Sources } from '../sources.ts';
import type { SenderVerdict } from './sender-verdict.ts';

export interface SenderPlan {
  readonly meta: ObjectMeta;
  readonly status: SenderStatus;
  readonly lookup?: Lookup;
  readonly vouching?: Vouching;
  readonly records?: RecordsPlan;
  /** What its DNSEndpoint is to have. Absent: it stays as it is. */
  readonly endpoint?: EndpointRecords;
  /** For an address. */
  readonly mail?: MailWish;
  readonly events: readonly PlannedEvent[];
}

interface Circumstances {
  readonly verification: DnsVerification | undefined;
  readonly publicationOf: Sources['publicationOf'];
  readonly now: Date;
}

/** What there is to do about a VerifiedSender. */
export function planSender(
  object: RawObject,
  verdict: SenderVerdict,
  { verification, publicationOf, now }: Circumstances,
): SenderPlan {
  const { meta, covers, judgement, method, challenge, lookup, lastCheckTime, vouching, dns } = verdict;
  const parsed = parseObject('VerifiedSender', object);
  const spec = parsed.ok ? parsed.spec : undefined;
  const published = judgePublication({ spec, verdict, verification, factOf: publicationOf });
  const ready = readyAsWritten(object, readiness([judgement], { reason: 'Verified', message: judgement.message }));
  const judgements = [judgement, ...(dns?.judgements ?? []), ...(published.judgement ? [published.judgement] : [])];
  const status: SenderStatus = {
    observedGeneration: meta.generation,
    conditions: conditionsOf(object, judgements, ready, now),
    ...(covers !== undefined && { sender: covers.sender }),
    ...(method !== undefined && { method, verifiedTime: verifiedTime(object, now) }),
    ...(challenge !== undefined && { challenge }),
    ...(dns !== undefined && dns.records.length > 0 && { dnsRecords: [...dns.records] }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
    ...(lastCheckTime !== undefined && lookup !== undefined && { nextCheckTime: lookup.due }),
  };
  const sentMail = challenge !== undefined && 'sentTime' in challenge ? challenge : undefined;
  const events = [...mailEvents(object, sentMail), ...eventsOf(object, [...judgements, ready])];
  const mail = verdict.mail ?? wishOf(object);
  return {
    meta,
    status,
    events,
    ...(published.endpoint !== undefined && { endpoint: published.endpoint }),
    ...(lookup !== undefined && { lookup }),
    ...(vouching !== undefined && { vouching }),
    ...(dns !== undefined && { records: dns.plan }),
    ...(mail !== undefined && { mail }),
  };
}

const verifiedStatus = z.object({ method: z.string(), verifiedTime: z.iso.datetime() });

/** When it was first verified, as its status remembers it: for people, nothing is decided by it. */
function verifiedTime({ status }: RawObject, now: Date): string {
  const before = verifiedStatus.safeParse(status);
  return before.success ? before.data.verifiedTime : formatTime(now);
}
