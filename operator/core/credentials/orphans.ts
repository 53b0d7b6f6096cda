import { keysIn, secrets, usersByUid, wishedSecretName } from '../facts.ts';
import { MANAGED_BY, MANAGED_BY_LABEL, SECRET_TYPE } from '../names.ts';
import { parsedUsers } from '../parse.ts';
import { read, type Result, type World } from '../world.ts';

/** By key of a Secret: whether it is a credentials Secret of ours that no user wants any more. */
export const orphans: Result<boolean> = { name: 'orphaned Secret', formula: isOrphan, isResult: true };

/** A label alone proves nothing, since anybody can set it: it must be controlled by a user too, and of our type. */
function isOrphan(world: World, key: string): boolean {
  const secret = read(world, secrets, key);
  if (secret?.labels[MANAGED_BY_LABEL] !== MANAGED_BY || secret.type !== SECRET_TYPE) return false;
  if (secret.controllerUid === undefined) return false;
  const owners = keysIn(world, usersByUid, secret.controllerUid)
    .map((user) => read(world, parsedUsers, user))
    .filter((user) => user?.meta.namespace === secret.namespace);
  // one whose spec can't be understood may want it still
  return owners.every((user) => user?.ok === true && wishedSecretName(user) !== secret.name);
}
