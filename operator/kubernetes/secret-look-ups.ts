/** Looks up the Secrets that an object names before the object counts: otherwise they would seem to be missing. */
import { wasServed, namespaceLimit } from '../core/namespace-limits.ts';
import type { ListPlan } from '../core/lists/lists.ts';
import { keyOf, type Kind, type RawObject } from '../core/model.ts';
import { markObject, markSecret, type Planner } from '../core/planner-state.ts';
import { secretReferencesOf } from '../core/secret-references.ts';
import type { UserPlan } from '../core/users/user-plan.ts';
import type { NamespaceLimits } from '../settings/settings.ts';
import type { Caches } from './cache/caches.ts';
import type { FollowedSecrets } from './cache/followed-secrets.ts';
import { createPending, type Pending } from './pending.ts';

export interface SecretLookUps extends Omit<Pending, 'add'> {
  readonly onObject: (kind: Kind, key: string, after: RawObject | undefined) => void;
  readonly onSecret: (key: string) => void;
  /** Whether an object that is served by now has its Secrets still to be looked up: then that is done, and it is planned again. */
  readonly isEarly: (kind: Kind, plan: UserPlan | ListPlan) => boolean;
}

export interface SecretLookUpsOptions {
  readonly objects: () => Caches['objects'];
  readonly followed: () => FollowedSecrets;
  readonly namespaceLimits: NamespaceLimits | undefined;
  readonly mark: (inPlanner: (planner: Planner) => void) => void;
  readonly onTrouble: (message: string) => void;
}

export function createSecretLookUps({
  objects,
  followed,
  namespaceLimits,
  mark,
  onTrouble,
}: SecretLookUpsOptions): SecretLookUps {
  const { add, ...pending } = createPending(onTrouble);
  /** Objects of which nothing was looked up: their namespaces have more than are served. By kind and key. */
  const left = new Set<string>();

  /** Somebody who makes objects without end is not to have passwords hashed for them, nor requests made. */
  function isBeyond(object: RawObject): boolean {
    const { kind, meta } = object;
    const most = namespaceLimit(namespaceLimits, kind, meta.namespace);
    return objects()[kind].countIn(meta.namespace) > most && !wasServed(object);
  }

  async function onObject(kind: Kind, key: string, after: RawObject | undefined): Promise<void> {
    const id = `${kind}/${key}`;
    const isLeft = after !== undefined && isBeyond(after);
    if (isLeft) left.add(id);
    else left.delete(id);
    await followed().setReferences(id, after === undefined || isLeft ? [] : secretReferencesOf(after));
    mark((to) => markObject(to, kind, key));
  }

  async function lookUpLate(object: RawObject): Promise<void> {
    const { kind, meta } = object;
    await followed().setReferences(`${kind}/${keyOf(meta)}`, secretReferencesOf(object));
    mark((to) => markObject(to, kind, keyOf(meta)));
  }

  async function onSecret(key: string): Promise<void> {
    await followed().refresh(key);
    mark((to) => markSecret(to, key));
  }

  return {
    ...pending,
    onObject: (kind, key, after) => add(onObject(kind, key, after)),
    onSecret: (key) => add(onSecret(key)),
    isEarly: (kind, { meta, status }) => {
      const id = `${kind}/${keyOf(meta)}`;
      if (!left.has(id) || !wasServed({ kind, status })) return false;
      left.delete(id);
      const object = objects()[kind].get(keyOf(meta));
      if (object === undefined) return false;
      add(lookUpLate(object));
      return true;
    },
  };
}
