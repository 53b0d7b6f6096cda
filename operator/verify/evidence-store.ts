/** Where evidence is kept. A status is never trusted as input; this is what the operator believes instead. */
import type { SenderEvidence } from '../core/model.ts';

export interface EvidenceStore {
  /** By `NAMESPACE/NAME` of the VerifiedSender. */
  readonly of: (sender: string) => SenderEvidence | undefined;
  /** Replaces some parts, and leaves the others. Resolves once that is kept; `of` may know it before. */
  readonly keep: (sender: string, parts: SenderEvidence) => Promise<void>;
  /** Forgets senders that have been gone for a while. */
  readonly tidy: (isThere: (sender: string) => boolean, now: Date) => Promise<void>;
}
