/** Which Secrets are read by name, for whom, and the verifiers of the passwords in them. */
import { isEqual } from '../../core/equal.ts';
import type { SecretView } from '../../core/model.ts';
import type { SecretReference } from '../../core/secret-references.ts';
import { shareRuns } from '../../../relay/share-runs.ts';
import { createPasswordVerifiers } from '../../password-verifiers.ts';
import type { SecretCache } from './secret-cache.ts';

export interface FollowedSecrets {
  /** Says what an object names now. Resolves when each of those Secrets has been looked up and its password hashed. */
  readonly setReferences: (object: string, references: readonly SecretReference[]) => Promise<void>;
  /** Reads a Secret that an object names before any watch has told of it; gives up after a while. */
  readonly lookAt: (secret: string) => Promise<void>;
  /** A Secret in the cache has changed. Resolves when its view is up to date. */
  readonly refresh: (secret: string) => Promise<void>;
  /** The Secret as the core sees it, with verifiers. */
  readonly view: (secret: string) => SecretView | undefined;
}

/** A Secret that cannot be looked up (forbidden, say) must not hold up its object for ever. */
const LOOK_UP_MS = 5000;
/** A hash costs 25 ms, and a change of a password nothing: of those that come faster only the last is hashed. */
const HASH_INTERVAL_MS = 1000;

export function createFollowedSecrets(cache: SecretCache, saltFor: (purpose: string) => Buffer): FollowedSecrets {
  const withVerifiers = createPasswordVerifiers(saltFor);
  const byObject = new Map<string, readonly SecretReference[]>();
  const bySecret = new Map<string, Set<string>>();
  const hashed = new Map<string, SecretView>();
  const hashings = new Map<string, () => Promise<void>>();
  /** Objects whose Secrets are being looked up. */
  const lookUps = new Map<string, Promise<void>>();

  function passwordKeys(secret: string): Set<string> {
    const references = [...(bySecret.get(secret) ?? [])].flatMap((object) => byObject.get(object) ?? []);
    return new Set(references.flatMap((one) => (one.secret === secret && one.passwordKey ? [one.passwordKey] : [])));
  }

  async function refresh(secret: string): Promise<void> {
    if (passwordKeys(secret).size === 0) {
      hashed.delete(secret);
      return;
    }
    const hashing = hashings.get(secret) ?? shareRuns(() => hash(secret), { intervalMs: HASH_INTERVAL_MS });
    hashings.set(secret, hashing);
    await hashing();
  }

  async function hash(secret: string): Promise<void> {
    const known = cache.get(secret)?.view;
    const view = known && (await withVerifiers(known, passwordKeys(secret)));
    // a change in the meantime is hashed by a run of its own, and what nobody names any more is not kept
    if (cache.get(secret)?.view !== known || !bySecret.has(secret)) return;
    if (view === undefined) hashed.delete(secret);
    else hashed.set(secret, view);
  }

  function drop(object: string, secret: string): void {
    const objects = bySecret.get(secret);
    objects?.delete(object);
    if (objects?.size !== 0) return;
    bySecret.delete(secret);
    hashed.delete(secret);
    hashings.delete(secret);
    cache.unfollow(secret);
  }

  const lookAt = (secret: string): Promise<void> => Promise.race([cache.follow(secret), timeout(LOOK_UP_MS)]);

  async function lookUp(
    object: string,
    references: readonly SecretReference[],
    before: readonly SecretReference[],
  ): Promise<void> {
    await Promise.all(
      references.map(async ({ secret, isTarget }) => {
        bySecret.set(secret, (bySecret.get(secret) ?? new Set()).add(object));
        if (isTarget) return cache.expect(secret);
        await lookAt(secret);
        await refresh(secret);
      }),
    );
    // only now: while the new ones were looked up, what was planned before still needs the old ones
    const named = new Set(byObject.get(object)?.map(({ secret }) => secret));
    for (const { secret } of before) if (!named.has(secret)) drop(object, secret);
  }

  return {
    setReferences: async (object, references) => {
      const before = byObject.get(object) ?? [];
      if (isEqual(references, before)) return lookUps.get(object);
      if (references.length === 0) byObject.delete(object);
      else byObject.set(object, references);
      const lookingUp = lookUp(object, references, before).finally(() => {
        if (lookUps.get(object) === lookingUp) lookUps.delete(object);
      });
      lookUps.set(object, lookingUp);
      return lookingUp;
    },
    lookAt: async (secret) => {
      if (bySecret.has(secret)) await lookAt(secret);
    },
    refresh,
    view: (secret) => hashed.get(secret) ?? cache.get(secret)?.view,
  };
}

function timeout(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
