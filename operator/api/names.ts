/**
 * Names and addresses as people write them. Every pattern is read alike by JavaScript and by Go's RE2 (the API server):
 * no look-ahead, no back-reference. What a pattern can't say (IDNA, for one) the core checks with relay/address.ts.
 */
import { z } from 'zod';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;

/** Lower-case letters of any script: an internationalized domain may be written in Unicode or in A-labels. */
const LETTER = '\\p{Ll}\\p{Lo}\\p{Lm}\\p{M}\\p{Nd}';
const DOMAIN_LABEL = `[${LETTER}]([-${LETTER}]*[${LETTER}])?`;
const DOMAIN = `${DOMAIN_LABEL}(\\.${DOMAIN_LABEL})+`;
/** Atom of RFC 5321 section 4.1.2, in lower case and without `*`: whoever writes one means a wildcard, and gets none. */
const SPECIALS = "!#$%&'+/=?^_`{|}~";
const ATOM = `[-a-z0-9${SPECIALS}]+`;
/** With letters of any script too (RFC 6531). */
const INTERNATIONAL_ATOM = `[-${LETTER}${SPECIALS}]+`;
const LOCAL = `${INTERNATIONAL_ATOM}(\\.${INTERNATIONAL_ATOM})*`;
const ASCII_ADDRESS = `${ATOM}(\\.${ATOM})*@${DOMAIN}`;

/** RFC 5321 section 4.5.3.1 and RFC 1035 section 2.3.4: 64 for the local part, `@`, 253 for the domain. */
const ADDRESS_MAX = 318;
const DOMAIN_MAX = 253;

function pattern(source: string): RegExp {
  return new RegExp(`^${source}$`, 'u');
}

/** DNS label (RFC 1123): a namespace, a relay class. */
export const labelName = z
  .string()
  .min(1)
  .max(63)
  .regex(pattern(LABEL), 'must be lower-case letters, digits and inner hyphens (a DNS label)');

/** DNS subdomain (RFC 1123): the name of most objects. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(pattern(SUBDOMAIN), 'must be lower-case letters, digits, inner hyphens and dots (a DNS subdomain)');

/** RFC 5321 section 4.1.2 and 4.1.3: the name or IP address of a server. */
export const hostName = z
  .string()
  .min(1)
  .max(253)
  .regex(
    pattern('[A-Za-z0-9:]([-A-Za-z0-9.:]*[A-Za-z0-9:])?'),
    'must be a host name or an IP address, without port, scheme or brackets',
  );

/** A host as it stands before `:PORT`: an IPv6 address in brackets (RFC 3986 section 3.2.2, RFC 6874 for its zone). */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
}

/** A final dot keeps the search list of the machine away from the name. */
export const upstreamHost = z
  .string()
  .min(1)
  .max(254)
  .regex(
    pattern('[A-Za-z0-9:]([-A-Za-z0-9.:]*[A-Za-z0-9:])?\\.?'),
    'must be a host name or an IP address, without port, scheme or brackets',
  );

/** RFC 5321 section 4.1.1.1: what a server may look up, or an address literal. */
const LDH_LABEL = '[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?';
export const heloName = z
  .string()
  .min(3)
  .max(253)
  .regex(
    pattern(`(${LDH_LABEL}(\\.${LDH_LABEL})+|\\[([0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]{2,45})\\])`),
    'must be a domain name of two labels or more, such as `mail.shop.example`, or an IP address in brackets',
  );

/** Takes a final dot, which zone files have and which a rule refuses by name: a pattern alone would not say what is wrong. */
export const domain = z
  .string()
  .min(3)
  .max(DOMAIN_MAX)
  .regex(pattern(`${DOMAIN}\\.?`), 'must be a domain of two labels or more in lower case, such as `shop.example`');

export const address = z
  .string()
  .min(5)
  .max(ADDRESS_MAX)
  .regex(pattern(`${LOCAL}@${DOMAIN}`), 'must be a bare address in lower case, such as `orders@shop.example`');

/** For mail that must get through everywhere. */
export const asciiAddress = z
  .string()
  .min(5)
  .max(ADDRESS_MAX)
  .regex(
    pattern(ASCII_ADDRESS),
    'must be a bare address in lower case, in ASCII before the @, such as `orders@shop.example`',
  );

/** The same as for a domain. */
export const addressWithDot = z
  .string()
  .min(5)
  .max(ADDRESS_MAX)
  .regex(pattern(`${LOCAL}@${DOMAIN}\\.?`), 'must be a bare address in lower case, such as `orders@shop.example`');

/** An address, or a domain with a leading `@`. */
export const addressOrDomain = z
  .string()
  .min(4)
  .max(ADDRESS_MAX)
  .regex(
    pattern(`(${LOCAL})?@${DOMAIN}`),
    'must be an address such as `orders@shop.example` or a domain such as `@shop.example`, in lower case',
  );

export const userName = z
  .string()
  .min(3)
  .max(254)
  .regex(
    pattern(`(${ASCII_ADDRESS}|${SUBDOMAIN})`),
    'must be NAME.NAMESPACE of this object or an address, in lower case',
  );

export const labelValue = z
  .string()
  .max(63)
  .regex(pattern('(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'), 'must be a valid label value');

/** Optional prefix (a DNS subdomain), a slash, and a name of at most 63 characters; for CEL too. */
export const LABEL_KEY = `(${SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]`;
export const LABEL_KEY_MAX = 317;

export const labelKey = z.string().min(1).max(LABEL_KEY_MAX).regex(pattern(LABEL_KEY), 'must be a valid label key');
