/** The password of a user: kept, made, rotated or taken from a Secret. And whose the credentials Secret is. */
import { notReady, type CredentialsOwner, type CredentialsVerdict } from './credentials-verdict.ts';
import { keysIn, secrets, secretTroubles, usersBySecret, wishedSecretName } from '../facts.ts';
import { generatedPassword } from './generated-password.ts';
import { keyOf, type ObjectMeta, type SecretView } from '../model.ts';
import { ownPassword } from './own-password.ts';
import { parsedUsers } from '../parse.ts';
import { byAge } from '../time.ts';
import { read, type World } from '../world.ts';

/** Decides on the credentials of a user that is accepted. */
export function judgeCredentials(world: World, owner: CredentialsOwner): CredentialsVerdict {
  const { meta, spec, secretName } = owner;
  const key = `${meta.namespace}/${secretName}`;
  const secret = read(world, secrets, key);
  const claimant = claimantOf(world, key, secret);
  if (claimant !== undefined && claimant.uid !== meta.uid) {
    const message = `Secret ${key} is wanted by SmtpPlusUser ${keyOf(claimant)} too; choose another spec.credentials.secretName.`;
    return notReady('SecretNotOwned', message);
  }
  if (secret !== undefined && secret.controllerUid !== meta.uid) {
    const message = `Secret ${key} belongs to somebody else and is left alone; delete it, or choose another spec.credentials.secretName.`;
    return notReady('SecretNotOwned', message);
  }
  const verdict =
    spec.credentials.passwordSecretRef === undefined
      ? generatedPassword(world, owner, secret)
      : ownPassword(world, owner, spec.credentials.passwordSecretRef);
  const trouble = read(world, secretTroubles, keyOf(meta));
  if (trouble === undefined || verdict.password === undefined) return verdict;
  // it is still to be written: what kept it from that may be over at any time
  const message = `Secret ${key} cannot be written: ${trouble}`;
  // nothing was made yet that anybody should notice
  const { notice: _, ...rest } = verdict;
  return { ...rest, judgement: notReady('SecretNotWritten', message).judgement };
}

/** Of several users that ask for one Secret: the one that has it, else the oldest. */
function claimantOf(world: World, key: string, secret: SecretView | undefined): ObjectMeta | undefined {
  const metas = keysIn(world, usersBySecret, key).flatMap((user) => {
    const parsed = read(world, parsedUsers, user);
    return parsed?.ok && `${parsed.meta.namespace}/${wishedSecretName(parsed)}` === key ? [parsed.meta] : [];
  });
  return metas.find(({ uid }) => uid === secret?.controllerUid) ?? metas.sort(byAge)[0];
}
