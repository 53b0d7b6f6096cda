/** Where evidence is kept. A status is never trusted as input; this is what the operator believes instead. */
import type { DnsEvidence } from '../core/model.ts';

export interface EvidenceStore {
  /** By `NAMESPACE/NAME` of the VerifiedSender. */
  readonly of: (sender: string) => DnsEvidence | undefined;
  /** Resolves once it is kept; `of` may know it before. */
  readonly keep: (sender: string, evidence: DnsEvidence) => Promise<void>;
  /** Forgets senders that have been gone for a while. */
  readonly tidy: (isThere: (sender: string) => boolean, now: Date) => Promise<void>;
}
