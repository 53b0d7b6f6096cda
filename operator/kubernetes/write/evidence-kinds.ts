/** What is kept as evidence, and under which names. */
import type { z } from 'zod';
import { GROUP } from '../../api/common.ts';
import type { SenderEvidence } from '../../core/model.ts';
import { evidenceSchema } from '../../verify/evidence.ts';

export interface EvidenceKind<Entry> {
  /** Of its Secrets: `PREFIX-NN`. */
  readonly prefix: string;
  readonly label: string;
  readonly schema: z.ZodType<Entry>;
  /** What becomes of an entry that is lost, for people. */
  readonly onLoss: string;
}

export const SENDER_EVIDENCE: EvidenceKind<SenderEvidence> = {
  prefix: 'smtp-plus-evidence',
  label: `${GROUP}/evidence`,
  schema: evidenceSchema,
  onLoss: 'the senders that it has lost are looked up again',
};
