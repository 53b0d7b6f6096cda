import { createHash } from 'node:crypto';
import { createFairQueue } from '../relay/delivery/fair-queue.ts';
import { argon2idVerifier } from '../relay/password-hash.ts';
import { trimPassword } from './core/credentials/trim-password.ts';
import type { SecretView } from './core/model.ts';

/** A longer one is no password, and hashing it would be work for an attacker's benefit. */
const PASSWORD_BYTES_MAX = 1024;
/** Hashes under way at once: more would take the threads that files and look-ups need too. */
const AT_ONCE = 2;
/** Ten times as many as there may be users of that kind in one place; one that was forgotten is hashed once more. */
const KNOWN_MAX = 100_000;

/**
 * Verifiers of passwords that people chose. argon2id costs 25 ms on purpose, so that each password is hashed once in the
 * life of the process; the salt is derived, so that the same password has the same verifier after a restart. Namespaces
 * take turns: one that changes its passwords all the time holds up itself.
 */
export function createPasswordVerifiers(saltFor: (purpose: string) => Buffer) {
  const known = new Map<string, { readonly digest: string; readonly verifier: string }>();
  const inTurn = createFairPlaces();

  async function verifierOf({ namespace, name }: SecretView, key: string, password: string): Promise<string> {
    const place = `${namespace}/${name}/${key}`;
    const salt = saltFor(`argon2:${place}`);
    const digest = createHash('sha256').update(salt).update(password).digest('base64');
    const before = known.get(place);
    if (before?.digest === digest) return before.verifier;
    const verifier = await inTurn(namespace, () => argon2idVerifier(password, salt));
    const [oldest] = known.keys();
    if (known.size >= KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    known.set(place, { digest, verifier });
    return verifier;
  }

  return async (view: SecretView, keys: Iterable<string>): Promise<SecretView> => {
    const verifiers: Record<string, string> = { ...view.verifiers };
    for (const key of keys) {
      const password = trimPassword(view.data[key] ?? '');
      if (password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) continue;
      verifiers[key] = await verifierOf(view, key, password);
    }
    return { ...view, verifiers };
  };
}

/** Does work a few at a time, and of those who wait one for each in turn. */
function createFairPlaces() {
  const waiting = createFairQueue<() => void>();
  let busy = 0;
  return async <Result>(whose: string, work: () => Promise<Result>): Promise<Result> => {
    if (busy >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(whose, resolve));
    else busy += 1;
    try {
      return await work();
    } finally {
      // the place goes on to the next one, if there is one
      const next = waiting.shift();
      if (next === undefined) busy -= 1;
      else next();
    }
  };
}
