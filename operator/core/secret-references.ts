/**
 * Which Secrets an object names, whatever else is wrong with it: of all Secrets that are not ours, only these are ever
 * read.
 */
import { textAt } from '../api/plain-data.ts';
import type { RawObject } from './model.ts';
import { passwordReference, wishedSecretName } from './users/wishes.ts';

export interface SecretReference {
  /** `NAMESPACE/NAME`. Always in the object's own namespace: the kinds know no other reference. */
  readonly secret: string;
  /** The key that holds a password which a person chose, where it is one. */
  readonly passwordKey?: string;
  /** The object's credentials go there: what is in it matters only where somebody else has made it. */
  readonly isTarget?: true;
}

export function secretReferencesOf({ kind, meta, spec }: RawObject): readonly SecretReference[] {
  const secretOf = (name: string): string => `${meta.namespace}/${name}`;
  switch (kind) {
    case 'SmtpPlusUser': {
      const password = passwordReference({ spec });
      const target = { secret: secretOf(wishedSecretName({ meta, spec })), isTarget: true } as const;
      return password === undefined
        ? [target]
        : [target, { secret: secretOf(password.name), passwordKey: password.key }];
    }
    case 'SmtpPlusList':
      return [['caSecretRef'], ['credentialsSecretRef'], ['oauth2', 'clientSecretRef']]
        .map((field) => textAt(spec, 'upstream', ...field, 'name'))
        .flatMap((name) => (name === undefined ? [] : [{ secret: secretOf(name) }]));
    case 'VerifiedSender':
      return [];
  }
}
