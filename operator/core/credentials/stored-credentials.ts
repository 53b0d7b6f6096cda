import type { Credential } from '../../../relay/config.ts';
import { objects, passwordReference, secrets, wishedSecretName } from '../facts.ts';
import type { RawObject, SecretView } from '../model.ts';
import { CREDENTIALS_ANNOTATION } from '../names.ts';
import { recordedVerifier } from './password-record.ts';
import { read, type World } from '../world.ts';

/**
 * The password of a user whose spec cannot be understood: the generated one that its Secret holds, else the one that it
 * names. By key of the user. A password that people chose is known by its slow hash only, here as everywhere.
 */
export function storedCredentials(world: World, key: string): readonly Credential[] {
  const user = read(world, objects.SmtpPlusUser, key);
  if (user === undefined) return [];
  const verifier = generatedVerifier(world, user) ?? chosenVerifier(world, user);
  return verifier === undefined ? [] : [{ verifier }];
}

function generatedVerifier(world: World, user: RawObject): string | undefined {
  const secret = secretOf(world, user, wishedSecretName(user));
  if (secret?.controllerUid !== user.meta.uid) return undefined;
  const verifier = secret.verifiers['password'];
  return recordedVerifier(secret.annotations[CREDENTIALS_ANNOTATION]) === verifier ? verifier : undefined;
}

function chosenVerifier(world: World, user: RawObject): string | undefined {
  const reference = passwordReference(user);
  if (reference === undefined) return undefined;
  const verifier = secretOf(world, user, reference.name)?.verifiers[reference.key];
  return verifier?.startsWith('argon2id$') ? verifier : undefined;
}

function secretOf(world: World, { meta }: RawObject, name: string): SecretView | undefined {
  return read(world, secrets, `${meta.namespace}/${name}`);
}
