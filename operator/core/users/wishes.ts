/** What a user object asks for, read before anything about it has been checked. */
import type { ObjectName } from '../../api/names.ts';
import type { ObjectMeta, RawObject } from '../model.ts';
import { textAt } from '../../api/plain-data.ts';

export function wishedUsername({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string {
  return textAt(spec, 'username') ?? `${meta.name}.${meta.namespace}`;
}

/** NAME.NAMESPACE: a namespace has no dot in its name, so that this can be read in one way only and is nobody else's. */
export function isDefaultUsername({ name, namespace }: ObjectMeta, username: string): boolean {
  return username === `${name}.${namespace}`;
}

export function wishedSecretName({ meta, spec }: { readonly meta: ObjectName; readonly spec: unknown }): string {
  return textAt(spec, 'credentials', 'secretName') ?? `${meta.name}-smtp`;
}

/** Key of a password of people's own in its Secret, where they name none. */
export const PASSWORD_KEY = 'password';

/** The Secret with a password of people's own that a user names, and the key in it. */
export function passwordReference({ spec }: Pick<RawObject, 'spec'>): { name: string; key: string } | undefined {
  const name = textAt(spec, 'credentials', 'passwordSecretRef', 'name');
  const key = textAt(spec, 'credentials', 'passwordSecretRef', 'key') ?? PASSWORD_KEY;
  return name === undefined ? undefined : { name, key };
}

/** The list that it names, as `NAMESPACE/NAME`. */
export function wishedList({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string | undefined {
  const name = textAt(spec, 'listRef', 'name');
  return name === undefined ? undefined : `${textAt(spec, 'listRef', 'namespace') ?? meta.namespace}/${name}`;
}
