/** The From field of a message: exactly one, with exactly one mailbox. Whether its display name lies is judged here too. */
import { formatMailbox } from '../address.ts';
import { foreignAddress } from './display-name.ts';
import { decodings } from './encoded-words.ts';
import { unfold, unfoldTight, type HeaderField } from './header-section.ts';
import { ADDRESS_FIELD_MAX, parseMailboxList, type HeaderMailbox } from './mailbox-list.ts';

export interface Author extends HeaderMailbox {
  /** In what way the display name may lie, for people; a policy says whether that matters. */
  readonly nameProblem: string | undefined;
}

export type AuthorReading =
  | { readonly ok: true; readonly author: Author }
  /** `problem` is for people, in words that fit after a colon. */
  | { readonly ok: false; readonly problem: string };

/** Line ends and other controls, and what turns the direction of text: it can spell one name and show another. */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** Reads the only From field among the fields of a message. */
export function readFrom(fields: readonly HeaderField[]): AuthorReading {
  const [from, another] = fields.filter((field) => field.key === 'from');
  if (from === undefined) return { ok: false, problem: 'there is no From field' };
  if (another !== undefined) return { ok: false, problem: 'there is more than one From field' };
  return readAuthor(from);
}

/** Reads a field that says who wrote or sent the message and so has one mailbox: From, Sender, Resent-From... */
export function readAuthor(field: HeaderField): AuthorReading {
  const text = unfold(field.value);
  if (text.length > ADDRESS_FIELD_MAX) {
    return { ok: false, problem: `${field.name} is longer than ${ADDRESS_FIELD_MAX} octets` };
  }
  if (/[^\t\x20-\x7e]/.test(text)) return { ok: false, problem: `${field.name} has octets outside ASCII` };
  const [author, another] = parseMailboxList(text) ?? [];
  if (author === undefined) return { ok: false, problem: `${field.name} is not a plain mailbox` };
  if (another !== undefined) return { ok: false, problem: `${field.name} has more than one mailbox` };
  // some readers take the white space of a fold away with its line end
  const [tight] = parseMailboxList(unfoldTight(field.value)) ?? [];
  return readNames(field.name, author, [author.name, tight?.name ?? '']);
}

function readNames(fieldName: string, author: HeaderMailbox, names: readonly string[]): AuthorReading {
  let nameProblem: string | undefined;
  for (const name of new Set(names)) {
    const texts = decodings(name);
    if (texts === undefined) nameProblem ??= 'cannot be decoded';
    for (const text of texts ?? []) {
      if (DECEPTIVE.test(text.replaceAll('\t', ' '))) {
        return { ok: false, problem: `${fieldName}: its display name has control characters` };
      }
      const foreign = foreignAddress(text, author.mailbox);
      if (foreign === undefined) continue;
      // to a reader who looks for brackets, that is the address
      if (/[<>]/.test(text))
        return { ok: false, problem: `${fieldName}: its display name has another address in brackets` };
      nameProblem ??= `reads as another address than ${formatMailbox(author.mailbox)}: ${foreign}`;
    }
  }
  return { ok: true, author: { ...author, nameProblem } };
}
