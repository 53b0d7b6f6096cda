/**
 * Addresses and domains in the one canonical form that every comparison uses: operator and relay share this file, so
 * that what is verified and what is checked can never be two different readings of one text.
 *
 * Canonical: domain in lower case and A-labels (IDNA), local part in lower case and, beyond ASCII (RFC 6531), in NFC.
 * RFC 5321 section 2.4 leaves the case of a local part to its domain; no common mail system distinguishes, and a look-alike
 * that differs in case alone must not count as a different sender. Quoted local parts and address literals are refused:
 * nobody verifies those.
 *
 * RFC 6531 lets a local part hold any character there is. Ours are held to what IDNA allows in a label: letters, marks and
 * digits that Unicode knows, in an order that shows as it is read. Nothing is mapped besides case and composition, so that a
 * letter of another script or width that looks like an ASCII one is never taken for it: it is another sender, or none.
 */

export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}

/** RFC 5321 section 4.5.3.1 (a path of 256 octets has two brackets) and RFC 1035 section 2.3.4, in octets. */
const LOCAL_MAX = 64;
const DOMAIN_MAX = 253;
const MAILBOX_MAX = 254;

/** Dot-string of RFC 5321 section 4.1.2. */
const DOT_STRING = /^[a-z0-9!#$%&'*+\-/=?^_`{|}~]+(\.[a-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
const INTERNATIONAL_ATOM = /^[a-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\u{10ffff}]+$/u;
const UNAMBIGUOUS = /^(?:[\x21-\x7e]|(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{M}\p{Nd}])*$/u;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A name that ends in a number, hexadecimal or not, is an IPv4 address to some readers (WHATWG URL, `127.0x1`). */
const NUMBER = /^([0-9]+|0x[0-9a-f]*)$/;

/** Canonical form of a domain name of two labels or more, or undefined where it is none. */
export function canonicalDomain(text: string): string | undefined {
  // no name gets shorter as A-labels, so that hostile lengths end here
  if (text.length > DOMAIN_MAX) return undefined;
  const ascii = isAscii(text) ? text.toLowerCase() : toALabels(text);
  if (ascii === undefined || ascii.length > DOMAIN_MAX) return undefined;
  const labels = ascii.split('.');
  const isName = labels.length >= 2 && labels.every((label) => LABEL.test(label));
  return isName && !NUMBER.test(labels.at(-1) ?? '') && isValidIdna(ascii) ? ascii : undefined;
}

/** Canonical form of `local@domain` (RFC 5321 Mailbox, without quoted strings and literals), or undefined. */
export function parseMailbox(text: string): Mailbox | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const local = canonicalLocal(text.slice(0, at));
  if (local === undefined) return undefined;
  const domain = canonicalDomain(text.slice(at + 1));
  if (domain === undefined || octetsOf(local) + 1 + domain.length > MAILBOX_MAX) return undefined;
  return { local, domain };
}

function canonicalLocal(text: string): string | undefined {
  if (text.length > LOCAL_MAX) return undefined;
  const lower = text.toLowerCase();
  if (isAscii(text)) return DOT_STRING.test(lower) ? lower : undefined;
  const local = lower.normalize('NFC');
  const isLocal = isUnambiguous(text) && octetsOf(local) <= LOCAL_MAX && local.split('.').every(isInternationalAtom);
  return isLocal ? local : undefined;
}

/**
 * Whether every reader finds the same characters: none that somebody may map to another one (full-width letters), drop
 * (soft hyphens, joiners), take for white space or a full stop, or that Unicode does not know.
 */
export function isUnambiguous(text: string): boolean {
  if (isAscii(text)) return true;
  const composed = text.normalize('NFC');
  return (
    UNAMBIGUOUS.test(text) &&
    // an equals sign and a stroke are composed to another sign
    UNAMBIGUOUS.test(composed) &&
    text.normalize('NFKC') === composed &&
    // the Kelvin sign is a K to whoever composes characters, and the letter of another script to everybody else
    !Array.from(text).some((character) => !isAscii(character) && isAscii(character.normalize('NFC')))
  );
}

/** An atom that IDNA takes for a label, once what ASCII has for atoms alone is out of the way. */
function isInternationalAtom(atom: string): boolean {
  if (isAscii(atom)) return DOT_STRING.test(atom);
  return (
    INTERNATIONAL_ATOM.test(atom) &&
    hostOf(`${atom.replace(/[^a-z0-9\u0080-\u{10ffff}]/gu, '-')}.example`) !== undefined
  );
}

export function formatMailbox(mailbox: Mailbox): string {
  return `${mailbox.local}@${mailbox.domain}`;
}

/** Canonical form of a sender as users write it: an address, or a domain with a leading `@`. */
export function canonicalSender(text: string): string | undefined {
  if (text.startsWith('@')) {
    const domain = canonicalDomain(text.slice(1));
    return domain === undefined ? undefined : `@${domain}`;
  }
  const mailbox = parseMailbox(text);
  return mailbox === undefined ? undefined : formatMailbox(mailbox);
}

/** Whether a canonical sender rule (address or `@domain`) covers a canonical mailbox. */
export function covers(
  rule: { readonly sender: string; readonly includeSubdomains: boolean },
  mailbox: Mailbox,
): boolean {
  if (!rule.sender.startsWith('@')) return rule.sender === formatMailbox(mailbox);
  return domainCovers(rule.sender.slice(1), rule.includeSubdomains, mailbox.domain);
}

/** Mail systems that still know routes in local parts hand `a%b.example@c.example` and `b.example!a@c.example` on to b. */
const ROUTE = /[%!]/;

/** The same for a recipient rule: a domain does not cover what may lead out of it. */
export function coversRecipient(
  { recipient, includeSubdomains }: { readonly recipient: string; readonly includeSubdomains: boolean },
  mailbox: Mailbox,
): boolean {
  if (recipient.startsWith('@') && ROUTE.test(mailbox.local)) return false;
  return covers({ sender: recipient, includeSubdomains }, mailbox);
}

/** Whether `domain` is `parent`, or below it where subdomains count. Both canonical. */
export function domainCovers(parent: string, includeSubdomains: boolean, domain: string): boolean {
  return domain === parent || (includeSubdomains && domain.endsWith(`.${parent}`));
}

/** Whether it needs SMTPUTF8 (RFC 6531) on its way. */
export function isInternational(text: string): boolean {
  return /[^\x00-\x7f]/.test(text);
}

/** Without controls and white space. */
function isAscii(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

/** As it is sent (UTF-8). */
export function octetsOf(text: string): number {
  return isAscii(text) ? text.length : new TextEncoder().encode(text).length;
}

/** The web's own IDNA (UTS 46), which needs no import; it refuses forbidden code points, and maps case and width. */
function toALabels(text: string): string | undefined {
  // characters with a meaning in a URL would be read as something else than part of the host name, and a URL drops
  // control characters at its end
  return /[\x00-\x20\x7f\s/\\?#@:%[\]<>^|]/.test(text) ? undefined : hostOf(text);
}

/**
 * A-labels must decode; `xn--` followed by garbage is no name that anybody can verify. Node's URL decodes them only in
 * a name that has other characters than ASCII, so one such label goes in front.
 */
function isValidIdna(ascii: string): boolean {
  return !ascii.includes('xn--') || hostOf(`\u00fc.${ascii}`)?.endsWith(`.${ascii}`) === true;
}

/** By exception, since `URL.canParse` of Node 20 says no to every name outside ASCII once it runs as optimized code. */
function hostOf(name: string): string | undefined {
  try {
    return new URL(`http://${name}`).hostname;
  } catch {
    return undefined;
  }
}
