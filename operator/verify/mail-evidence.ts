/** What is known about a proof by mail: how it is kept, and what it is after each step. */
import { z } from 'zod';
import {
  KEPT_SECONDS,
  WRONG_CODES_MAX,
  type MailChallenge,
  type MailEvidence,
  type MailProof,
  type MailTrouble,
} from '../core/mail-evidence.ts';
import { after, formatTime } from '../core/time.ts';

const time = z.iso.datetime();
/** In what somebody else has written there. */
const HASHES_MAX = 64;

/** What does not parse is as good as lost: the address is to be proven again. */
export const mailEvidenceSchema: z.ZodType<MailEvidence> = z.object({
  challenge: z
    .object({
      linkHash: z.string(),
      codeHash: z.string(),
      sentTime: time.optional(),
      expiryTime: time,
      wrongCodes: z.array(z.string()).max(HASHES_MAX).default([]),
    })
    .optional(),
  proof: z.object({ time, by: z.enum(['Link', 'Code']), linkHash: z.string() }).optional(),
  mails: z.array(time).max(HASHES_MAX).default([]),
  heeded: z.array(z.string()).max(HASHES_MAX).default([]),
  trouble: z
    .object({
      limit: z.enum(['Address', 'Namespace', 'Total']).optional(),
      message: z.string(),
      retryTime: time,
      attempts: z.number().int().min(0),
    })
    .optional(),
  goneSince: time.optional(),
  lostTime: time.optional(),
});

export const NOTHING_KNOWN: MailEvidence = { mails: [], heeded: [] };

const DAY_SECONDS = 24 * 3600;
/** How long link and code are good. */
const EXPIRY_SECONDS = DAY_SECONDS;
/** Values of the annotation that are remembered. */
const HEEDED_MAX = 20;
const RETRY_FIRST_SECONDS = 15;
const RETRY_MOST_SECONDS = 3600;

/** Those mails that count for the limits: the ones of the last day. */
export function recent(mails: readonly string[], now: Date): string[] {
  return mails.filter((one) => after(new Date(one), DAY_SECONDS) > now);
}

/** A mail is wanted since what was known is lost. */
export function afterLoss(evidence: MailEvidence, now: Date): MailEvidence {
  return evidence.lostTime === undefined ? { ...evidence, lostTime: formatTime(now) } : evidence;
}

/** A mail is about to leave: from here on it counts, whatever becomes of it, and only its link and code are good. */
export function beforeMail(
  evidence: MailEvidence,
  hashes: Pick<MailChallenge, 'linkHash' | 'codeHash'>,
  { resend, now }: { readonly resend: readonly string[]; readonly now: Date },
): MailEvidence {
  return {
    ...evidence,
    challenge: { ...hashes, expiryTime: formatTime(after(now, EXPIRY_SECONDS)), wrongCodes: [] },
    mails: [...recent(evidence.mails, now), formatTime(now)],
    heeded: [...evidence.heeded.filter((one) => !resend.includes(one)), ...resend].slice(-HEEDED_MAX),
  };
}

export function afterMail(evidence: MailEvidence, now: Date): MailEvidence {
  const { challenge } = evidence;
  return { ...evidence, challenge: challenge && { ...challenge, sentTime: formatTime(now) }, trouble: undefined };
}

/** The relay did not take it: it counts for nothing. */
export function afterFailure(evidence: MailEvidence, message: string, now: Date): MailEvidence {
  const attempts = (evidence.trouble?.attempts ?? 0) + 1;
  const seconds = Math.min(RETRY_FIRST_SECONDS * 2 ** (attempts - 1), RETRY_MOST_SECONDS);
  const trouble = { message, retryTime: formatTime(after(now, seconds)), attempts };
  return { ...evidence, mails: evidence.mails.slice(0, -1), trouble };
}

export function afterRefusal(
  evidence: MailEvidence,
  refusal: Required<Pick<MailTrouble, 'limit'>> & Pick<MailTrouble, 'message' | 'retryTime'>,
): MailEvidence {
  return { ...evidence, trouble: { ...refusal, attempts: evidence.trouble?.attempts ?? 0 } };
}

/** Whether its link or its code can still prove anything. */
export function isOpen(evidence: MailEvidence | undefined, now: Date): boolean {
  const { challenge, proof } = evidence ?? {};
  if (challenge === undefined || proof !== undefined) return false;
  return new Date(challenge.expiryTime) > now && challenge.wrongCodes.length < WRONG_CODES_MAX;
}

/** The link of the open challenge was confirmed, or its code was given. */
export function afterProof(evidence: MailEvidence, by: MailProof['by'], now: Date): MailEvidence {
  const { challenge } = evidence;
  if (challenge === undefined) return evidence;
  const proof = { time: formatTime(now), by, linkHash: challenge.linkHash };
  return { ...evidence, proof, challenge: undefined, trouble: undefined, lostTime: undefined };
}

export function afterWrongCode(evidence: MailEvidence, codeHash: string): MailEvidence {
  const { challenge } = evidence;
  if (challenge === undefined || challenge.wrongCodes.includes(codeHash)) return evidence;
  return { ...evidence, challenge: { ...challenge, wrongCodes: [...challenge.wrongCodes, codeHash] } };
}

export function afterDeparture(evidence: MailEvidence, now: Date): MailEvidence {
  return evidence.goneSince === undefined ? { ...evidence, goneSince: formatTime(now) } : evidence;
}

/** The address is named again: after too long, as if for the first time, but for the mails that it has had. */
export function afterReturn(evidence: MailEvidence, now: Date): MailEvidence {
  if (evidence.goneSince === undefined) return evidence;
  if (!isPast(evidence, now)) return { ...evidence, goneSince: undefined };
  return {
    mails: recent(evidence.mails, now),
    heeded: [],
    challenge: undefined,
    proof: undefined,
    trouble: undefined,
    goneSince: undefined,
    lostTime: undefined,
  };
}

/** Gone for so long that its proof no longer counts. */
function isPast({ goneSince }: MailEvidence, now: Date): boolean {
  return goneSince !== undefined && after(new Date(goneSince), KEPT_SECONDS) <= now;
}

/** Nothing of it matters any more where nobody names the address, not even for the limits. */
export function isForgettable(evidence: MailEvidence, now: Date): boolean {
  const hasNothing = evidence.proof === undefined && evidence.challenge === undefined;
  return (hasNothing || isPast(evidence, now)) && recent(evidence.mails, now).length === 0;
}
