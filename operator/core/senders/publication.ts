/**
 * `spec.dns.publish: DNSEndpoint`: which records external-dns is asked to publish. SPF and DMARC are never among them: those of
 * a domain speak for everybody who sends mail as it. Nor is the proof, unless the platform owner says so: whoever can write a
 * VerifiedSender would then prove every domain that external-dns manages.
 */
import type { SenderSpec } from '../../api/sender.ts';
import type { Judgement } from '../conditions.ts';
import type { ObjectMeta } from '../model.ts';
import type { ConditionReason } from '../reasons.ts';
import type { DnsVerification } from './dns-verification.ts';
import type { EndpointRecords, PublicationFact } from './publication-model.ts';
import type { SenderVerdict } from './sender-verdict.ts';

export interface PublicationVerdict {
  /** The condition `Published`; absent where nobody asks for it, or nobody knows yet. */
  readonly judgement?: Judgement;
  /** Absent: a DNSEndpoint that is there stays as it is. */
  readonly endpoint?: EndpointRecords;
}

interface Question {
  /** Undefined where it cannot be understood. */
  readonly spec: SenderSpec | undefined;
  readonly verdict: Pick<SenderVerdict, 'meta' | 'judgement' | 'isUnchecked' | 'dns'>;
  readonly verification: DnsVerification | undefined;
  /** Undefined: it is about to be written. */
  readonly factOf: (sender: ObjectMeta, records: EndpointRecords) => PublicationFact | undefined;
}

export function judgePublication({ spec, verdict, verification, factOf }: Question): PublicationVerdict {
  if (spec === undefined) return {};
  if (spec.dns.publish === 'None') return { endpoint: [] };
  const { endpoints = 'None' } = verification ?? {};
  if (endpoints === 'None' || endpoints === 'NoCluster') {
    return { endpoint: [], judgement: unpublished('PublishUnavailable', UNAVAILABLE[endpoints]) };
  }
  const isVerified = verdict.judgement.status === 'True';
  // after a loss of evidence: what was published while it was verified must not come and go, nor anything be published anew
  if (verdict.isUnchecked === true && endpoints === 'DKIM') return {};
  const hasKeys = isVerified || verdict.isUnchecked === true;
  const endpoint = (verdict.dns?.records ?? []).flatMap(({ purpose, name, value }) => {
    const isAsked = (purpose === 'DKIM' && hasKeys) || (purpose === 'Ownership' && endpoints === 'All');
    return isAsked && value !== undefined ? [{ name, value }] : [];
  });
  if (endpoint.length === 0) {
    return { endpoint, judgement: unpublished('NothingToPublish', whyNothing(spec, endpoints, isVerified)) };
  }
  return { endpoint, judgement: judge(factOf(verdict.meta, endpoint)) };
}

const UNAVAILABLE = {
  NoCluster:
    'There is nobody to publish to: DNSEndpoints take a cluster with external-dns, and this is one process. Publish the records in status.dnsRecords by hand, and set spec.dns.publish: None.',
  None: 'The platform owner does not allow DNSEndpoints (verification.dnsEndpoints). Publish the records in status.dnsRecords by hand, and set spec.dns.publish: None.',
} as const;

function whyNothing({ domain, dkim }: SenderSpec, endpoints: 'DKIM' | 'All', isVerified: boolean): string {
  if (domain === undefined) {
    return 'An address has no records: no record proves it, and its mail is signed with the keys of its domain. Set spec.dns.publish in a VerifiedSender for the domain.';
  }
  if (isVerified && dkim.signing === 'Enabled') return 'The records of its keys follow; see the condition Signing.';
  if (isVerified) return 'The domain has no keys whose records could be published. Set spec.dkim.signing: Enabled.';
  if (endpoints === 'All') return 'No record proves the domain; see the condition Verified.';
  return 'Publish the record that proves the domain by hand. If external-dns published it, whoever can create a VerifiedSender could verify every domain that external-dns manages; the platform owner can allow that (verification.dnsEndpoints: All). The records of keys follow once the domain is verified.';
}

function judge(fact: PublicationFact | undefined): Judgement {
  if (fact === undefined) return unpublished('EndpointAwaited', 'The DNSEndpoint is about to be written.');
  const status = fact.reason === 'Published' ? 'True' : 'False';
  return { type: 'Published', status, ...fact };
}

function unpublished(reason: ConditionReason, message: string): Judgement {
  return { type: 'Published', status: 'False', reason, message };
}
