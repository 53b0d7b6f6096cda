/**
 * The fields that a DKIM signature of the message covers, present or not: a signature that names an absent field breaks
 * once somebody adds that field (RFC 6376 section 5.4.2), and one that names a present field breaks once it is removed.
 */
import { unfold, type HeaderField } from './header-section.ts';

/** ARC (RFC 8617) signs what a message was when it came by, in the same syntax. */
const SIGNATURES = new Set(['dkim-signature', 'arc-message-signature']);
/** `h=` of a tag-list (RFC 6376 section 3.2): white space, folds included, may stand around each of its parts. */
const NAMES_TAG = /^[ \t]*h[ \t]*=/i;

/**
 * Names in lower case. Of malformed signatures too, as far as they can be read: whether anybody accepts one is not ours
 * to say, and without our fields it is no worse than it was. Linear in the octets of the signatures.
 */
export function signedFields(fields: readonly HeaderField[]): ReadonlySet<string> {
  return new Set(signaturesOf(fields).flat());
}

/** Whether a signature says that there is no further Received field: it would fail by ours, which cannot be left out. */
export function forbidsReceived(fields: readonly HeaderField[]): boolean {
  const present = fields.filter(({ key }) => key === RECEIVED).length;
  return signaturesOf(fields).some((names) => names.filter((name) => name === RECEIVED).length > present);
}

const RECEIVED = 'received';

/** The names in each signature, as often as they are there. */
function signaturesOf(fields: readonly HeaderField[]): readonly (readonly string[])[] {
  return fields
    .filter(({ key }) => SIGNATURES.has(key))
    .map(({ value }) => {
      const tags = unfold(value).split(';');
      return tags.filter((tag) => NAMES_TAG.test(tag)).flatMap(namesIn);
    });
}

function namesIn(tag: string): string[] {
  const names = tag.replace(NAMES_TAG, '').split(':');
  return names.map((name) => name.replaceAll(/[ \t]/g, '').toLowerCase());
}
