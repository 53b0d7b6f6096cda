/** One record of `status.dnsRecords`: what should be in the DNS, and what was found there. */
import type { SenderStatus } from '../../api/sender.ts';
import type { DnsEvidence } from '../model.ts';
import { describeAnswer } from './dns-proof.ts';

export type DnsRecord = NonNullable<SenderStatus['dnsRecords']>[number];

/** What to do about a record that is not there. */
export function doPublish(isForEndpoint: boolean): string {
  return isForEndpoint ? 'It is for external-dns to publish; see the condition Published.' : 'Publish it.';
}

export function stateOf(evidence: DnsEvidence | undefined): DnsRecord['state'] {
  switch (evidence?.outcome) {
    case 'found':
      return 'Found';
    case 'absent':
      return 'Missing';
    case 'mismatch':
      return 'Mismatch';
    case 'failed':
    case undefined:
      return 'Unknown';
  }
}

/** For a record that is not as it should be: what was seen instead, and when the next look is. */
export function whatWasSeen(evidence: DnsEvidence | undefined, due: string | undefined): string {
  const seen = evidence === undefined ? 'It has not been looked up yet.' : describeAnswer(evidence);
  return due === undefined ? seen : `${seen} Next look: ${due}.`;
}
