/**
 * Which passwords of a user are valid now, and when those end that give way to another. What was valid stays so for the
 * overlap, whatever has become of the Secret that it was in: an application that is running has read it there. Whoever
 * wants a password to end at once says `overlap: 0s`.
 */
import { durationSeconds } from '../../api/duration.ts';
import type { UserSpec } from '../../api/user.ts';
import { CREDENTIALS_MAX, type Credential } from '../../../relay/config/config.ts';
import type { AcceptedPasswords, Issuer, ObjectMeta } from '../model.ts';
import type { EndingPassword, PasswordRecord } from './password-record.ts';
import { after, compareText, formatTime, parseTime } from '../time.ts';

const OVERLAP_SECONDS = 24 * 3600;
/** Beside the one in force. Of more, those that end first have to go. */
const PREVIOUS_MAX = CREDENTIALS_MAX - 1;
/** Salts of argon2id among the passwords of one user: the relay pays a hash for each of them at a wrong password. */
const SLOW_SALTS_MAX = 2;

export function overlapOf(rotation: UserSpec['credentials']['rotation']): number {
  if (rotation?.overlap !== undefined) return durationSeconds(rotation.overlap);
  return Math.min(OVERLAP_SECONDS, durationSeconds(rotation?.interval ?? '24h'));
}

export interface Knowledge {
  /** What the relays were told last. */
  readonly accepted: AcceptedPasswords | undefined;
  /** What the Secret says. */
  readonly record: PasswordRecord | undefined;
  readonly issuer: Issuer;
  readonly now: Date;
}

/**
 * What the relays were told to accept, else what the record says. A record alone is not enough where the relays know better:
 * one from an old backup tells of passwords that were revoked since.
 */
export function validPasswords(user: ObjectMeta, knowledge: Knowledge): readonly Credential[] {
  const told = toldPasswords(user, knowledge);
  if (told.length > 0) return told;
  const { record, now } = knowledge;
  const recorded = record === undefined ? [] : [{ verifier: record.verifier }, ...record.previous];
  return recorded.filter((one) => isValid(one, now));
}

/**
 * What the relays were told to accept, and no more. Of a user who waits for a password its Secret still says that the last one
 * is in force: where that has ended, the record must not bring it back.
 */
export function toldPasswords(user: ObjectMeta, { accepted, record, issuer, now }: Knowledge): readonly Credential[] {
  if (accepted === undefined || !isOf(accepted, user, { record, issuer })) return [];
  const told = accepted.credentials.filter((one) => isValid(one, now));
  // a Secret is written before the relays are told which of its passwords ends when
  const ends = new Map(record?.previous.map((one) => [one.verifier, one.notAfter]));
  return told.map(({ verifier, notAfter }) => {
    const end = first(notAfter, ends.get(verifier));
    return end === undefined ? { verifier } : { verifier, notAfter: end };
  });
}

/** A user that was deleted and made anew under the same name has none of the passwords of before. */
function isOf(
  { uid, credentials }: AcceptedPasswords,
  user: ObjectMeta,
  { record, issuer }: Pick<Knowledge, 'record' | 'issuer'>,
): boolean {
  if (uid !== undefined) return uid === user.uid;
  return credentials.some(({ verifier }) => verifier === record?.verifier || issuer.isFor(user, verifier));
}

/** The passwords that give way now or have before, each with its first end: it is not put off by a further change. */
export function endingPasswords(
  valid: readonly Credential[],
  { inForce, now, overlapSeconds }: { inForce: readonly string[]; now: Date; overlapSeconds: number },
): readonly EndingPassword[] {
  const last = formatTime(after(now, overlapSeconds));
  const ending = valid
    .filter(({ verifier }) => !inForce.includes(verifier))
    .map(({ verifier, notAfter }) => ({ verifier, notAfter: first(notAfter, last) ?? last }))
    .filter((one) => isValid(one, now))
    .sort((a, b) => compareText(b.notAfter, a.notAfter));
  return withFewSalts(ending, inForce).slice(0, PREVIOUS_MAX);
}

function withFewSalts(ending: readonly EndingPassword[], inForce: readonly string[]): readonly EndingPassword[] {
  const salts = new Set(inForce.flatMap(slowSalt));
  return ending.filter(({ verifier }) => {
    const [salt] = slowSalt(verifier);
    if (salt === undefined || salts.has(salt)) return true;
    if (salts.size >= SLOW_SALTS_MAX) return false;
    salts.add(salt);
    return true;
  });
}

/** Costs and salt, without the hash. */
function slowSalt(verifier: string): readonly string[] {
  return verifier.startsWith('argon2id') ? [verifier.slice(0, verifier.lastIndexOf('$'))] : [];
}

function isValid({ notAfter }: Credential, now: Date): boolean {
  const end = parseTime(notAfter);
  return notAfter === undefined || (end !== undefined && end > now);
}

/** The earlier of two times. Those of records are as somebody else may have written them. */
function first(a: string | undefined, b: string | undefined): string | undefined {
  const [timeA, timeB] = [parseTime(a), parseTime(b)];
  if (timeA === undefined || timeB === undefined) return timeA === undefined ? b : a;
  return timeA <= timeB ? a : b;
}
