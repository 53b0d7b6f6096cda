/**
 * Passwords that a reader of a golden file can follow: a generated one says for whom and when it was made, and a
 * verifier is written `sha256Of(PASSWORD)` or `argon2idOf(PASSWORD)`.
 */
import { plainCode } from '../../../operator/core/mail-evidence.ts';
import type { Issuer } from '../../../operator/core/model.ts';
import { sha256Verifier } from '../../../relay/password-hash.ts';

export const SALT = Buffer.alloc(16, 7);

/** Reads and writes verifiers in their readable form. */
export interface Verifiers {
  readonly of: (password: string) => string;
  readonly expand: (text: string) => string;
  readonly shorten: (text: string) => string;
}

export function createVerifiers(): Verifiers {
  const passwords = new Map<string, string>();
  function verifierOf(password: string): string {
    const verifier = sha256Verifier(password, SALT);
    passwords.set(verifier, password);
    return verifier;
  }
  return {
    of: verifierOf,
    expand: (text) => text.replace(/sha256Of\(([^)]*)\)/g, (_, password: string) => verifierOf(password)),
    shorten: (text) => text.replace(/sha256\$[\w-]+\$[\w-]+/g, (verifier) => `sha256Of(${passwords.get(verifier)})`),
  };
}

/** Nothing random: a password is told by its owner and by the time. */
export function goldenIssuer(clock: { readonly now: Date }, verifierOf: (password: string) => string): Issuer {
  return {
    newPassword: ({ namespace, name }) => {
      const password = `generated-for-${namespace}-${name}-at-${clock.now.toISOString().replace(/[-:]|\..*/g, '')}`;
      return { password, verifier: verifierOf(password) };
    },
    verifierOf: (_, password) => verifierOf(password),
    fits: (password, verifier) => verifierOf(password) === verifier,
    isFor: () => true,
    seal: ({ namespace, name }) => `seal-for-${namespace}-${name}`,
    challengeToken: (namespace, domain) => `token-of-${namespace}-for-${domain}`,
    operatorVerifier: (className) => verifierOf(`operator-of-${className}`),
    codeHash: (key, linkHash, code) => `${linkHash}-${plainCode(code)}-of-${key}`,
  };
}
