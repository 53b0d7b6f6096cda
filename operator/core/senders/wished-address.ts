/** The address that a VerifiedSender names, before anything else of its spec is looked at. */
import { canonicalSender } from '../../../relay/address.ts';
import { textAt } from '../../api/plain-data.ts';
import type { RawObject } from '../model.ts';

/** `NAMESPACE/ADDRESS`, by which proofs by mail are known; undefined where it names none. */
export function addressKeyOf({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string | undefined {
  const text = textAt(spec, 'address');
  const address = text === undefined || text.startsWith('@') ? undefined : canonicalSender(text);
  return address === undefined ? undefined : `${meta.namespace}/${address}`;
}
