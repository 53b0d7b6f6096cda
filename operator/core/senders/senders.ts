/** VerifiedSenders: what each says, whether it is verified, and its status. */
import { z } from 'zod';
import type { AllowedNamespaces } from '../../api/common.ts';
import { durationSeconds } from '../../api/duration.ts';
import { asRecord } from '../../api/plain-data.ts';
import type { SenderSpec, SenderStatus } from '../../api/sender.ts';
import { canonicalSender } from '../../../relay/address.ts';
import { notInEffect } from '../../api/not-in-effect.ts';
import { conditionsOf, readiness, readyAsWritten, withNote, type Judgement } from '../conditions.ts';
import { challengeOf, judgeEvidence, publish, type Challenge } from './dns-proof.ts';
import { eventsOf } from '../events.ts';
import type { CoveringDomain } from './covering.ts';
import { type SenderEvidence, type ObjectMeta, type PlannedEvent, type RawObject, type Vouching } from '../model.ts';
import { parseObject } from '../parse.ts';
import { isPublicSuffix } from './public-suffix.ts';
import type { Platform } from '../platform.ts';
import { earliestAfter, formatTime, parseTime } from '../time.ts';
import { judgeVouching, type VouchingVerdict } from './vouching.ts';
import type { DkimKeys } from './dkim-model.ts';
import type { Lookup, SigningPlan } from './look-ups.ts';
import { judgeSigning, type SigningVerdict } from './dkim.ts';

export interface SenderVerdict {
  readonly meta: ObjectMeta;
  /** The condition `Verified`. */
  readonly judgement: Judgement;
  /** What it covers; absent where its spec says nothing that can be understood. */
  readonly covers?: {
    readonly sender: string;
    readonly includeSubdomains: boolean;
    readonly allowed: AllowedNamespaces;
  };
  readonly method?: 'Grandfathered' | 'DnsProof';
  readonly challenge?: Challenge;
  readonly lastCheckTime?: string;
  readonly lookup?: Lookup;
  /** Nothing speaks for it or against it yet: relays tell clients to try again. */
  readonly isUnchecked?: true;
  /** What is known of it was lost: it has been there for so long that it must have been looked up. */
  readonly isLost?: true;
  /** What is to be remembered, where the settings vouch for it or have done so. */
  readonly vouching?: Vouching;
  readonly signing?: SigningVerdict;
  /** When it changes with time alone (a password expires, say); absent: never. */
  readonly until?: Date;
}

/** What a VerifiedSender is judged by, besides itself. */
export interface SenderCircumstances {
  /** Of the same namespace. */
  readonly coveringDomain: CoveringDomain;
  readonly platform: Platform;
  /** What is known of it besides. */
  readonly evidence: SenderEvidence | undefined;
  readonly keys: DkimKeys | undefined;
  readonly now: Date;
}

export function judgeSender(object: RawObject, circumstances: SenderCircumstances): SenderVerdict {
  const parsed = parseObject('VerifiedSender', object);
  const { meta } = parsed;
  const sender = parsed.ok ? senderOf(parsed.spec) : undefined;
  if (!parsed.ok || sender === undefined) {
    const message = parsed.ok ? 'spec names no valid address or domain; correct it.' : parsed.message;
    return { meta, judgement: { type: 'Verified', status: 'False', reason: 'InvalidSpec', message } };
  }
  const { includeSubdomains, allowedNamespaces: allowed } = parsed.spec;
  const covers = { sender, includeSubdomains, allowed };
  const { platform, evidence, now } = circumstances;
  const vouched = judgeVouching(
    { meta, sender },
    {
      existing: platform.existingSenders,
      known: evidence?.vouching,
      graceSeconds: platform.verification?.graceSeconds ?? 0,
      now,
    },
  );
  const claim = { meta, sender, spec: parsed.spec, vouched };
  const proof = strongest(judgeProof(claim, circumstances), vouched, covered(claim, circumstances));
  const verdict = { meta, covers, ...proof, ...(vouched !== undefined && { vouching: vouched.vouching }) };
  return withSigning(verdict, claim, circumstances);
}

