/** Whether users have been told something, judged by what is in their Secrets. */
import type { Planner } from '../core/planner-state.ts';
import type { SecretCache } from './cache/secret-cache.ts';

export interface ToldUsersOptions {
  readonly secrets: Pick<SecretCache, 'keys' | 'get'>;
  readonly planner: () => Planner | undefined;
  /** Why the Secret of a user cannot be written: such a one holds up nobody else. */
  readonly secretTroubleOf: (user: string) => string | undefined;
}

/** Whether the Secret of each user of the class has this as `ca.crt`; undefined: none. */
export type IsTold = (className: string, bundle: string | undefined) => boolean;

export function createToldUsers({ secrets, planner, secretTroubleOf }: ToldUsersOptions): IsTold {
  return (className, bundle) => {
    const users = planner()?.relays.users;
    if (users === undefined) return false;
    for (const key of secrets.keys()) {
      const { ownerName, view } = secrets.get(key) ?? {};
      if (ownerName === undefined || view === undefined) continue;
      const user = `${view.namespace}/${ownerName}`;
      if (users.get(user)?.entry?.className !== className) continue;
      if (view.data['ca.crt'] !== bundle && secretTroubleOf(user) === undefined) return false;
    }
    return true;
  };
}
