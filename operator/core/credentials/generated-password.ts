import { durationSeconds } from '../../api/duration.ts';
import type { UserSpec } from '../../api/user.ts';
import type { Credential } from '../../../relay/config.ts';
import { credentialsReady, notReady, type CredentialsOwner, type CredentialsVerdict } from './credentials-verdict.ts';
import type { SecretView } from '../model.ts';
import { CREDENTIALS_ANNOTATION } from '../names.ts';
import { readRecord, type PasswordRecord } from './password-record.ts';
import { after, earliestAfter, formatTime, parseTime } from '../time.ts';
import type { UserCircumstances } from '../users/circumstances.ts';

/** Where a user has no `rotation` (any more): the schema's default. */
const OVERLAP_SECONDS = 24 * 3600;

type Rotation = UserSpec['credentials']['rotation'];

/** A generated password: the one in the Secret, where it is the one that was issued and its time has not come. */
export function generatedPassword(
  { meta, spec, secretName, hasServer }: CredentialsOwner,
  secret: SecretView | undefined,
  { platform, now }: Pick<UserCircumstances, 'platform' | 'now'>,
): CredentialsVerdict {
  const { rotation } = spec.credentials;
  const overlapSeconds = rotation === undefined ? OVERLAP_SECONDS : durationSeconds(rotation.overlap);
  const state = stateOf(secret, { now, overlapSeconds, rotation });
  const where = `Secret ${meta.namespace}/${secretName}`;
  if (state.kind === 'current' || (state.kind === 'due' && !hasServer))
    return verdictOf(rotation, state, { where, now });
  if (!hasServer) {
    return notReady('NoEndpoint', `The relay class tells no port yet; ${where} is written as soon as it does.`);
  }

  const made = platform.issuer.newPassword(meta);
  const record: PasswordRecord = {
    verifier: made.verifier,
    issued: formatTime(now),
    ...(rotation?.trigger !== undefined && { trigger: rotation.trigger }),
    ...(state.kind === 'due' &&
      overlapSeconds > 0 && {
        previous: { verifier: state.record.verifier, notAfter: formatTime(after(now, overlapSeconds)) },
      }),
  };
  const verdict = verdictOf(rotation, { password: made.password, record }, { where, now });
  const notice = noticeOf(state, where, record);
  // a relay accepts what stands in a Secret: a password that could not be written down there is nobody's
  const credentials = state.kind === 'due' ? credentialsOf(state.record) : [];
  return { ...verdict, credentials, ...(notice !== undefined && { notice }) };
}

type State =
  | { readonly kind: 'none' }
  /** It may be one that a person chose: the user had a passwordSecretRef before. */
  | { readonly kind: 'unrecorded' }
  /** The password is not the one that was issued, or nobody knows which one was. */
  | { readonly kind: 'edited' }
  | { readonly kind: 'due' | 'current'; readonly password: string; readonly record: PasswordRecord };

function stateOf(
  secret: SecretView | undefined,
  { now, overlapSeconds, rotation }: { now: Date; overlapSeconds: number; rotation: Rotation },
): State {
  if (secret === undefined) return { kind: 'none' };
  if (secret.annotations[CREDENTIALS_ANNOTATION] === undefined) return { kind: 'unrecorded' };
  const record = readRecord(secret.annotations, { now, overlapSeconds });
  const password = secret.data['password'];
  if (record === undefined || password === undefined || secret.verifiers['password'] !== record.verifier) {
    return { kind: 'edited' };
  }
  const isTriggered = rotation?.trigger !== undefined && rotation.trigger !== record.trigger;
  const rotationTime = nextRotation(record, rotation);
  const isDue = isTriggered || (rotationTime !== undefined && rotationTime <= now);
  return { kind: isDue ? 'due' : 'current', password, record };
}

function nextRotation({ issued }: PasswordRecord, rotation: Rotation): Date | undefined {
  const time = parseTime(issued);
  if (rotation?.interval === undefined || time === undefined) return undefined;
  return after(time, durationSeconds(rotation.interval));
}

function verdictOf(
  rotation: Rotation,
  { password, record }: { readonly password: string; readonly record: PasswordRecord },
  { where, now }: { readonly where: string; readonly now: Date },
): CredentialsVerdict {
  const next = nextRotation(record, rotation);
  const expiry = parseTime(record.previous?.notAfter);
  const until = earliestAfter(now, [next, expiry]);
  const overlap =
    record.previous === undefined ? '' : ` The password before it is valid until ${record.previous.notAfter}.`;
  return {
    judgement: credentialsReady(`${where} has the credentials.${overlap}`),
    credentials: credentialsOf(record),
    password,
    record,
    ...(next !== undefined && { nextRotation: formatTime(next) }),
    ...(until !== undefined && { until }),
  };
}

function credentialsOf({ verifier, previous }: PasswordRecord): Credential[] {
  return previous === undefined ? [{ verifier }] : [{ verifier }, previous];
}

function noticeOf(state: State, where: string, record: PasswordRecord): CredentialsVerdict['notice'] {
  switch (state.kind) {
    case 'current':
      return undefined;
    case 'none':
      return {
        type: 'Warning',
        reason: 'PasswordReissued',
        message: `${where} was not there; it was made with a new password.`,
        isNewsOnlyAgain: true,
      };
    case 'unrecorded':
      return {
        type: 'Normal',
        reason: 'PasswordIssued',
        message: `${where} has a generated password now; there was no record of the one before.`,
      };
    case 'edited':
      return {
        type: 'Warning',
        reason: 'PasswordRepaired',
        message: `The password in ${where} was not the one that the operator had issued; it was replaced by a new one.`,
      };
    case 'due': {
      const until = record.previous === undefined ? 'is no longer valid' : `is valid until ${record.previous.notAfter}`;
      return {
        type: 'Normal',
        reason: 'PasswordRotated',
        message: `${where} has a new password; the old one ${until}.`,
      };
    }
  }
}
