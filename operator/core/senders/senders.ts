/** VerifiedSenders: what each says, whether it is verified, and its status. */
import { z } from 'zod';
import type { AllowedNamespaces } from '../../api/common.ts';
import { durationSeconds } from '../../api/duration.ts';
import type { SenderSpec, SenderStatus } from '../../api/sender.ts';
import { canonicalSender } from '../../../relay/address.ts';
import { notInEffect } from '../../api/not-in-effect.ts';
import { conditionsOf, readiness, readyAsWritten, withNote, type Judgement } from '../conditions.ts';
import { challengeOf, judgeEvidence, describe, type Challenge } from './dns-proof.ts';
import { eventsOf } from '../events.ts';
import { grandfatheredBy } from './existing-senders.ts';
import { dnsEvidence, howToVouch, previousStatuses, verification } from '../facts.ts';
import { keyOf, type Lookup, type ObjectMeta, type PlannedEvent } from '../model.ts';
import { parsedSenders } from '../parse.ts';
import { formatTime } from '../time.ts';
import { read, wakeAt, type Result, type Table, type World } from '../world.ts';

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
}

export const senderVerdicts: Table<SenderVerdict | undefined> = { name: 'sender verdict', formula: judgeSender };

function judgeSender(world: World, key: string): SenderVerdict | undefined {
  const parsed = read(world, parsedSenders, key);
  if (parsed === undefined) return undefined;
  const { meta } = parsed;
  const sender = parsed.ok ? senderOf(parsed.spec) : undefined;
  if (!parsed.ok || sender === undefined) {
    const message = parsed.ok ? 'spec names no valid address or domain; correct it.' : parsed.message;
    return { meta, judgement: { type: 'Verified', status: 'False', reason: 'InvalidSpec', message } };
  }
  const { includeSubdomains, allowedNamespaces: allowed } = parsed.spec;
  const covers = { sender, includeSubdomains, allowed };
  const grandfathered = grandfatheredBy(world, meta, sender);
  if (grandfathered !== undefined) {
    const reason = 'Grandfathered';
    const judgement = { type: 'Verified', status: 'True', reason, message: grandfathered } as const;
    return { meta, covers, judgement, method: reason };
  }
  return { meta, covers, ...judgeProof(world, { meta, sender, spec: parsed.spec }) };
}

interface Claim {
  readonly meta: ObjectMeta;
  readonly sender: string;
  readonly spec: SenderSpec;
}

type Proof = Omit<SenderVerdict, 'meta' | 'covers'>;

function judgeProof(world: World, { meta, sender, spec }: Claim): Proof {
  const ask = whomToAsk(world, meta.namespace, sender.replace(/^@/, ''));
  if (!sender.startsWith('@')) {
    return { judgement: pending(`Proof by mail is not in effect yet in this release: ${ask}.`) };
  }
  const domain = sender.slice(1);
  const challenge = challengeOf(domain, world.craft.challengeToken(meta.namespace, domain));
  if (challenge.recordName.length > DNS_NAME_MAX) {
    return { judgement: pending(`The domain is too long for a record below it to prove it: ${ask}.`) };
  }
  if (read(world, verification, '') !== 'dns') {
    const later = `A later release looks for ${describe(challenge)}`;
    const message = `Proof by DNS is not in effect yet in this release: ${ask}. ${later}`;
    return { challenge, judgement: pending(message) };
  }
  const evidence = read(world, dnsEvidence, keyOf(meta));
  const recheckSeconds = durationSeconds(spec.recheckInterval);
  const verdict = judgeEvidence({ meta, challenge, recheckSeconds }, evidence, world.now);
  const { judgement, until, lookup, lastCheckTime } = verdict;
  if (until !== undefined) wakeAt(world, until);
  const isVerified = judgement.status === 'True';
  return {
    judgement,
    challenge,
    lookup,
    ...(isVerified && { method: 'DnsProof' as const }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
  };
}

function whomToAsk(world: World, namespace: string, sender: string): string {
  const ownWay = read(world, howToVouch, '');
  if (ownWay === undefined) {
    return `ask the platform owner to list \`${namespace}: ${sender}\` under existingSenders`;
  }
  return ownWay.replaceAll('{namespace}', namespace).replaceAll('{sender}', sender);
}

/** RFC 1035 section 2.3.4. */
const DNS_NAME_MAX = 253;

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
  readonly events: readonly PlannedEvent[];
}

export const senderPlans: Result<SenderPlan | undefined> = {
  name: 'sender plan',
  formula: planSender,
  isResult: true,
};

/** What there is to do about a VerifiedSender; undefined where it is gone. */
function planSender(world: World, key: string): SenderPlan | undefined {
  const verdict = read(world, senderVerdicts, key);
  if (verdict === undefined) return undefined;
  const { meta, judgement, method, challenge, lookup, lastCheckTime } = verdict;
  const subject = { kind: 'VerifiedSender', meta } as const;
  const parsed = read(world, parsedSenders, key);
  const hasLookups = read(world, verification, '') === 'dns';
  const missing = parsed?.ok ? notInEffect('VerifiedSender', parsed.spec, { hasLookups }) : '';
  const noted = withNote(readiness([judgement], { reason: 'Verified', message: judgement.message }), missing);
  const ready = readyAsWritten(world, subject, noted);
  const status: SenderStatus = {
    observedGeneration: meta.generation,
    conditions: conditionsOf(world, subject, [judgement], ready),
    ...(method !== undefined && { method, verifiedTime: verifiedTime(world, key) }),
    ...(challenge !== undefined && { challenge }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
    ...(lastCheckTime !== undefined && lookup !== undefined && { nextCheckTime: lookup.due }),
  };
  const events = eventsOf(world, subject, [judgement, ready]);
  return { meta, status, events, ...(lookup !== undefined && { lookup }) };
}

const verifiedStatus = z.object({ method: z.string(), verifiedTime: z.iso.datetime() });

/** When it was first verified, as its status remembers it: for people, nothing is decided by it. */
function verifiedTime(world: World, key: string): string {
  const before = verifiedStatus.safeParse(read(world, previousStatuses.VerifiedSender, key));
  return before.success ? before.data.verifiedTime : formatTime(world.now);
}
