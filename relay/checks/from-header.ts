/** The From field of a message: exactly one, with exactly one mailbox, whose display name tells no lies. */
import { displayNameProblem } from './display-name.ts';
import { unfold, type HeaderField } from './header-section.ts';
import { ADDRESS_FIELD_MAX, parseMailboxList, type HeaderMailbox } from './mailbox-list.ts';

export type AuthorReading =
  | { readonly ok: true; readonly author: HeaderMailbox }
  /** `problem` is for people, in words that fit after a colon. */
  | { readonly ok: false; readonly problem: string };

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
  const problem = displayNameProblem(author.words, author.mailbox);
  return problem === undefined ? { ok: true, author } : { ok: false, problem: `${field.name}: ${problem}` };
}