function withSigning(
  verdict: SenderVerdict,
  { meta, sender, spec }: Claim,
  { platform, evidence, keys, now }: SenderCircumstances,
): SenderVerdict {
  const isVerified = verdict.judgement.status === 'True';
  const isLookedUp = platform.verification !== undefined;
  const records = evidence?.keyRecords ?? {};
  const signing = judgeSigning({ meta, sender, spec, isVerified, keys, evidence: records, isLookedUp, now });
  if (signing === undefined) return verdict;
  const until = earliestAfter(now, [verdict.until, signing.until]);
  return { ...verdict, signing, ...(until !== undefined && { until }) };
}

/** Whether it is about a domain, as far as one can tell. */
export function isDomainClaim({ spec }: RawObject): boolean {
  return asRecord(spec)['domain'] !== undefined;
}

interface Claim {
  readonly meta: ObjectMeta;
  readonly sender: string;
  readonly spec: SenderSpec;
  readonly vouched: VouchingVerdict | undefined;
}

type Proof = Omit<SenderVerdict, 'meta' | 'covers' | 'vouching'>;

/** What holds by itself comes before what the platform owner says, and that before what is about to end. */
function strongest(proof: Proof, vouched: VouchingVerdict | undefined, covered: Proof | undefined): Proof {
  const isVerified = proof.judgement.status === 'True';
  if (isVerified && proof.until === undefined) return proof;
  if (vouched?.state === 'vouched') return asVouched(proof, vouched.judgement);
  if (covered !== undefined) return covered;
  return isVerified || vouched === undefined ? proof : asWithdrawn(proof, vouched);
}

