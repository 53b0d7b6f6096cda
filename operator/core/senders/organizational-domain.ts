/** The domain that somebody has registered, of whatever name below it: where DMARC looks for a record as well. */
import { getDomain } from 'tldts';

const OPTIONS = { allowPrivateDomains: true, extractHostname: false, validateHostname: false };

/** @param domain in canonical form; of one that is on no list (`corp.internal`), its last two labels */
export function organizationalDomain(domain: string): string {
  return getDomain(domain, OPTIONS) ?? domain;
}
