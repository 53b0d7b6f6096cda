import type { RawObject, SecretView } from '../model.ts';
import { MANAGED_BY, MANAGED_BY_LABEL, SECRET_TYPE } from '../names.ts';
import { parseObject } from '../parse.ts';
import { wishedSecretName } from '../users/wishes.ts';

/**
 * Whether a Secret is a credentials Secret of ours that no user wants any more. A label alone proves nothing, since anybody
 * can set it: it must be controlled by a user too, and of our type.
 *
 * @param userOf the user of its namespace with that UID
 */
export function isOrphan(secret: SecretView, userOf: (uid: string) => RawObject | undefined): boolean {
  if (secret.labels[MANAGED_BY_LABEL] !== MANAGED_BY || secret.type !== SECRET_TYPE) return false;
  if (secret.controllerUid === undefined) return false;
  const user = userOf(secret.controllerUid);
  if (user === undefined) return secret.retainedFor === undefined;
  // one whose spec can't be understood may want it still
  return parseObject('SmtpPlusUser', user).ok && wishedSecretName(user) !== secret.name;
}
