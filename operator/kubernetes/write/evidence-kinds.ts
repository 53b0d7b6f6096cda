/** What is kept as evidence, and under which names. */
import type { z } from 'zod';
import { GROUP } from '../../api/common.ts';
import type { SenderEvidence } from '../../core/model.ts';
import type { DkimKeys } from '../../core/senders/dkim-model.ts';
import { keysSchema } from '../../verify/make-keys.ts';
import type { MailEvidence } from '../../core/mail-evidence.ts';
import { evidenceSchema } from '../../verify/evidence.ts';
import { mailEvidenceSchema } from '../../verify/mail-evidence.ts';

export interface EvidenceKind<Entry> {
  /** Prefix of the names of its Secrets: `PREFIX-NN`. */
  readonly prefix: string;
  readonly label: string;
  readonly schema: z.ZodType<Entry>;
  /** How many Secrets: each takes 1 MiB. */
  readonly shards: number;
  /** What becomes of an entry that is lost, for people. */
  readonly onLoss: string;
}

export const MAIL_EVIDENCE: EvidenceKind<MailEvidence> = {
  prefix: 'smtp-plus-mail-proofs',
  shards: 32,
  label: `${GROUP}/mail-proofs`,
  schema: mailEvidenceSchema,
  onLoss: 'the addresses that it has lost have to be proven again',
};

export const SENDER_EVIDENCE: EvidenceKind<SenderEvidence> = {
  prefix: 'smtp-plus-evidence',
  label: `${GROUP}/evidence`,
  schema: evidenceSchema,
  shards: 32,
  onLoss: 'the senders that it has lost are looked up again',
};

/**
 * Apart from what is found by look-ups, which is written often. A domain takes 2 KB, and twice that while its keys
 * change.
 */
export const SIGNING_KEYS: EvidenceKind<DkimKeys> = {
  prefix: 'smtp-plus-dkim',
  label: `${GROUP}/dkim`,
  schema: keysSchema,
  shards: 128,
  onLoss:
    'new keys are made for the senders that it has lost, and their mail goes out unsigned until those are in the DNS',
};
