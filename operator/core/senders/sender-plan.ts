/** What there is to do about a VerifiedSender, by what it comes to. */
import { z } from 'zod';
import type { SenderStatus } from '../../api/sender.ts';
import { notInEffect } from '../../api/not-in-effect.ts';
import { conditionsOf, readiness, readyAsWritten, withNote } from '../conditions.ts';
import { eventsOf } from '../events.ts';
import type { MailWish } from '../mail-evidence.ts';
import type { ObjectMeta, PlannedEvent, RawObject, Vouching } from '../model.ts';
import { parseObject } from '../parse.ts';
import { formatTime } from '../time.ts';
import type { Lookup, RecordsPlan } from './look-ups.ts';
import { mailEvents, wishOf } from './mail-plan.ts';
import type { SenderVerdict } from './senders.ts';

export interface SenderPlan {
  readonly meta: ObjectMeta;
  readonly status: SenderStatus;
  readonly lookup?: Lookup;
  readonly vouching?: Vouching;
  readonly records?: RecordsPlan;
  /** Of an address. */
  readonly mail?: MailWish;
  readonly events: readonly PlannedEvent[];
}

/** What there is to do about a VerifiedSender. */
export function planSender(object: RawObject, verdict: SenderVerdict, now: Date): SenderPlan {
  const { meta, covers, judgement, method, challenge, lookup, lastCheckTime, vouching, dns } = verdict;
  const parsed = parseObject('VerifiedSender', object);
  const missing = parsed.ok ? notInEffect('VerifiedSender', parsed.spec) : '';
  const noted = withNote(readiness([judgement], { reason: 'Verified', message: judgement.message }), missing);
  const ready = readyAsWritten(object, noted);
  const judgements = [judgement, ...(dns?.judgements ?? [])];
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
