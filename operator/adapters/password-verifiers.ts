import { createHash } from 'node:crypto';
import type { SecretView } from '../core/model.ts';
import { argon2idVerifier } from '../../relay/verifier.ts';

/** A longer one is no password, and hashing it would be work for an attacker's benefit. */
const PASSWORD_BYTES_MAX = 1024;

/**
 * Verifiers of passwords that people chose. argon2id costs 25 ms on purpose, so that each password is hashed once in the
 * life of the process; the salt is derived, so that the same password has the same verifier after a restart.
 */
export function createPasswordVerifiers(saltFor: (purpose: string) => Buffer) {
  const known = new Map<string, { readonly digest: string; readonly verifier: string }>();
  async function verifierOf(place: string, password: string): Promise<string> {
    const salt = saltFor(`argon2:${place}`);
    const digest = createHash('sha256').update(salt).update(password).digest('base64');
    const before = known.get(place);
    if (before?.digest === digest) return before.verifier;
    const verifier = await argon2idVerifier(password, salt);
    known.set(place, { digest, verifier });
    return verifier;
  }
  return async (view: SecretView, keys: Iterable<string>): Promise<SecretView> => {
    const verifiers: Record<string, string> = { ...view.verifiers };
    for (const key of keys) {
      // an editor ends a file with a newline that nobody types at a log-in
      const password = view.data[key]?.replace(/\r?\n$/, '');
      if (password === undefined || password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) continue;
      verifiers[key] = await verifierOf(`${view.namespace}/${view.name}/${key}`, password);
    }
    return { ...view, verifiers };
  };
}
