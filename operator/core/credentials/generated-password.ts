import { durationSeconds } from '../../api/duration.ts';
import type { UserSpec } from '../../api/user.ts';
import {
  adopted,
  credentialsReady,
  earliestEnd,
  notReady,
  waiting,
  type CredentialsOwner,
  type CredentialsVerdict,
  type Holding,
  type Notice,
} from './credentials-verdict.ts';
import type { EndingPassword, PasswordRecord } from './password-record.ts';
import { CREDENTIALS_ANNOTATION } from '../names.ts';
import { after, formatTime, parseTime } from '../time.ts';
import type { UserCircumstances } from '../users/circumstances.ts';
import { endingPasswords } from './valid-passwords.ts';

type Rotation = UserSpec['credentials']['rotation'];
type Around = Pick<UserCircumstances, 'platform' | 'now'>;

/** A generated password: the one in the Secret, where it was issued and its time has not come. */
export function generatedPassword(owner: CredentialsOwner, holding: Holding, around: Around): CredentialsVerdict {
  const { meta, spec, secretName, hasServer } = owner;
  const { overlapSeconds, valid, isAdopted } = holding;
  const { now } = around;
  const { rotation } = spec.credentials;
  const where = `Secret ${meta.namespace}/${secretName}`;
  const endingBeside = (...inForce: readonly string[]): readonly EndingPassword[] =>
    endingPasswords(valid, { inForce, now, overlapSeconds });
  const found = lookInto(holding, owner, around);
  if (found.kind === 'kept' || (found.kind === 'due' && !hasServer)) {
    const { password, record, verifier } = found;
    const issued = formatTime(earlier(parseTime(record.issued), now));
    const kept = { ...record, issued, verifier, previous: endingBeside(verifier, record.verifier) };
    const verdict = verdictOf(rotation, { password, record: kept }, { where, now });
    return isAdopted && hasServer ? { ...verdict, notice: adopted(where, 'the password that it held') } : verdict;
  }
  if (!hasServer) {
    const message = `The relay class has no port to show to users yet; ${where} is written as soon as it has one.`;
    return waiting(notReady('NoEndpoint', message), endingBeside(), now);
  }
  const made = around.platform.issuer.newPassword(meta);
  const record: PasswordRecord = {
    verifier: made.verifier,
    issued: formatTime(now),
    ...(rotation?.trigger !== undefined && { trigger: rotation.trigger }),
    previous: endingBeside(),
  };
  const verdict = verdictOf(rotation, { password: made.password, record }, { where, now });
  // a relay accepts what stands in a Secret: until this one does, what was in force is all that anybody has
  const inForce = valid.filter(({ notAfter }) => notAfter === undefined);
  const credentials = [...inForce, ...endingBeside(...inForce.map(({ verifier }) => verifier))];
  return { ...verdict, credentials, notice: noticeOf(found.kind, where, record.previous) };
}

type Found =
  | { readonly kind: 'none' }
  /** Nobody knows what was issued: it may be a password that a person chose. */
  | { readonly kind: 'unrecorded' }
  /** The user had a passwordSecretRef before. */
  | { readonly kind: 'chosen' }
  /** The password is not the one that was issued, or the record is not ours. */
  | { readonly kind: 'edited' }
  /** So is that in a Secret that nobody owned. */
  | { readonly kind: 'strange' }
  /** `verifier` is the one for this object, where the Secret was made for one before it. */
  | {
      readonly kind: 'due' | 'kept';
      readonly password: string;
      readonly record: PasswordRecord;
      readonly verifier: string;
    };

function lookInto(
  { secret, record, isAdopted, valid }: Holding,
  { meta, spec }: CredentialsOwner,
  { platform: { issuer }, now }: Around,
): Found {
  if (secret === undefined) return { kind: 'none' };
  const { rotation } = spec.credentials;
  const password = secret.data['password'] ?? '';
  if (record !== undefined && issuer.fits(password, record.verifier)) {
    const verifier = isAdopted ? (issuer.verifierOf(meta, password) ?? record.verifier) : record.verifier;
    return { kind: isDue(record, rotation, now) ? 'due' : 'kept', password, record, verifier };
  }
  // the record is lost, and the relays know the password: it is the one. When it was issued, nobody knows any more
  const verifier = issuer.verifierOf(meta, password);
  const isInForce = valid.some((one) => one.verifier === verifier && one.notAfter === undefined);
  if (verifier !== undefined && isInForce && rotation?.interval === undefined && rotation?.trigger === undefined) {
    return { kind: 'kept', password, record: { verifier, issued: formatTime(now), previous: [] }, verifier };
  }
  if (record?.verifier.startsWith('argon2id')) return { kind: 'chosen' };
  if (isAdopted) return { kind: 'strange' };
  return { kind: secret.annotations[CREDENTIALS_ANNOTATION] === undefined ? 'unrecorded' : 'edited' };
}

function isDue(record: PasswordRecord, rotation: Rotation, now: Date): boolean {
  if (rotation?.trigger !== undefined && rotation.trigger !== record.trigger) return true;
  const time = nextRotation(record, rotation);
  return time !== undefined && time <= now;
}

function nextRotation({ issued }: PasswordRecord, rotation: Rotation): Date | undefined {
  const time = parseTime(issued);
  if (rotation?.interval === undefined || time === undefined) return undefined;
  return after(time, durationSeconds(rotation.interval));
}

function earlier(time: Date | undefined, bound: Date): Date {
  return time !== undefined && time < bound ? time : bound;
}

function verdictOf(
  rotation: Rotation,
  { password, record }: { readonly password: string; readonly record: PasswordRecord },
  { where, now }: { readonly where: string; readonly now: Date },
): CredentialsVerdict {
  const next = nextRotation(record, rotation);
  const until = earliestEnd(record.previous, now, next);
  return {
    judgement: credentialsReady(`${where} has the credentials.`, record.previous),
    credentials: [{ verifier: record.verifier }, ...record.previous],
    password,
    record,
    issued: record.issued,
    ...(next !== undefined && { nextRotation: formatTime(next) }),
    ...(until !== undefined && { until }),
  };
}

const NOTICES = {
  none: { type: 'Warning', reason: 'PasswordReissued', what: 'was not there; it was made with a new password' },
  unrecorded: {
    type: 'Normal',
    reason: 'PasswordIssued',
    what: 'has a generated password now, as there was no record of one',
  },
  chosen: { type: 'Normal', reason: 'PasswordIssued', what: 'has a generated password now, no longer a chosen one' },
  edited: {
    type: 'Warning',
    reason: 'PasswordRepaired',
    what: 'did not have the password that the operator had issued; it has a new one now',
  },
  strange: {
    type: 'Warning',
    reason: 'PasswordReissued',
    what: 'had no owner, as after a restore, or when a user is created again, and its password is not known to be one that this installation issued to this user; it has a new one now',
  },
  due: { type: 'Normal', reason: 'PasswordRotated', what: 'has a new password' },
} as const;

function noticeOf(kind: keyof typeof NOTICES, where: string, [last]: readonly EndingPassword[]): Notice {
  const { type, reason, what } = NOTICES[kind];
  const end = last === undefined ? 'is not valid any more' : `is valid until ${last.notAfter}`;
  const message = `${where} ${what}; the password that was valid before ${end}.`;
  return { type, reason, message, ...(kind === 'none' && { isNewsOnlyAgain: true }) };
}
