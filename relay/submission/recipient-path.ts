/**
 * Addresses of recipients. We only pass them on, so they are passed on as they were written (RFC 5321 section 4.1.2), and
 * whatever their domain may have given out is taken: `foo..bar@docomo.ne.jp` has broken the grammar for decades and gets
 * its mail all the same. Refused is only what no domain can mean, or what could be read as more than one address on the
 * way: control characters, angle brackets, spaces and specials outside quotes, quotes without an end, and what is too long.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalDomain, isInternational, octetsOf } from '../address.ts';

/** A path of RFC 5321 section 4.5.3.1.3 without its brackets. No limit for the local part: reply-by-mail tokens exceed 64. */
const ADDRESS_MAX = 254;
const DOMAIN_MAX = 253;

/** To be ignored (RFC 5321 appendix C): `@a.example,@b.example:` before the address. */
const SOURCE_ROUTE = /^@[\w.-]+(?:,@[\w.-]+)*:/;
/** A name that every host has, with no domain (RFC 5321 section 4.5.1). */
const POSTMASTER = /^postmaster$/i;
/** Atoms of RFC 5322 section 3.2.3, with dots anywhere, and of RFC 6531: what shows, and is assigned as IDNA wants it. */
const DOTTED = /^(?:[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]|[^\x00-\x7f\p{C}\p{Z}\ufffd]|[\u200c\u200d])+$/u;
/** RFC 5321 Quoted-string. Angle brackets would be in the grammar; some read a path up to the first of them. */
const QUOTED = /^"(?:[ !#-;=?-[\]-~]|[^\x00-\x7f\p{C}\p{Z}\ufffd]|\\[ -;=?-~])*"$/u;
/** One label or more: names inside a company have no dot, and some have an underscore. */
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
/** RFC 5321 General-address-literal, again without angle brackets. */
const TAGGED_LITERAL = /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-;=?-Z^-~]+$/;

/** The address as it goes on: the path without a source route; undefined where it is none that can be passed on. */
export function parseRecipient(path: string): string | undefined {
  const address = path.replace(SOURCE_ROUTE, '');
  if (POSTMASTER.test(address)) return address;
  // a literal may hold an at sign, a quoted local part too
  const at = address.endsWith(']') ? address.lastIndexOf('@[') : address.lastIndexOf('@');
  const local = address.slice(0, at);
  if (at < 1 || !isLocal(local)) return undefined;
  const domain = readDomain(address.slice(at + 1));
  const whole = `${local}@${domain}`;
  return domain !== undefined && octetsOf(whole) <= ADDRESS_MAX ? whole : undefined;
}

function isLocal(text: string): boolean {
  // to a reader who maps characters, a full-width at sign is one
  return [text, text.normalize('NFKC')].every((form) => DOTTED.test(form) || QUOTED.test(form));
}

/** As written, or in A-labels: one that is international goes through servers that do not know SMTPUTF8. */
function readDomain(text: string): string | undefined {
  if (isInternational(text)) return canonicalDomain(text);
  return isDomain(text) ? text : undefined;
}

function isDomain(text: string): boolean {
  if (text.startsWith('[') && text.endsWith(']')) return isLiteral(text.slice(1, -1));
  return text.length <= DOMAIN_MAX && text.split('.').every((label) => LABEL.test(label));
}

function isLiteral(text: string): boolean {
  if (/^IPv6:/i.test(text)) return isIPv6(text.slice(5)) && !text.includes('%');
  return isIPv4(text) || TAGGED_LITERAL.test(text);
}

/** What tells two recipients of a message apart: the case of a domain does not, that of a local part is its domain's affair. */
export function recipientKey(address: string): string {
  const at = address.lastIndexOf('@');
  if (at === -1) return address.toLowerCase();
  return address.slice(0, at).normalize('NFC') + address.slice(at).toLowerCase();
}
