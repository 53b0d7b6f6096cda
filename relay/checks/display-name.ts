/**
 * Display names that lie. A mail client shows the name, often nothing else, and some readers find an address in it:
 * `"ceo@elsewhere.example" <orders@shop.example>` is the cheapest spoof of all. An at sign alone does not make an
 * address: GitLab writes `Jane Doe (@jdoe)`, others `Team @ Shop`. Nor does a name lie that repeats the mailbox's own
 * address, as many clients have it.
 */
import { formatMailbox, parseMailbox, type Mailbox } from '../address.ts';

/** ASCII without an at sign. */
const PLAIN = /^[\x20-\x3f\x41-\x7e]*$/;
/** Letters in a circle that look like it; the full-width and the small one become it by normalization. */
const AT_LOOKALIKE = /[\u24d0\u24b6\u{1f150}]/gu;
/** Full stops of other scripts, middle dots, bullets, and and zeros and tone marks that are drawn as a dot. */
const DOT_LOOKALIKE =
  /[\u00b7\u0660\u06d4\u06f0\u0701\u0702\u2022\u2027\u2219\u22c5\u3002\u30fb\ua4f8\ua60e\u{10a50}]/gu;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
/** Marks that turn the order of what stands around them: `elsewhere.example@` and `ceo` can show as one address. */
const TURNS_ORDER = /[\u061c\u200f]/;
/** What cannot belong to a local part in running text. Quotes can. */
const BEFORE_LOCAL = /[\s\p{Ps}\p{Pi},;:<>]/u;
const QUOTES = /["'`]/g;
/** White space and comments around an at sign are obsolete syntax (RFC 5322 section 4.4), which readers take. */
const BEFORE_DOMAIN = /^(?:[\s"'`\p{Pi}\p{Pf}]|\([^()]*\))*/u;
const DOMAIN_RUN = /^[^\s\p{Ps}\p{Pe}\p{Pi}\p{Pf}"'`,;:<>!?/\\]+/u;
const LITERAL = /^\[[^\]]+\]/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
/** No top-level domain has one letter, or begins with a digit: `5.30pm` and `1.2.3` are no domains. */
const TOP_LEVEL = /^(?:xn--|[\p{L}\p{M}]{2})/iu;

/** What reads as an address in the text of a display name, unless it is the mailbox's own. */
export function foreignAddress(text: string, mailbox: Mailbox): string | undefined {
  // most names: nothing in them can become an at sign
  if (PLAIN.test(text)) return undefined;
  const plain = text
    .replaceAll(AT_LOOKALIKE, '@')
    .normalize('NFKC')
    .replaceAll(INVISIBLE, '')
    .replaceAll(DOT_LOOKALIKE, '.');
  const pieces = plain.split('@');
  let local: string | undefined;
  for (const [index, right] of pieces.slice(1).entries()) {
    const left = pieces[index] ?? '';
    const word = localBefore(left);
    // `a@b@c.example` is no address of b's
    local = word === left && local !== undefined ? `${local}@${word}` : word;
    if (local === undefined) continue;
    const domain = domainAfter(right);
    if (domain === undefined) {
      if (TURNS_ORDER.test(text) && right.trim() !== '') return `${local}@${right.trim()}`;
    } else if (!isSame(`${local.replaceAll(QUOTES, '')}@${domain}`, mailbox)) {
      return `${local}@${domain}`;
    }
  }
  return undefined;
}

function isSame(text: string, mailbox: Mailbox): boolean {
  const found = parseMailbox(text);
  return found !== undefined && formatMailbox(found) === formatMailbox(mailbox);
}

/** The word that ends right before the at sign; one with a letter or digit where white space is between. */
function localBefore(text: string): string | undefined {
  const word = text.split(BEFORE_LOCAL).at(-1) ?? '';
  if (word.replaceAll(QUOTES, '') !== '') return word;
  const before = text.trimEnd().split(BEFORE_LOCAL).at(-1) ?? '';
  return /[\p{L}\p{N}]/u.test(before) ? before : undefined;
}

/** The domain of two labels or more, or the address literal, that begins after the at sign. */
function domainAfter(text: string): string | undefined {
  const rest = text.replace(BEFORE_DOMAIN, '');
  const literal = LITERAL.exec(rest)?.[0];
  if (literal !== undefined) return /[.:]/.test(literal) ? literal : undefined;
  const labels = DOMAIN_RUN.exec(rest)?.[0].split('.') ?? [];
  // the full stop of a sentence
  while (labels.at(-1) === '') labels.pop();
  if (labels.includes('')) return undefined;
  if (IPV4.test(labels.join('.'))) return labels.join('.');
  // what goes on behind a domain, without a space, does not make it none: `elsewhere.example.1`
  const last = labels.findLastIndex((label) => TOP_LEVEL.test(label));
  return last < 1 ? undefined : labels.slice(0, last + 1).join('.');
}
