import { formatPath } from '../../api/path.ts';
import type { UserSpec } from '../../api/user.ts';
import { credentialsReady, notReady, type CredentialsOwner, type CredentialsVerdict } from './credentials-verdict.ts';
import type { SecretOf } from '../model.ts';
import { PASSWORD_KEY } from '../users/wishes.ts';

const FIELD = ['spec', 'credentials', 'passwordSecretRef'];
/** Anybody may try passwords over the network; the relay's lock-out makes twelve characters enough. */
const LENGTH_MIN = 12;
const LENGTH_MAX = 512;

/** A password that people chose, from a Secret in the user's own namespace. */
export function ownPassword(
  { meta }: CredentialsOwner,
  ref: NonNullable<UserSpec['credentials']['passwordSecretRef']>,
  secretOf: SecretOf,
): CredentialsVerdict {
  const name = `Secret ${meta.namespace}/${ref.name}`;
  const key = ref.key ?? PASSWORD_KEY;
  const secret = secretOf(ref.name);
  if (secret === undefined) {
    return notReady('SecretNotFound', `${formatPath(FIELD)}: ${name} does not exist; create it.`, FIELD);
  }
  const value = Object.hasOwn(secret.data, key) ? secret.data[key] : undefined;
  if (value === undefined) {
    return notReady('KeyNotFound', `${formatPath(FIELD)}: ${name} has no key ${key} with text; add it.`, FIELD);
  }
  const password = trimPassword(value);
  const objection = objectionTo(password);
  if (objection !== undefined) {
    const message = `${formatPath(FIELD)}: the password under key ${key} of ${name} ${objection}.`;
    return notReady('PasswordUnacceptable', message, FIELD);
  }
  const verifier = secret.verifiers[key];
  if (verifier === undefined) {
    return notReady('PasswordBeingHashed', `The password under key ${key} of ${name} is being hashed.`);
  }
  const trimmed = password === value ? '' : ' The newline at its end is not part of it.';
  const judgement = credentialsReady(`The password under key ${key} of ${name} is in force.${trimmed}`);
  return { judgement, credentials: [{ verifier }], password };
}

/** Without the newline that editors and `kubectl create secret --from-file` leave at the end. Adapters hash this. */
export function trimPassword(value: string): string {
  return value.replace(/\r?\n$/, '');
}

/** Says nothing about the password itself: this goes into a status. */
function objectionTo(password: string): string | undefined {
  if (password.length < LENGTH_MIN) return `is too short; take ${LENGTH_MIN} characters or more`;
  if (password.length > LENGTH_MAX) return `is too long; take ${LENGTH_MAX} characters or fewer`;
  const isText = password.isWellFormed() && !/[\x00-\x1f\x7f]/.test(password);
  return isText ? undefined : 'holds control characters; take printable ones, on one line';
}
