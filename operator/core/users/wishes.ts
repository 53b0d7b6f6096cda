/** What a user object asks for, read before anything about it has been checked. */
import type { ObjectMeta, RawObject } from '../model.ts';
import { textAt } from '../text-at.ts';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

export function wishedUsername({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string {
  return textAt(spec, 'username') ?? `${meta.name}.${meta.namespace}`;
}

/** NAME.NAMESPACE: a namespace has no dot in its name, so that this can be read in one way only and is nobody else's. */
export function isDefaultUsername({ name, namespace }: ObjectMeta, username: string): boolean {
  return username === `${name}.${namespace}`;
}

export function wishedSecretName({ meta, spec }: { readonly meta: Named; readonly spec: unknown }): string {
  return textAt(spec, 'credentials', 'secretName') ?? `${meta.name}-smtp`;
}

/** The Secret with a password of people's own that a user names, and the key in it. */
export function passwordReference({ spec }: Pick<RawObject, 'spec'>): { name: string; key: string } | undefined {
  const name = textAt(spec, 'credentials', 'passwordSecretRef', 'name');
  const key = textAt(spec, 'credentials', 'passwordSecretRef', 'key') ?? 'password';
  return name === undefined ? undefined : { name, key };
}

/** The list that it names, as `NAMESPACE/NAME`. */
export function wishedList({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string | undefined {
  const name = textAt(spec, 'listRef', 'name');
  return name === undefined ? undefined : `${textAt(spec, 'listRef', 'namespace') ?? meta.namespace}/${name}`;
}
