/**
 * Whether a VerifiedSender is verified. Any one of these is enough, and `strongest` says which one its status names:
 *
 *   its own proof        a DNS record of a domain (dns-proof.ts), a confirmed mail to an address (mail-proof.ts)
 *   the platform owner   vouches for it (vouching.ts)
 *   a verified domain    of its namespace covers the address (covering.ts)
 *
 * It is judged again when the object changes, or what it is judged by. A domain says itself when its record is to be looked
 * up next (`lookup`); what that finds is a change. `until` is when the verdict changes by the clock alone.
 */
import { durationSeconds } from '../../api/duration.ts';
import { asRecord } from '../../api/plain-data.ts';
import type { SenderSpec } from '../../api/sender.ts';
import { canonicalSender } from '../../../relay/address.ts';
import { withNote, type Judgement } from '../conditions.ts';
import { challengeOf, judgeEvidence, publish } from './dns-proof.ts';
import type { CoveringDomains } from './covering.ts';
import type { ObjectMeta, RawObject, SenderEvidence } from '../model.ts';
import type { MailEvidence } from '../mail-evidence.ts';
import { judgeMail } from './mail-proof.ts';
import { parseObject } from '../parse.ts';
import type { SenderVerdict } from './sender-verdict.ts';
import { wasProven } from './lost-evidence.ts';
import { isPublicSuffix } from './public-suffix.ts';
import type { Platform } from '../platform.ts';
import { earliestAfter, parseTime } from '../time.ts';
import { judgeVouching, type VouchingVerdict } from './vouching.ts';
import type { DkimKeys } from './dkim-model.ts';
import { judgeRecords } from './domain-records.ts';

/** What a VerifiedSender is judged by, besides itself. */
export interface SenderCircumstances {
  /** The domains of its own namespace that cover addresses. */
  readonly covering: CoveringDomains;
  readonly platform: Platform;
  /** What look-ups have found, and who vouched for it the last time. */
  readonly evidence: SenderEvidence | undefined;
  readonly keys: DkimKeys | undefined;
  /** Which mails went to an address (`NAMESPACE/ADDRESS`), and what came of them. */
  readonly mailOf: (key: string) => MailEvidence | undefined;
  /** Classes whose relays have no room for its keys. */
  readonly withoutKeys: readonly string[];
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
  const claim = { object, meta, sender, spec: parsed.spec, vouched };
  const covering = covered(sender, circumstances);
  const own = sender.startsWith('@')
    ? judgeDomain(claim, circumstances)
    : judgeAddress(claim, { ...circumstances, isVerified: vouched?.state === 'vouched' || covering !== undefined });
  const proof = strongest(own, vouched, covering);
  const verdict = { meta, covers, ...proof, ...(vouched !== undefined && { vouching: vouched.vouching }) };
  return withRecords(verdict, claim, circumstances);
}

function withRecords(
  verdict: SenderVerdict,
  { meta, sender, spec }: Claim,
  { platform: { verification }, evidence, keys, withoutKeys, now }: SenderCircumstances,
): SenderVerdict {
  const isVerified = verdict.judgement.status === 'True';
  const { lookup } = verdict;
  const challenge =
    verdict.challenge !== undefined && 'recordName' in verdict.challenge ? verdict.challenge : undefined;
  const question = {
    meta,
    sender,
    spec,
    isVerified,
    challenge,
    lookup,
    verification,
    evidence,
    keys,
    withoutKeys,
    now,
  };
  const dns = judgeRecords(question);
  if (dns === undefined) return verdict;
  const until = earliestAfter(now, [verdict.until, dns.until]);
  return { ...verdict, dns, ...(until !== undefined && { until }) };
}

/** Whether it is about a domain, as far as one can tell. */
export function isDomainClaim({ spec }: RawObject): boolean {
  return asRecord(spec)['domain'] !== undefined;
}

interface Claim {
  readonly object: RawObject;
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
  if (covered !== undefined) return { ...covered, ...mailOf(proof) };
  return isVerified || vouched === undefined ? proof : asWithdrawn(proof, vouched);
}

