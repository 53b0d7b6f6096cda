import type { Credential } from '../../../relay/config/config.ts';
import type { Issuer, RawObject, SecretOf } from '../model.ts';
import { passwordReference, wishedSecretName } from '../users/wishes.ts';
import { belongsTo } from './ownership.ts';
import { readRecord } from './password-record.ts';

/**
 * The passwords of a user whose spec cannot be understood: the generated one that its Secret holds and those that gave way to
 * it, else the one that it names. A password that people chose is known by its slow hash only, here as everywhere.
 */
export function storedCredentials(
  user: RawObject,
  { secretOf, issuer }: { readonly secretOf: SecretOf; readonly issuer: Issuer },
): readonly Credential[] {
  const generated = generatedCredentials(user, secretOf, issuer);
  if (generated.length > 0) return generated;
  const reference = passwordReference(user);
  const verifier = reference && secretOf(reference.name)?.verifiers[reference.key];
  return verifier === undefined ? [] : [{ verifier }];
}

function generatedCredentials(user: RawObject, secretOf: SecretOf, issuer: Issuer): readonly Credential[] {
  const { meta } = user;
  const secret = secretOf(wishedSecretName(user));
  if (secret === undefined || !belongsTo(secret, meta)) return [];
  const record = readRecord(secret, meta, issuer);
  if (record === undefined || !issuer.fits(secret.data['password'] ?? '', record.verifier)) return [];
  return [{ verifier: record.verifier }, ...record.previous];
}
