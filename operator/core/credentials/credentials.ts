/** The password of a user: kept, made, rotated, or taken from a Secret. And whose the credentials Secret is. */
import {
  notReady,
  waiting,
  type CredentialsOwner,
  type CredentialsVerdict,
  type Holding,
} from './credentials-verdict.ts';
import { generatedPassword } from './generated-password.ts';
import { keyOf, type ObjectMeta, type SecretView } from '../model.ts';
import { ownPassword } from './own-password.ts';
import { belongsTo } from './ownership.ts';
import { readRecord } from './password-record.ts';
import { byAge } from '../time.ts';
import type { UserCircumstances } from '../users/circumstances.ts';
import { endingPasswords, overlapOf, toldPasswords, validPasswords } from './valid-passwords.ts';

/** Decides on the credentials of a user that is accepted. */
export function judgeCredentials(owner: CredentialsOwner, around: UserCircumstances): CredentialsVerdict {
  const { meta, spec, secretName } = owner;
  const { now } = around;
  const key = `${meta.namespace}/${secretName}`;
  const secret = around.secretOf(secretName);
  const objection = objectionTo(owner, secret, around);
  const holding = holdingOf(owner, objection === undefined ? secret : undefined, around);
  if (objection !== undefined) {
    const ending = endingPasswords(holding.told, { inForce: [], now, overlapSeconds: holding.overlapSeconds });
    const field = ['spec', 'credentials', 'secretName'];
    return waiting(notReady('SecretNotOwned', objection, field), ending, now);
  }
  const reference = spec.credentials.passwordSecretRef;
  const verdict =
    reference === undefined
      ? generatedPassword(owner, holding, around)
      : ownPassword(owner, reference, holding, around);
  const trouble = around.secretTroubleOf(keyOf(meta));
  if (trouble === undefined || verdict.password === undefined) return verdict;
  // it is still to be written: what kept it from that may be over at any time
  const message = `Secret ${key} cannot be written: ${trouble}; correct what refuses it (usually a ResourceQuota or an admission policy), and it will be written by itself.`;
  // nothing was made yet that anybody should notice
  const { notice: _, ...rest } = verdict;
  return { ...rest, judgement: notReady('SecretNotWritten', message) };
}

/** Why its credentials cannot be in the Secret that it names. */
function objectionTo(
  { meta, secretName }: CredentialsOwner,
  secret: SecretView | undefined,
  { claimantsOf }: UserCircumstances,
): string | undefined {
  const key = `${meta.namespace}/${secretName}`;
  const claimant = claimantOf(claimantsOf(secretName), secret);
  if (claimant !== undefined && claimant.uid !== meta.uid) {
    return `Secret ${key} is wanted by SmtpPlusUser ${keyOf(claimant)} too; choose another spec.credentials.secretName.`;
  }
  if (secret === undefined || belongsTo(secret, meta)) return undefined;
  return `Secret ${key} belongs to somebody else and is left alone; choose another spec.credentials.secretName, or delete the Secret if you are sure that nobody uses it.`;
}

/**
 * Which of several users that ask for one Secret gets it: the one that has it, else the one that it was made for, else
 * the oldest.
 */
function claimantOf(claimants: readonly ObjectMeta[], secret: SecretView | undefined): ObjectMeta | undefined {
  const owner = claimants.find(({ uid }) => uid === secret?.controllerUid);
  if (owner !== undefined) return owner;
  const named = claimants.find((one) => secret !== undefined && belongsTo(secret, one));
  return named ?? claimants.toSorted(byAge)[0];
}

/** @param secret Its own. */
function holdingOf(
  { meta, spec }: CredentialsOwner,
  secret: SecretView | undefined,
  { platform: { issuer }, acceptedOf, now }: UserCircumstances,
): Holding {
  const record = secret && readRecord(secret, meta, issuer);
  const knowledge = { accepted: acceptedOf(keyOf(meta)), record, issuer, now };
  return {
    secret,
    isAdopted: secret !== undefined && secret.controllerUid !== meta.uid,
    record,
    valid: validPasswords(meta, knowledge),
    told: toldPasswords(meta, knowledge),
    overlapSeconds: overlapOf(spec.credentials.rotation),
  };
}
