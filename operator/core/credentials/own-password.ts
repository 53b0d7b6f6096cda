import { formatPath } from '../../api/path.ts';
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
} from './credentials-verdict.ts';
import type { Judgement } from '../conditions.ts';
import { formatTime } from '../time.ts';
import { trimPassword } from './trim-password.ts';
import { PASSWORD_KEY } from '../users/wishes.ts';
import type { UserCircumstances } from '../users/circumstances.ts';
import { endingPasswords } from './valid-passwords.ts';

const FIELD = ['spec', 'credentials', 'passwordSecretRef'];
/** Anybody may try passwords over the network; the relay's lock-out makes twelve characters enough. */
const LENGTH_MIN = 12;
const LENGTH_MAX = 512;

type Reference = NonNullable<UserSpec['credentials']['passwordSecretRef']>;
type Around = Pick<UserCircumstances, 'secretOf' | 'now'>;

/** A password that people chose, from a Secret in the user's own namespace. */
export function ownPassword(
  owner: CredentialsOwner,
  ref: Reference,
  { valid, told, overlapSeconds, record: before, isAdopted }: Holding,
  { secretOf, now }: Around,
): CredentialsVerdict {
  const { meta, secretName, hasServer } = owner;
  const found = findPassword(owner, ref, secretOf);
  if ('type' in found) {
    return waiting(found, endingPasswords(told, { inForce: [], now, overlapSeconds }), now);
  }
  const { password, verifier, message } = found;
  const previous = endingPasswords(valid, { inForce: [verifier], now, overlapSeconds });
  const issued = before?.verifier === verifier ? before.issued : formatTime(now);
  const until = earliestEnd(previous, now);
  return {
    judgement: credentialsReady(message, previous),
    credentials: [{ verifier }, ...previous],
    password,
    record: { verifier, issued, previous },
    ...(until !== undefined && { until }),
    ...(isAdopted && hasServer && { notice: adopted(`Secret ${meta.namespace}/${secretName}`, 'the chosen password') }),
  };
}

interface FoundPassword {
  readonly password: string;
  readonly verifier: string;
  readonly message: string;
}

/** The password, or why there is none. */
function findPassword(
  { meta }: CredentialsOwner,
  ref: Reference,
  secretOf: Around['secretOf'],
): FoundPassword | Judgement {
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
  return { password, verifier, message: `The password under key ${key} of ${name} is in force.${trimmed}` };
}

/** Says nothing about the password itself: this goes into a status. */
function objectionTo(password: string): string | undefined {
  if (password.length < LENGTH_MIN) return `is too short; take ${LENGTH_MIN} characters or more`;
  if (password.length > LENGTH_MAX) return `is too long; take ${LENGTH_MAX} characters or fewer`;
  const isText = password.isWellFormed() && !/[\x00-\x1f\x7f]/.test(password);
  return isText ? undefined : 'holds control characters; take printable ones, on one line';
}
