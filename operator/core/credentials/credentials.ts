/** The password of a user: kept, made, rotated or taken from a Secret. And whose the credentials Secret is. */
import { notReady, type CredentialsOwner, type CredentialsVerdict } from './credentials-verdict.ts';
import { generatedPassword } from './generated-password.ts';
import { keyOf, type ObjectMeta, type SecretView } from '../model.ts';
import { ownPassword } from './own-password.ts';
import { belongsTo } from './ownership.ts';
import { byAge } from '../time.ts';
import type { UserCircumstances } from '../users/circumstances.ts';

/** Decides on the credentials of a user that is accepted. */
export function judgeCredentials(owner: CredentialsOwner, around: UserCircumstances): CredentialsVerdict {
  const { meta, spec, secretName } = owner;
  const key = `${meta.namespace}/${secretName}`;
  const secret = around.secretOf(secretName);
  const claimant = claimantOf(around.claimantsOf(secretName), secret);
  if (claimant !== undefined && claimant.uid !== meta.uid) {
    const message = `Secret ${key} is wanted by SmtpPlusUser ${keyOf(claimant)} too; choose another spec.credentials.secretName.`;
    return notReady('SecretNotOwned', message, ['spec', 'credentials', 'secretName']);
  }
  if (secret !== undefined && !belongsTo(secret, meta)) {
    const message = `Secret ${key} belongs to somebody else and is left alone; choose another spec.credentials.secretName, or delete the Secret if you are sure that nobody uses it.`;
    return notReady('SecretNotOwned', message, ['spec', 'credentials', 'secretName']);
  }
  const verdict =
    spec.credentials.passwordSecretRef === undefined
      ? generatedPassword(owner, secret, around)
      : ownPassword(owner, spec.credentials.passwordSecretRef, around.secretOf);
  const trouble = around.secretTroubleOf(keyOf(meta));
  if (trouble === undefined || verdict.password === undefined) return verdict;
  // it is still to be written: what kept it from that may be over at any time
  const message = `Secret ${key} cannot be written: ${trouble}; mend what refuses it (a ResourceQuota or an admission policy, mostly), and it is written by itself.`;
  // nothing was made yet that anybody should notice
  const { notice: _, ...rest } = verdict;
  return { ...rest, judgement: notReady('SecretNotWritten', message).judgement };
}

/** Of several users that ask for one Secret: the one that has it, else the oldest. */
function claimantOf(claimants: readonly ObjectMeta[], secret: SecretView | undefined): ObjectMeta | undefined {
  return claimants.find((meta) => secret !== undefined && belongsTo(secret, meta)) ?? claimants.toSorted(byAge)[0];
}
