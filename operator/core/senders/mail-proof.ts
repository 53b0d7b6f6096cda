/**
 * Proof by mail: what is known about the challenge means, and whether a mail should be sent. One is sent without being
 * asked for when an address is first seen; for every further one somebody has to ask, so that no machine fills
 * anybody's mailbox.
 */
import { withNote, type Judgement } from '../conditions.ts';
import {
  KEPT_SECONDS,
  WRONG_CODES_MAX,
  type MailChallenge,
  type MailEvidence,
  type MailProof,
  type MailTrouble,
  type MailVerification,
  type MailWish,
} from '../mail-evidence.ts';
import { keyOf, type Issuer, type ObjectMeta } from '../model.ts';
import { RESEND_ANNOTATION } from '../names.ts';
import type { ConditionReason } from '../reasons.ts';
import { lossNote } from './dns-proof.ts';
import { after, earliestAfter, formatTime, parseTime } from '../time.ts';

/** Length of the annotation: enough for a time or a number. */
const RESEND_LENGTH = 64;

export interface MailQuestion {
  readonly meta: ObjectMeta;
  readonly address: string;
  /** `spec.email.code`. */
  readonly code: string | undefined;
  /** Whether a mail is sent without anybody asking for one. */
  readonly isNeeded: boolean;
  /** A domain of its namespace that would cover it, and is about to be looked up. */
  readonly mayBeCovered: string | undefined;
  /** It was proven, as its status has it. */
  readonly wasProven: boolean;
  readonly graceSeconds: number;
  readonly verification: MailVerification;
  readonly codeHash: Issuer['codeHash'];
}

export interface MailVerdict {
  readonly judgement: Judgement;
  readonly wish: MailWish;
  readonly method?: 'EmailProof';
  readonly challenge?: { readonly sentTime: string; readonly expiryTime: string };
  /** What was known is lost: it may have been verified, so that mail has to wait. */
  readonly isUnchecked?: true;
  readonly isLost?: true;
  /** When the verdict changes with time alone. */
  readonly until?: Date;
}

export function judgeMail(question: MailQuestion, known: MailEvidence | undefined, now: Date): MailVerdict {
  const evidence = isForgotten(known, now) ? undefined : known;
  const wish = { sender: keyOf(question.meta), key: `${question.meta.namespace}/${question.address}` };
  const verdict: MailVerdict =
    evidence?.proof === undefined
      ? afterLoss(question, evidence, { verdict: judgeOpen(question, evidence, { wish, now }), now })
      : { judgement: proven(question, evidence.proof), wish, method: 'EmailProof' };
  const until = earliestAfter(now, [verdict.until, forgetTime(evidence)]);
  return { ...verdict, ...(until !== undefined && { until }) };
}

function proven({ address }: MailQuestion, { by, time }: MailProof): Judgement {
  const how = by === 'Link' ? 'the link' : 'the code';
  return judgement('True', 'EmailProof', `${address} is proven by ${how} of a mail to it, confirmed at ${time}.`);
}

/** Where the proof is lost, mail has to wait for the next one, as long as a record may be missing. */
function afterLoss(
  { address, wasProven, graceSeconds }: MailQuestion,
  evidence: MailEvidence | undefined,
  { verdict, now }: { readonly verdict: MailVerdict; readonly now: Date },
): MailVerdict {
  const lost = { isUnchecked: true, isLost: true } as const;
  if (evidence === undefined && wasProven) {
    const message = `What proved ${address} is lost. ${verdict.judgement.message}`;
    const wish = { ...verdict.wish, isLost: true } as const;
    return { ...verdict, judgement: judgement('False', 'EvidenceLost', message), wish, ...lost };
  }
  const lostTime = parseTime(evidence?.lostTime);
  const refusal = lostTime && after(lostTime, graceSeconds);
  if (refusal === undefined || refusal <= now) return verdict;
  const until = earliestAfter(now, [verdict.until, refusal]) ?? refusal;
  return { ...verdict, judgement: withNote(verdict.judgement, lossNote(refusal)), ...lost, until };
}

/** Proof and challenge end with the last object, or nearly so; what was sent is remembered for a day, for the limits. */
function isForgotten(evidence: MailEvidence | undefined, now: Date): boolean {
  const time = forgetTime(evidence);
  return time !== undefined && time <= now;
}

function forgetTime(evidence: MailEvidence | undefined): Date | undefined {
  const gone = parseTime(evidence?.goneSince);
  return gone && after(gone, KEPT_SECONDS);
}

