/**
 * Proof by DNS: what the evidence of look-ups means, and when the next one is due. "Absent" differs from "could not
 * ask": a failed look-up never revokes anything, and a record that was there and is gone has a grace period.
 */
import type { ConditionReason } from '../reasons.ts';
import { withNote, type Judgement } from '../conditions.ts';
import type { DnsEvidence, ObjectMeta } from '../model.ts';
import type { Lookup } from './look-ups.ts';
import { keyOf } from '../model.ts';
import { missedFrom } from './lost-evidence.ts';
import { CHECK_NOW_ANNOTATION } from '../names.ts';
import { after, formatTime, parseTime } from '../time.ts';

/** Between look-ups of a record that is not as it should be: doubled each time, between these two. */
const RETRY_FIRST_SECONDS = 30;
const RETRY_MOST_SECONDS = 3600;
/** Whoever has not published it by then has other things to do: it is looked up this rarely, until somebody says so. */
const OVERDUE_SECONDS = 7 * 24 * 3600;
const OVERDUE_RETRY_SECONDS = 24 * 3600;
/** Part of `recheckInterval`: what was verified together is not asked again together. */
const JITTER = 0.1;
/** Length of the annotation: enough for a time or a number. */
const TOUCH_LENGTH = 64;

export interface DnsChallenge {
  readonly recordName: string;
  readonly recordType: 'TXT';
  readonly recordValue: string;
}

export interface DnsVerdict {
  readonly judgement: Judgement;
  /** When the verdict changes with time alone. */
  readonly until?: Date;
  readonly lookup: Lookup;
  /** Nobody knows: the evidence is lost, or there never was an answer. */
  readonly isUnchecked?: true;
  /** What was known is lost: it may have been verified, so that mail has to wait. */
  readonly isLost?: true;
  /** When the evidence was gathered that was judged. */
  readonly lastCheckTime?: string;
}

export function challengeOf(domain: string, token: string): DnsChallenge {
  const recordName = `_smtpplus-challenge.${domain}`;
  return { recordName, recordType: 'TXT', recordValue: `smtpplus-verification=${token}` };
}

interface Question {
  readonly meta: ObjectMeta;
  readonly challenge: DnsChallenge;
  readonly recheckSeconds: number;
  readonly graceSeconds: number;
  /** Somebody vouches for it: nobody waits for the record. */
  readonly isVouchedFor: boolean;
  /** When the record came to be needed, where that is not since it is missing. */
  readonly since: Date | undefined;
  /** It was proven, as its status has it. */
  readonly wasProven: boolean;
}

export function judgeEvidence(question: Question, evidence: DnsEvidence | undefined, now: Date): DnsVerdict {
  const { challenge } = question;
  if (!isAbout(evidence, challenge)) return unknown(question, now);
  const due = nextLookup(question, evidence, now);
  const refusal = refusalAfterLoss(question, evidence);
  const isWaiting = refusal !== undefined && refusal > now;
  const isUnchecked = isWaiting || isUnanswered(question, evidence);
  const verdict = judgeAnswer(question, evidence, { now, due });
  return {
    ...verdict,
    ...(isWaiting && { judgement: withNote(verdict.judgement, lossNote(refusal)), until: refusal }),
    lookup: lookupOf(question, due),
    lastCheckTime: evidence.time,
    ...(isUnchecked && { isUnchecked }),
    ...(isUnchecked && refusal !== undefined && { isLost: true }),
  };
}

/** What was found of another name, or looking for another value, says nothing. */
export function isAbout(
  evidence: DnsEvidence | undefined,
  { recordName, recordValue }: Pick<Lookup, 'recordName' | 'recordValue'>,
): evidence is DnsEvidence {
  return evidence?.recordName === recordName && evidence.recordValue === recordValue;
}

function unknown(question: Question, now: Date): DnsVerdict {
  const { meta, challenge, wasProven } = question;
  const publishIt = doPublish(challenge);
  const judgement = wasProven
    ? unverified('EvidenceLost', `What proved it is lost, and is about to be looked up again. ${publishIt}`)
    : unverified('NotLookedUp', `${publishIt} It has not been looked up yet.`);
  const lookup = lookupOf(question, parseTime(meta.creationTimestamp) ?? new Date(0));
  const verdict = {
    judgement,
    lookup: wasProven ? { ...lookup, isLost: true as const } : lookup,
    isUnchecked: true,
  } as const;
  const missed = missedFrom(meta);
  return missed <= now ? { ...verdict, isLost: true } : { ...verdict, until: missed };
}

/** A record that is not there after a loss may have been missing for a while only: until then mail has to wait. */
function refusalAfterLoss({ graceSeconds }: Question, { lostTime }: DnsEvidence): Date | undefined {
  const lost = parseTime(lostTime);
  return lost && after(lost, graceSeconds);
}

/** What is said to a sender about which nothing is known from now on. */
export function lossNote(refusal: Date): string {
  return `What proved it was lost; relays ask clients to try again, and refuse its mail from ${formatTime(refusal)}.`;
}

/** After a loss of evidence, name servers that are down must not revoke what was verified; only for so long, though. */
function isUnanswered(question: Question, evidence: DnsEvidence): boolean {
  return evidence.outcome === 'failed' && evidence.isAnswered !== true && !isOverdue(question, evidence);
}

interface Times {
  readonly now: Date;
  /** When the next look-up is due. */
  readonly due: Date;
}

