/**
 * Proof by DNS: what the evidence of look-ups means. Absent is not the same as could-not-ask: a failed look-up never
 * revokes, and a record that was there and is gone has a grace period.
 */
import type { Reason } from '../reasons.ts';
import type { Judgement } from '../conditions.ts';
import type { DnsEvidence, Lookup, ObjectMeta } from '../model.ts';
import { keyOf } from '../model.ts';
import { after, formatTime, parseTime } from '../time.ts';

/** From the first look-up that misses a record that was there to the revocation: long enough for a weekend. */
const GRACE_SECONDS = 72 * 3600;
/** Between look-ups of a record that is not as it should be: doubled each time, between these two. */
const RETRY_FIRST_SECONDS = 60;
const RETRY_MOST_SECONDS = 3600;

export interface Challenge {
  readonly recordName: string;
  readonly recordType: 'TXT';
  readonly recordValue: string;
}

export interface DnsVerdict {
  readonly judgement: Judgement;
  /** When the verdict changes with time alone. */
  readonly until?: Date;
  readonly lookup: Lookup;
  /** Of the evidence that was judged. */
  readonly lastCheckTime?: string;
}

export function challengeOf(domain: string, token: string): Challenge {
  const recordName = `_smtpplus-challenge.${domain}`;
  return { recordName, recordType: 'TXT', recordValue: `smtpplus-verification=${token}` };
}

interface Question {
  readonly meta: ObjectMeta;
  readonly challenge: Challenge;
  readonly recheckSeconds: number;
}

export function judgeEvidence(question: Question, evidence: DnsEvidence | undefined, now: Date): DnsVerdict {
  const { challenge } = question;
  const isAboutThis = evidence?.recordName === challenge.recordName && evidence.recordValue === challenge.recordValue;
  if (evidence === undefined || !isAboutThis) {
    const message = `${publish(challenge)} It has not been looked up yet.`;
    const due = parseTime(question.meta.creationTimestamp) ?? new Date(0);
    return { judgement: unverified('NotLookedUp', message), lookup: lookupOf(question, due) };
  }
  const verdict =
    evidence.foundTime === undefined && evidence.outcome !== 'found'
      ? { judgement: neverFound(challenge, evidence) }
      : onceFound(challenge, evidence, now);
  const lookup = lookupOf(question, nextLookup(question, evidence, now));
  return { ...verdict, lookup, lastCheckTime: evidence.time };
}

function neverFound(challenge: Challenge, { outcome, detail, time }: DnsEvidence): Judgement {
  switch (outcome) {
    case 'found':
    case 'absent':
      return unverified('RecordNotFound', `${publish(challenge)} It was not there at ${time}.`);
    case 'mismatch':
      return unverified('RecordMismatch', `${publish(challenge)} At ${time} the record had another value: ${detail}`);
    case 'failed':
      return unverified('LookupFailed', `${publish(challenge)} The look-up at ${time} failed: ${detail}`);
  }
}

function onceFound(challenge: Challenge, evidence: DnsEvidence, now: Date): { judgement: Judgement; until?: Date } {
  const { outcome, time, detail } = evidence;
  const found = `TXT ${challenge.recordName} proves it`;
  const missing = parseTime(evidence.missingSince);
  switch (outcome) {
    case 'found':
      return { judgement: verified('DnsProof', `${found}; last seen at ${time}.`) };
    case 'failed':
      if (missing === undefined) {
        return { judgement: verified('DnsProof', `${found}; the look-up at ${time} failed: ${detail}`) };
      }
      break;
    case 'absent':
    case 'mismatch':
      break;
  }
  const revocation = after(missing ?? parseTime(time) ?? now, GRACE_SECONDS);
  const since = evidence.missingSince ?? time;
  if (revocation <= now) {
    return { judgement: unverified('Revoked', `${publish(challenge)} It has been missing since ${since}.`) };
  }
  const reason = outcome === 'mismatch' ? 'RecordMismatch' : 'RecordNotFound';
  const deadline = `It has been missing since ${since}; mail from this sender stops at ${formatTime(revocation)}.`;
  return { judgement: verified(reason, `${publish(challenge)} ${deadline}`), until: revocation };
}

function nextLookup({ recheckSeconds }: Question, { outcome, attempts, time }: DnsEvidence, now: Date): Date {
  const retry = Math.min(RETRY_FIRST_SECONDS * 2 ** Math.max(0, attempts - 1), RETRY_MOST_SECONDS);
  return after(parseTime(time) ?? now, outcome === 'found' ? recheckSeconds : retry);
}

function lookupOf({ meta, challenge }: Question, due: Date): Lookup {
  const { recordName, recordValue } = challenge;
  return { sender: keyOf(meta), recordName, recordValue, due: formatTime(due) };
}

/** The thing to do, as people copy it into their zone. */
function publish(challenge: Challenge): string {
  return `Publish ${describe(challenge)}`;
}

export function describe({ recordName, recordType, recordValue }: Challenge): string {
  return `${recordType} ${recordName} with the value "${recordValue}".`;
}

function verified(reason: Reason, message: string): Judgement {
  return { type: 'Verified', status: 'True', reason, message };
}

function unverified(reason: Reason, message: string): Judgement {
  return { type: 'Verified', status: 'False', reason, message };
}