function judgeOpen(
  question: MailQuestion,
  evidence: MailEvidence | undefined,
  { wish, now }: { readonly wish: MailWish; readonly now: Date },
): MailVerdict {
  const { trouble } = evidence ?? {};
  const challenge = sent(evidence?.challenge);
  const resend = resendOf(question.meta, evidence);
  const isDue = (question.isNeeded && challenge === undefined) || trouble !== undefined || resend !== undefined;
  const hash = challenge && codeHashOf(question, challenge);
  const isOpen = challenge !== undefined && !isVoid(challenge) && !isExpired(challenge, now);
  const isToTry = isOpen && hash !== undefined && !challenge.wrongCodes.includes(hash);
  const state = isDue ? undelivered(question, challenge, trouble) : undefined;
  const verdict =
    challenge === undefined ? aboutToBeSent(question) : judgeChallenge(question, challenge, { hash, now });
  const expiry = isOpen ? parseTime(challenge.expiryTime) : undefined;
  return {
    // a challenge that can still be met counts by itself; for one that cannot, what becomes of the next does
    judgement: isOpen
      ? withNote(verdict, state?.message ?? '')
      : (state ?? (isDue ? aboutToBeSent(question) : verdict)),
    wish: {
      ...wish,
      ...(isDue && { due: dueOf(trouble, resend) }),
      ...(evidence?.challenge !== undefined && { instead: evidence.challenge.linkHash }),
      ...(resend !== undefined && { resend }),
      ...(isToTry && question.code !== undefined && { code: question.code }),
    },
    ...(challenge !== undefined && { challenge: { sentTime: challenge.sentTime, expiryTime: challenge.expiryTime } }),
    ...(expiry !== undefined && { until: expiry }),
  };
}

type SentChallenge = MailChallenge & { readonly sentTime: string };

function sent(challenge: MailChallenge | undefined): SentChallenge | undefined {
  const sentTime = challenge?.sentTime;
  return challenge === undefined || sentTime === undefined ? undefined : { ...challenge, sentTime };
}

/** At once, unless it has been tried: whoever asks for a mail need not wait for the next try, but a limit is a limit. */
function dueOf(trouble: MailTrouble | undefined, resend: string | undefined): string {
  if (trouble === undefined || (resend !== undefined && trouble.limit === undefined)) return formatTime(new Date(0));
  return trouble.retryTime;
}

function judgeChallenge(
  question: MailQuestion,
  challenge: SentChallenge,
  { hash, now }: { readonly hash: string | undefined; readonly now: Date },
): Judgement {
  const { address } = question;
  const { sentTime, expiryTime, wrongCodes } = challenge;
  const mail = `the mail to ${address} of ${sentTime}`;
  if (isVoid(challenge)) {
    const message = `${WRONG_CODES_MAX} wrong codes were tried, so that link and code of ${mail} are void; ${another}.`;
    return judgement('False', 'TooManyWrongCodes', message);
  }
  if (isExpired(challenge, now)) {
    return judgement('False', 'CodeExpired', `Link and code of ${mail} expired at ${expiryTime}; ${another}.`);
  }
  if (hash !== undefined && wrongCodes.includes(hash)) {
    const left = WRONG_CODES_MAX - wrongCodes.length;
    const message = `spec.email.code is not the code of ${mail}; ${left} more may be tried. ${whatToDo(question, expiryTime)}`;
    return judgement('False', 'WrongCode', message);
  }
  const message = `A mail was sent to ${address} at ${sentTime}. ${whatToDo(question, expiryTime)} If it has not arrived, ${another}.`;
  return judgement('False', 'Pending', message);
}

const another = `annotate this object with ${RESEND_ANNOTATION} and a new value to have another one sent`;

function whatToDo({ verification }: MailQuestion, expiryTime: string): string {
  const code = 'put its code into spec.email.code';
  const how = verification.hasPage ? `Open the link in it and confirm, or ${code},` : upperFirst(code);
  return `${how} before ${expiryTime}.`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function aboutToBeSent({ address, mayBeCovered }: MailQuestion): Judgement {
  if (mayBeCovered !== undefined) {
    const message = `VerifiedSender ${mayBeCovered} would cover it, and is about to be looked up. If it is not verified, a mail to ${address} is sent.`;
    return judgement('False', 'NotLookedUp', message);
  }
  return judgement(
    'False',
    'MailNotSentYet',
    `A mail to ${address} is about to be sent; its link or its code proves the address.`,
  );
}

/** Why the mail that is due is not out; undefined: it is about to be. */
function undelivered(
  { address }: MailQuestion,
  challenge: MailChallenge | undefined,
  trouble: MailTrouble | undefined,
): Judgement | undefined {
  if (trouble === undefined) return undefined;
  const which = challenge === undefined ? 'The mail' : 'Another mail';
  const next = `Next try: ${trouble.retryTime}.`;
  if (trouble.limit !== undefined) {
    return judgement('False', 'MailLimitReached', `${which} to ${address} has to wait: ${trouble.message}. ${next}`);
  }
  return judgement('False', 'MailNotSent', `${which} to ${address} could not be sent: ${trouble.message}. ${next}`);
}

function isVoid({ wrongCodes }: MailChallenge): boolean {
  return wrongCodes.length >= WRONG_CODES_MAX;
}

function isExpired({ expiryTime }: MailChallenge, now: Date): boolean {
  return (parseTime(expiryTime) ?? now) <= now;
}

function codeHashOf({ meta, address, code, codeHash }: MailQuestion, { linkHash }: MailChallenge): string | undefined {
  return code === undefined ? undefined : codeHash(`${meta.namespace}/${address}`, linkHash, code);
}

/** A value that nobody has heeded yet. */
function resendOf({ annotations }: ObjectMeta, evidence: MailEvidence | undefined): string | undefined {
  const value = annotations[RESEND_ANNOTATION]?.slice(0, RESEND_LENGTH);
  return value === undefined || evidence?.heeded.includes(value) === true ? undefined : value;
}

function judgement(status: Judgement['status'], reason: ConditionReason, message: string): Judgement {
  return { type: 'Verified', status, reason, message };
}
