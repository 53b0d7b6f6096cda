/** The address that a VerifiedSender names, read before anything else of its spec is looked at. */
import { canonicalSender } from '../../../relay/address.ts';
import { textAt } from '../../api/plain-data.ts';
import type { RawObject } from '../model.ts';
import { parseTime } from '../time.ts';

/** `NAMESPACE/ADDRESS`, by which proofs by mail are known; undefined where it names none. */
export function addressKeyOf({ meta, spec }: Pick<RawObject, 'meta' | 'spec'>): string | undefined {
  const text = textAt(spec, 'address');
  const address = text === undefined || text.startsWith('@') ? undefined : canonicalSender(text);
  return address === undefined ? undefined : `${meta.namespace}/${address}`;
}

/** When the oldest VerifiedSender was created that names an address, by `NAMESPACE/ADDRESS`. */
export function oldestByAddress(senders: Iterable<Pick<RawObject, 'meta' | 'spec'>>): ReadonlyMap<string, Date> {
  const oldest = new Map<string, Date>();
  for (const sender of senders) {
    const key = addressKeyOf(sender);
    const created = parseTime(sender.meta.creationTimestamp);
    if (key === undefined || created === undefined) continue;
    const known = oldest.get(key);
    if (known === undefined || created < known) oldest.set(key, created);
  }
  return oldest;
}
