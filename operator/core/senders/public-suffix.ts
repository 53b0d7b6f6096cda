/**
 * Names below which strangers register their own (`co.uk`, `github.io`): whoever could publish a record there would get
 * the addresses of all of them. The list is Mozilla's, with its private part; a name that it does not know
 * (`corp.internal`) counts as somebody's domain.
 */
import { getDomain, getPublicSuffix } from 'tldts';

const OPTIONS = { allowPrivateDomains: true, extractHostname: false, validateHostname: false };
/** Stands for any name below a domain. */
const ANY = 'smtpplus-any-name';

/** @param domain in canonical form */
export function isPublicSuffix(domain: string): boolean {
  // `*.kawasaki.jp` on the list makes suffixes of the names below kawasaki.jp, which is none itself
  return isOnList(domain) || isOnList(`${ANY}.${domain}`);
}

/**
 * The domain that somebody has registered, of whatever name below it: where DMARC looks for a record as well.
 *
 * @param domain in canonical form; of one that is on no list (`corp.internal`), its last two labels
 */
export function organizationalDomain(domain: string): string {
  return getDomain(domain, OPTIONS) ?? domain;
}

function isOnList(domain: string): boolean {
  return getPublicSuffix(domain, OPTIONS) === domain;
}
