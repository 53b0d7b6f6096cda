/** Senders that the platform owner vouches for, in the settings file. */
import { z } from 'zod';
import { canonicalSender } from '../../relay/address.ts';
import { labelName } from '../api/names.ts';

/** `- shop: shop.example`: a namespace and a domain or address that it has always sent as. */
export const existingSender = z
  .record(labelName, z.string())
  .refine((entry) => Object.keys(entry).length === 1, { message: 'must be one `NAMESPACE: domain or address`' })
  .refine((entry) => Object.values(entry).every(isDomainOrAddress), { message: 'must name a domain or an address' });

/** Whether one of these entries (domains and addresses) covers the address. */
export function isVouchedFor(from: string, entries: readonly string[]): boolean {
  const sender = canonicalSender(from) ?? '';
  const domain = sender.slice(sender.lastIndexOf('@'));
  return entries
    .map((entry) => canonicalSender(entry.includes('@') ? entry : `@${entry}`))
    .some((entry) => entry === sender || entry === domain);
}

function isDomainOrAddress(text: string): boolean {
  return canonicalSender(text.includes('@') ? text : `@${text}`) !== undefined;
}
