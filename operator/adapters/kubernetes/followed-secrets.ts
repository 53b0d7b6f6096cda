/** Which Secrets are watched by name, for whom, and the verifiers of the passwords in them. */
import type { SecretView } from '../../core/model.ts';
import { createPasswordVerifiers } from '../password-verifiers.ts';
import type { SecretReference } from './references.ts';
import type { SecretCache } from './secret-cache.ts';

export interface FollowedSecrets {
  /** Says what an object names now. Resolves when each of those Secrets has been looked up and its password hashed. */
  readonly setReferences: (object: string, references: readonly SecretReference[]) => Promise<void>;
  /** A Secret in the cache has changed. Resolves when its view is up to date. */
  readonly refresh: (secret: string) => Promise<void>;
  /** The Secret as the core sees it, with verifiers. */
  readonly view: (secret: string) => SecretView | undefined;
}

/** A Secret that cannot be looked up (forbidden, say) must not hold up its object for ever. */
const LOOK_UP_MS = 5000;

export function createFollowedSecrets(cache: SecretCache, saltFor: (purpose: string) => Buffer): FollowedSecrets {
  const withVerifiers = createPasswordVerifiers(saltFor);
  const byObject = new Map<string, readonly SecretReference[]>();
  const bySecret = new Map<string, Set<string>>();
  const hashed = new Map<string, SecretView>();

  function passwordKeys(secret: string): Set<string> {
    const references = [...(bySecret.get(secret) ?? [])].flatMap((object) => byObject.get(object) ?? []);
    return new Set(references.flatMap((one) => (one.secret === secret && one.passwordKey ? [one.passwordKey] : [])));
  }

  async function refresh(secret: string): Promise<void> {
    const keys = passwordKeys(secret);
    const known = cache.get(secret)?.view;
    if (known === undefined || keys.size === 0) {
      hashed.delete(secret);
      return;
    }
    const view = await withVerifiers(known, keys);
    // it has changed meanwhile: that change has a refresh of its own
    if (cache.get(secret)?.view === known) hashed.set(secret, view);
  }

  function drop(object: string, secret: string): void {
    const objects = bySecret.get(secret);
    objects?.delete(object);
    if (objects?.size !== 0) return;
    bySecret.delete(secret);
    hashed.delete(secret);
    cache.unfollow(secret);
  }

  return {
    setReferences: async (object, references) => {
      const before = byObject.get(object) ?? [];
      if (references.length === 0 && before.length === 0) return;
      if (references.length === 0) byObject.delete(object);
      else byObject.set(object, references);
      const secrets = new Set(references.map(({ secret }) => secret));
      for (const secret of secrets) bySecret.set(secret, (bySecret.get(secret) ?? new Set()).add(object));
      for (const { secret } of before) if (!secrets.has(secret)) drop(object, secret);
      await Promise.all(
        [...secrets].map(async (secret) => {
          await Promise.race([cache.follow(secret), timeout(LOOK_UP_MS)]);
          await refresh(secret);
        }),
      );
    },
    refresh,
    view: (secret) => hashed.get(secret) ?? cache.get(secret)?.view,
  };
}

function timeout(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
