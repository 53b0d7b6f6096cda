/** The From field of a message: exactly one, with exactly one mailbox. Whether its display name lies is judged here too. */
import { formatMailbox } from '../address.ts';
import { replies, type Reply } from '../replies.ts';
import { foreignAddress } from './display-name.ts';
import { decodings } from './encoded-words.ts';
import { charactersOf, unfold, unfoldTight, type HeaderField } from './header-section.ts';
import { ADDRESS_FIELD_MAX, parseMailboxList, type HeaderMailbox } from './mailbox-list.ts';

export interface Author extends HeaderMailbox {
  /** In what way the display name may lie, for people; a policy says whether that matters. */
  readonly nameProblem: string | undefined;
}

/** Makes a reply of a problem: words for people that fit after a colon. */
type Refuse = (problem: string) => Reply;

/** Line ends and other controls, and what turns the direction of text: it can spell one name and show another. */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** Reads the only From field among the fields of a message. */
export function readFrom(fields: readonly HeaderField[], { isUtf8 }: { readonly isUtf8: boolean }): Author | Reply {
  const [from, another] = fields.filter((field) => field.key === 'from');
  if (from === undefined) return replies.fromInvalid('there is no From field');
  if (another !== undefined) return replies.fromInvalid('there is more than one From field');
  return readAuthor(from, { refuse: replies.fromInvalid, isUtf8 });
}

/** Reads a field that says who wrote or sent the message and so has one mailbox: From, Sender, Resent-From... */
export function readAuthor(
  field: HeaderField,
  { refuse, isUtf8 }: { readonly refuse: Refuse; readonly isUtf8: boolean },
): Author | Reply {
  const octets = unfold(field.value);
  if (octets.length > ADDRESS_FIELD_MAX) {
    return refuse(`${field.name} is longer than ${ADDRESS_FIELD_MAX} octets`);
  }
  const text = charactersOf(octets, { isUtf8 });
  if (text === undefined) {
    return refuse(`${field.name} has octets outside ASCII; encode its name (RFC 2047), or send with SMTPUTF8`);
  }
  const [author, another] = parseMailboxList(text) ?? [];
  if (author === undefined) return refuse(`${field.name} is not a plain mailbox`);
  if (another !== undefined) return refuse(`${field.name} has more than one mailbox`);
  // some readers take the white space of a fold away with its line end
  const isFolded = octets.length < field.value.length;
  const [tight] = isFolded ? (parseMailboxList(charactersOf(unfoldTight(field.value), { isUtf8 }) ?? '') ?? []) : [];
  return readNames(field.name, author, { names: [author.name, tight?.name ?? ''], refuse });
}

function readNames(
  fieldName: string,
  author: HeaderMailbox,
  { names, refuse }: { readonly names: readonly string[]; readonly refuse: Refuse },
): Author | Reply {
  let nameProblem: string | undefined;
  for (const name of new Set(names)) {
    const texts = decodings(name);
    if (texts === undefined) nameProblem ??= 'cannot be decoded';
    for (const text of texts ?? []) {
      if (DECEPTIVE.test(text.replaceAll('\t', ' '))) {
        return refuse(`${fieldName}: its display name has control characters`);
      }
      const foreign = foreignAddress(text, author.mailbox);
      if (foreign === undefined) continue;
      // to a reader who looks for brackets, that is the address
      if (/[<>]/.test(text)) return refuse(`${fieldName}: its display name has another address in brackets`);
      nameProblem ??= `reads as another address than ${formatMailbox(author.mailbox)}: ${foreign}`;
    }
  }
  return { ...author, nameProblem };
}
