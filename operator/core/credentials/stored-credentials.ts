import type { Credential } from '../../../relay/config.ts';
import type { RawObject, SecretOf } from '../model.ts';
import { CREDENTIALS_ANNOTATION } from '../names.ts';
import { passwordReference, wishedSecretName } from '../users/wishes.ts';
import { belongsTo } from './ownership.ts';
import { recordedVerifier } from './password-record.ts';

/**
 * The password of a user whose spec cannot be understood: the generated one that its Secret holds, else the one that it
 * names. A password that people chose is known by its slow hash only, here as everywhere.
 */
export function storedCredentials(user: RawObject, secretOf: SecretOf): readonly Credential[] {
  const verifier = generatedVerifier(user, secretOf) ?? chosenVerifier(user, secretOf);
  return verifier === undefined ? [] : [{ verifier }];
}

function generatedVerifier(user: RawObject, secretOf: SecretOf): string | undefined {
  const secret = secretOf(wishedSecretName(user));
  if (secret === undefined || !belongsTo(secret, user.meta)) return undefined;
  const verifier = secret.verifiers['password'];
  return recordedVerifier(secret.annotations[CREDENTIALS_ANNOTATION]) === verifier ? verifier : undefined;
}

function chosenVerifier(user: RawObject, secretOf: SecretOf): string | undefined {
  const reference = passwordReference(user);
  if (reference === undefined) return undefined;
  const verifier = secretOf(reference.name)?.verifiers[reference.key];
  return verifier?.startsWith('argon2id$') ? verifier : undefined;
}