function judgeAnswer(
  question: Question,
  evidence: DnsEvidence,
  times: Times,
): { readonly judgement: Judgement; readonly until?: Date } {
  if (evidence.outcome !== 'found' && evidence.foundTime === undefined) {
    return { judgement: neverFound(question, evidence, times) };
  }
  return onceFound(question, evidence, times);
}

function neverFound(question: Question, evidence: DnsEvidence, { due }: Times): Judgement {
  const seen = `${doPublish(question.challenge)} ${describeAnswer(evidence)}`;
  if (isOverdue(question, evidence)) {
    const touch = `annotate it with ${CHECK_NOW_ANNOTATION} when the record is there`;
    return unverified('ProofOverdue', `${seen} It is looked up once a day by now; ${touch}.`);
  }
  return unverified(reasonOf(evidence), `${seen} ${next(due)}`);
}

function onceFound(
  { challenge, graceSeconds }: Question,
  evidence: DnsEvidence,
  { now, due }: Times,
): { judgement: Judgement; until?: Date } {
  const { outcome, time, detail } = evidence;
  const found = `TXT ${challenge.recordName} proves it`;
  if (outcome === 'found') return { judgement: verified('DnsProof', `${found}; last seen at ${time}.`) };
  const missing = parseTime(evidence.missingSince);
  if (outcome === 'failed' && missing === undefined) {
    const failure = `the look-up at ${time} failed, which changes nothing: ${detail}.`;
    return { judgement: verified('DnsProof', `${found}; ${failure} ${next(due)}`) };
  }
  const revocation = after(missing ?? parseTime(time) ?? now, graceSeconds);
  const since = `It has been missing since ${evidence.missingSince ?? time}`;
  const seen = `${doPublish(challenge)} ${describeAnswer(evidence)}`;
  if (revocation <= now) return { judgement: unverified('Revoked', `${seen} ${since}. ${next(due)}`) };
  const deadline = `${since}; mail from this sender stops at ${formatTime(revocation)}.`;
  return { judgement: verified(reasonOf(evidence), `${seen} ${deadline} ${next(due)}`), until: revocation };
}

function reasonOf({ outcome }: DnsEvidence): ConditionReason {
  switch (outcome) {
    case 'found':
      return 'DnsProof';
    case 'absent':
      return 'RecordNotFound';
    case 'mismatch':
      return 'RecordMismatch';
    case 'failed':
      return 'LookupFailed';
  }
}

/** What the last look-up saw, in a sentence. */
export function describeAnswer({ outcome, time, detail }: DnsEvidence): string {
  switch (outcome) {
    case 'found':
      return `It was there at ${time}.`;
    case 'absent':
      return `It was not there at ${time}: ${detail}.`;
    case 'mismatch':
      return `At ${time} there was another value: ${detail}.`;
    case 'failed':
      return `The look-up at ${time} failed: ${detail}.`;
  }
}

function next(due: Date): string {
  return `Next look: ${formatTime(due)}.`;
}

/** Not found for so long that nobody seems to be at it. */
function isOverdue({ since: needed }: Pick<Question, 'since'>, { outcome, since, time }: DnsEvidence): boolean {
  const missed = Math.max(Date.parse(since), needed?.getTime() ?? 0);
  const seconds = (Date.parse(time) - missed) / 1000;
  return outcome !== 'found' && seconds >= OVERDUE_SECONDS;
}

/** When a record that was looked up is to be looked up again. */
export function nextLookup(
  question: Pick<Question, 'meta' | 'recheckSeconds' | 'isVouchedFor' | 'since'>,
  evidence: DnsEvidence,
  now: Date,
): Date {
  const { meta, recheckSeconds, isVouchedFor } = question;
  const last = parseTime(evidence.time) ?? now;
  if (touchOf(meta) !== evidence.touched) return last;
  const isNoHurry = evidence.outcome === 'found' || isVouchedFor;
  if (isNoHurry) return after(last, recheckSeconds * (1 - JITTER + 2 * JITTER * evidence.jitter));
  if (isOverdue(question, evidence)) return after(last, OVERDUE_RETRY_SECONDS);
  const doubled = RETRY_FIRST_SECONDS * 2 ** Math.max(0, evidence.attempts - 1);
  return after(last, Math.min(doubled, RETRY_MOST_SECONDS));
}

function lookupOf({ meta, challenge }: Question, due: Date): Lookup {
  const { recordName, recordValue } = challenge;
  const touched = touchOf(meta);
  const lookup = { sender: keyOf(meta), recordName, recordValue, due: formatTime(due) };
  return touched === undefined ? lookup : { ...lookup, touched };
}

/** Whatever somebody writes there that was not there at the last look-up asks for one. */
export function touchOf({ annotations }: ObjectMeta): string | undefined {
  return annotations[CHECK_NOW_ANNOTATION]?.slice(0, TOUCH_LENGTH);
}

function doPublish(challenge: DnsChallenge): string {
  return `P${publish(challenge).slice(1)}.`;
}

/** The thing to do, as people copy it into their zone. */
export function publish({ recordName, recordType, recordValue }: DnsChallenge): string {
  return `publish ${recordType} ${recordName} with the value "${recordValue}"`;
}

function verified(reason: ConditionReason, message: string): Judgement {
  return { type: 'Verified', status: 'True', reason, message };
}

function unverified(reason: ConditionReason, message: string): Judgement {
  return { type: 'Verified', status: 'False', reason, message };
}
