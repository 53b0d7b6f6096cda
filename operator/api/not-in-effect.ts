/** Fields that the schema has and the software does not act on yet. Nothing that somebody asks for is dropped in silence. */
import type { KindName } from './kinds.ts';
import { formatPath } from './path.ts';
import { at } from './plain-data.ts';
import type { Problem } from './read-spec.ts';

interface PendingField {
  readonly path: readonly string[];
  /** The value that asks for nothing. */
  readonly none?: unknown;
  readonly instead: string;
}

const pending: Readonly<Record<KindName, readonly PendingField[]>> = {
  SmtpPlusList: [],
  SmtpPlusUser: [],
  VerifiedSender: [
    { path: ['spec', 'dns', 'publish'], none: 'None', instead: 'publish the record of status.challenge by hand' },
  ],
};

/** One sentence for each such field that a spec sets. */
export function fieldsNotInEffect(kind: KindName, spec: unknown): Problem[] {
  return pending[kind]
    .filter(({ path, none }) => ![undefined, none].includes(at({ spec }, path)))
    .map(({ path, instead }) => ({ path, message: `${formatPath(path)} is not in effect yet; ${instead}.` }));
}

/** The same in one text, for the message of a condition; empty where there is nothing to say. */
export function notInEffect(kind: KindName, spec: unknown): string {
  return fieldsNotInEffect(kind, spec)
    .map(({ message }) => message)
    .join(' ');
}
