/** All DNS records that matter to a VerifiedSender, and what they mean for its mail. */
import type { SenderSpec } from '../../api/sender.ts';
import type { DkimSigner } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import { keyOf, type ObjectMeta, type SenderEvidence } from '../model.ts';
import type { DnsVerification } from './dns-verification.ts';
import { judgeAlignment } from './alignment.ts';
import { judgeSigning } from './dkim.ts';
import type { DkimKeys } from './dkim-model.ts';
import { isAbout, type DnsChallenge } from './dns-proof.ts';
import { doPublish, stateOf, whatWasSeen, type DnsRecord } from './dns-record.ts';
import type { Lookup, RecordsPlan } from './look-ups.ts';
import { judgeMailRecords } from './mail-records.ts';

export interface RecordsVerdict {
  /** The conditions `Signing` and `Aligned`, where there is something to say. */
  readonly judgements: readonly Judgement[];
  readonly records: readonly DnsRecord[];
  /** For the relays; absent: mail goes out unsigned. */
  readonly signer?: DkimSigner;
  readonly plan: RecordsPlan;
  /** When this changes with time alone. */
  readonly until?: Date;
}

interface Question {
  readonly meta: ObjectMeta;
  /** Canonical, with a leading `@` where it is a domain. */
  readonly sender: string;
  readonly spec: SenderSpec;
  readonly isVerified: boolean;
  /** Absent: no record proves it. */
  readonly challenge: DnsChallenge | undefined;
  /** The look-up of the challenge. */
  readonly lookup: Lookup | undefined;
  readonly verification: DnsVerification | undefined;
  readonly evidence: SenderEvidence | undefined;
  readonly keys: DkimKeys | undefined;
  /** Classes whose relays have no room for them. */
  readonly withoutKeys: readonly string[];
  readonly now: Date;
}

/** Undefined where there is nothing to say, or to do. */
export function judgeRecords(question: Question): RecordsVerdict | undefined {
  const { meta, sender, spec, isVerified, challenge, verification, evidence, withoutKeys, now } = question;
  const isLookedUp = verification !== undefined && verification.isDisabled !== true;
  const records = evidence?.records ?? {};
  const signing = judgeSigning({ ...question, evidence: records, isLookedUp });
  const domain = sender.slice(1);
  const isJudged = sender.startsWith('@') && isVerified && isLookedUp;
  const mail = isJudged ? judgeMailRecords({ meta, domain, spec, verification, evidence: records, now }) : undefined;
  const own = challenge === undefined ? undefined : ownership(challenge, question);
  if (signing === undefined && mail === undefined && own === undefined) return undefined;
  const { includeSubdomains } = spec;
  const isSigned = signing?.signer !== undefined && withoutKeys.length === 0;
  const isSpfKnown = verification?.spfInclude !== undefined;
  const alignment = mail && judgeAlignment({ ...mail, domain, includeSubdomains, isSigned, isSpfKnown });
  const lookups = [...(signing?.plan.lookups ?? []), ...(mail?.lookups ?? [])];
  return {
    judgements: [signing?.judgement, alignment].flatMap((judgement) => judgement ?? []),
    records: [own, ...(signing?.records ?? []), ...(mail?.records ?? [])].flatMap((record) => record ?? []),
    ...(signing?.signer !== undefined && { signer: signing.signer }),
    plan: { sender: keyOf(meta), lookups, ...(signing?.plan.wish !== undefined && { wish: signing.plan.wish }) },
    ...(signing?.until !== undefined && { until: signing.until }),
  };
}

function ownership(
  challenge: DnsChallenge,
  { spec, verification, evidence: known, lookup }: Pick<Question, 'spec' | 'verification' | 'evidence' | 'lookup'>,
): DnsRecord {
  const isForEndpoint = spec.dns.publish === 'DNSEndpoint' && verification?.endpoints === 'All';
  const evidence = isAbout(known?.dns, challenge) ? known?.dns : undefined;
  const isFound = evidence?.outcome === 'found';
  const what = whatWasSeen(evidence, evidence && lookup?.due);
  return {
    purpose: 'Ownership',
    name: challenge.recordName,
    type: challenge.recordType,
    value: challenge.recordValue,
    state: stateOf(evidence),
    message: isFound
      ? 'Leave it in place: it proves the domain for this namespace.'
      : `${doPublish(isForEndpoint)} ${what}`,
  };
}