/** It can be converted: a proof that is found takes the place of the word of the platform owner. */
function asVouched({ challenge, lookup, lastCheckTime }: Proof, judgement: Judgement): Proof {
  const note = challenge === undefined ? '' : `It stays verified without that once you ${publish(challenge)}.`;
  return {
    judgement: withNote(judgement, note),
    method: 'Grandfathered',
    ...(challenge !== undefined && { challenge }),
    ...(lookup !== undefined && { lookup }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
  };
}

/** With what there is to do. */
function asWithdrawn(proof: Proof, { state, judgement, until }: VouchingVerdict): Proof {
  const { isUnchecked: _, ...rest } = proof;
  const said = withNote(judgement, proof.judgement.message);
  if (state === 'over') return { ...proof, judgement: said };
  return { ...rest, judgement: said, method: 'Grandfathered', ...(until !== undefined && { until }) };
}

function covered({ sender }: Claim, { coveringDomain }: SenderCircumstances): Proof | undefined {
  const domain = sender.startsWith('@') ? undefined : coveringDomain(sender);
  if (domain?.method === undefined) return undefined;
  const message = `VerifiedSender ${domain.meta.name} covers it, a verified domain of its namespace.`;
  return {
    judgement: { type: 'Verified', status: 'True', reason: 'CoveredByDomain', message },
    method: domain.method,
  };
}

function judgeProof({ meta, sender, spec, vouched }: Claim, { platform, evidence, now }: SenderCircumstances): Proof {
  const ask = whomToAsk(platform, meta.namespace, sender.replace(/^@/, ''));
  const { verification } = platform;
  if (!sender.startsWith('@')) {
    return { judgement: pending(`Proof by mail is not in effect yet in this release: ${ask}.`) };
  }
  if (isPublicSuffix(sender.slice(1))) return { judgement: publicSuffix(sender.slice(1), ask) };
  if (verification === undefined || verification.isDisabled)
    return { judgement: pending(`Proof by DNS is switched off here: ${ask}.`) };
  const domain = sender.slice(1);
  const challenge = challengeOf(domain, platform.issuer.challengeToken(meta.namespace, domain));
  if (challenge.recordName.length > DNS_NAME_MAX) {
    return { judgement: pending(`The domain is too long for a record below it to prove it: ${ask}.`) };
  }
  const recheckSeconds = durationSeconds(spec.recheckInterval);
  const { graceSeconds } = verification;
  const patience = { isVouchedFor: vouched?.state === 'vouched', since: parseTime(vouched?.vouching.withdrawnTime) };
  const question = { meta, challenge, recheckSeconds, graceSeconds, ...patience };
  const verdict = judgeEvidence(question, evidence?.dns, now);
  const { judgement, until, lookup, lastCheckTime, isUnchecked, isLost } = verdict;
  const isVerified = judgement.status === 'True';
  // who runs one process writes its settings, too
  const alternative = isVerified || platform.howToVouch === undefined ? '' : `Or vouch for it: ${ask}.`;
  return {
    judgement: withNote(judgement, alternative),
    challenge,
    lookup,
    ...(isUnchecked && { isUnchecked }),
    ...(isLost && { isLost }),
    ...(isVerified && { method: 'DnsProof' as const }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
    ...(until !== undefined && { until }),
  };
}

function whomToAsk({ howToVouch: ownWay }: Platform, namespace: string, sender: string): string {
  if (ownWay === undefined) {
    return `ask the platform owner to list \`${namespace}: ${sender}\` under existingSenders`;
  }
  return ownWay.replaceAll('{namespace}', namespace).replaceAll('{sender}', sender);
}

/** RFC 1035 section 2.3.4. */
const DNS_NAME_MAX = 253;

function publicSuffix(domain: string, ask: string): Judgement {
  const why = `${domain} is a public suffix: strangers register names below it, so that no record proves it for all of them`;
  const message = `${why}. Name a domain of your own, such as shop.${domain}; where all of it is yours, ${ask}.`;
  return { type: 'Verified', status: 'False', reason: 'PublicSuffix', message };
}

function pending(message: string): Judgement {
  return { type: 'Verified', status: 'False', reason: 'Pending', message };
}

function senderOf({ address, domain }: SenderSpec): string | undefined {
  return canonicalSender(address ?? `@${domain ?? ''}`);
}

export interface SenderPlan {
  readonly meta: ObjectMeta;
  readonly status: SenderStatus;
  readonly lookup?: Lookup;
  readonly vouching?: Vouching;
  readonly signing?: SigningPlan;
  readonly events: readonly PlannedEvent[];
}

/** What there is to do about a VerifiedSender. */
export function planSender(object: RawObject, verdict: SenderVerdict, now: Date): SenderPlan {
  const { meta, covers, judgement, method, challenge, lookup, lastCheckTime, vouching, signing } = verdict;
  const parsed = parseObject('VerifiedSender', object);
  const missing = parsed.ok ? notInEffect('VerifiedSender', parsed.spec) : '';
  const noted = withNote(readiness([judgement], { reason: 'Verified', message: judgement.message }), missing);
  const ready = readyAsWritten(object, noted);
  const judgements = signing?.judgement === undefined ? [judgement] : [judgement, signing.judgement];
  const status: SenderStatus = {
    observedGeneration: meta.generation,
    conditions: conditionsOf(object, judgements, ready, now),
    ...(covers !== undefined && { sender: covers.sender }),
    ...(method !== undefined && { method, verifiedTime: verifiedTime(object, now) }),
    ...(challenge !== undefined && { challenge }),
    ...(signing !== undefined && signing.records.length > 0 && { dnsRecords: [...signing.records] }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
    ...(lastCheckTime !== undefined && lookup !== undefined && { nextCheckTime: lookup.due }),
  };
  const events = eventsOf(object, [...judgements, ready]);
  return {
    meta,
    status,
    events,
    ...(lookup !== undefined && { lookup }),
    ...(vouching !== undefined && { vouching }),
    ...(signing !== undefined && { signing: signing.plan }),
  };
}

const verifiedStatus = z.object({ method: z.string(), verifiedTime: z.iso.datetime() });

/** When it was first verified, as its status remembers it: for people, nothing is decided by it. */
function verifiedTime({ status }: RawObject, now: Date): string {
  const before = verifiedStatus.safeParse(status);
  return before.success ? before.data.verifiedTime : formatTime(now);
}