/** It can be converted: a proof that is found takes the place of the word of the platform owner. */
function asVouched(proof: Proof, judgement: Judgement): Proof {
  const { challenge, lookup, lastCheckTime } = proof;
  const record = challenge !== undefined && 'recordName' in challenge ? challenge : undefined;
  const note = record === undefined ? '' : `It stays verified without that once you ${publish(record)}.`;
  return {
    judgement: withNote(judgement, note),
    method: 'Grandfathered',
    ...(challenge !== undefined && { challenge }),
    ...(lookup !== undefined && { lookup }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
    ...mailOf(proof),
  };
}

/** For an address that something else verifies: what is asked for by mail, which changes with time as well. */
function mailOf({ mail, until }: Proof): Pick<Proof, 'mail' | 'until'> {
  return mail === undefined ? {} : { mail, ...(until !== undefined && { until }) };
}

/** With what there is to do. */
function asWithdrawn(proof: Proof, { state, judgement, until }: VouchingVerdict): Proof {
  const { isUnchecked: _, ...rest } = proof;
  const said = withNote(judgement, proof.judgement.message);
  if (state === 'over') return { ...proof, judgement: said };
  const moments = [until, proof.until].filter((moment) => moment !== undefined);
  const first = moments.sort((a, b) => a.getTime() - b.getTime())[0];
  return { ...rest, judgement: said, method: 'Grandfathered', ...(first !== undefined && { until: first }) };
}

function covered(sender: string, { covering }: SenderCircumstances): Proof | undefined {
  const domain = sender.startsWith('@') ? undefined : covering.verified(sender);
  if (domain?.method === undefined) return undefined;
  const message = `VerifiedSender ${domain.meta.name} covers it, a verified domain of its namespace.`;
  return {
    judgement: { type: 'Verified', status: 'True', reason: 'CoveredByDomain', message },
    method: domain.method,
  };
}

interface AddressCircumstances extends SenderCircumstances {
  /** By something else. */
  readonly isVerified: boolean;
}

function judgeAddress(claim: Claim, circumstances: AddressCircumstances): Proof {
  const { platform, covering, mailOf, isVerified, now } = circumstances;
  const { object, meta, sender, spec, vouched } = claim;
  const ask = whomToAsk(platform, meta.namespace, sender);
  const { mailVerification: verification, issuer } = platform;
  if (verification === undefined) return { judgement: unavailable(`Proof by mail is not set up here: ${ask}.`) };
  const loss = {
    // what else verifies it, its status has said since
    wasProven: vouched === undefined && !isVerified && wasProven(object, 'EmailProof', now),
    graceSeconds: platform.verification?.graceSeconds ?? 0,
  };
  const { codeHash } = issuer;
  const mayBeCovered = isVerified ? undefined : covering.awaited(sender)?.meta.name;
  // a mail is sent without anybody asking for one where nothing else can verify it
  const isNeeded = !isVerified && mayBeCovered === undefined;
  const question = {
    meta,
    address: sender,
    code: spec.email?.code,
    isNeeded,
    mayBeCovered,
    verification,
    codeHash,
    ...loss,
  };
  const { judgement, wish, ...verdict } = judgeMail(question, mailOf(`${meta.namespace}/${sender}`), now);
  return { ...verdict, judgement: withWayToVouch(judgement, platform, ask), mail: wish };
}

function judgeDomain(claim: Claim, { platform, evidence, now }: SenderCircumstances): Proof {
  const { object, meta, sender, spec, vouched } = claim;
  const domain = sender.slice(1);
  const ask = whomToAsk(platform, meta.namespace, domain);
  const { verification } = platform;
  if (isPublicSuffix(domain)) return { judgement: publicSuffix(domain, ask) };
  if (verification === undefined || verification.isDisabled)
    return { judgement: unavailable(`Proof by DNS is switched off here: ${ask}.`) };
  const challenge = challengeOf(domain, platform.issuer.challengeToken(meta.namespace, domain));
  if (challenge.recordName.length > DNS_NAME_MAX) {
    return { judgement: unavailable(`The domain is too long for a record below it to prove it: ${ask}.`) };
  }
  const recheckSeconds = durationSeconds(spec.recheckInterval);
  const { graceSeconds } = verification;
  const patience = { isVouchedFor: vouched?.state === 'vouched', since: parseTime(vouched?.vouching.withdrawnTime) };
  const question = {
    meta,
    challenge,
    recheckSeconds,
    graceSeconds,
    ...patience,
    wasProven: vouched === undefined && wasProven(object, 'DnsProof', now),
  };
  const verdict = judgeEvidence(question, evidence?.dns, now);
  const { judgement, until, lookup, lastCheckTime, isUnchecked, isLost } = verdict;
  const isVerified = judgement.status === 'True';
  return {
    judgement: withWayToVouch(judgement, platform, ask),
    challenge,
    lookup,
    ...(isUnchecked && { isUnchecked }),
    ...(isLost && { isLost }),
    ...(isVerified && { method: 'DnsProof' as const }),
    ...(lastCheckTime !== undefined && { lastCheckTime }),
    ...(until !== undefined && { until }),
  };
}

/** Who runs one process writes its settings, too. */
function withWayToVouch(judgement: Judgement, { howToVouch: ownWay }: Platform, ask: string): Judgement {
  return judgement.status === 'True' || ownWay === undefined
    ? judgement
    : withNote(judgement, `Or vouch for it: ${ask}.`);
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

function unavailable(message: string): Judgement {
  return { type: 'Verified', status: 'False', reason: 'ProofUnavailable', message };
}

function senderOf({ address, domain }: SenderSpec): string | undefined {
  return canonicalSender(address ?? `@${domain ?? ''}`);
}
