/**
 * A mailbox-list (RFC 5322 section 3.4) of which there is one reading only: a grammar narrower than the RFC's, so narrow
 * that parsers by others find the very same addresses in whatever it takes (mailbox-list.test.ts tries two of them). No
 * groups, routes, nested comments, quoted local parts, address literals, or white space within an address. Beyond ASCII (RFC
 * 6532), addresses are of characters that nobody maps to others: what is sent on is what was written, for who knows whom.
 */
import { isUnambiguous, parseMailbox, type Mailbox } from '../address.ts';

export interface HeaderMailbox {
  /** Canonical. */
  readonly mailbox: Mailbox;
  /** The address as written. */
  readonly address: string;
  /** The display name, unquoted, with the comments in their parentheses; white space and encoded-words as they are. */
  readonly name: string;
}

/** Octets of one address field: a long name in encoded-words needs 800. */
export const ADDRESS_FIELD_MAX = 1024;
/**
 * Words, comments, white space and dots of one mailbox, its address counted as one: room for a name of 30 words. What is
 * longer is no name, and may be there to push the address out of sight.
 */
const PIECES_MAX = 64;

/** In a name, whatever shows otherwise than it is read is found once it is decoded (from-header.ts). */
const ATEXT = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]|[^\\x00-\\x7f\\s]";
/** A dot may stand in a phrase (obs-phrase): `Dr. Example` is written without quotes more often than with. */
const ADDRESS = `(?:${ATEXT}|\\.)+@(?:${ATEXT}|\\.)+`;
const TOKEN = new RegExp(
  [
    '(?<space>[ \\t]+)',
    '(?<comma>,)',
    `<(?<angle>${ADDRESS})>`,
    `(?<bare>${ADDRESS})`,
    `(?<word>(?:${ATEXT}|\\.)+)`,
    '"(?<quoted>(?:[ \\t!#-[\\]-~]|[^\\x00-\\x7f]|\\\\["\\\\])*)"',
    // plain text only: what could be a list or a nested comment is not the same to every reader
    "\\((?<comment>(?:[A-Za-z0-9 \\t!#$%&'*+\\-./=?@^_`{|}~]|[^\\x00-\\x7f\\s])*)\\)",
  ].join('|'),
  'yu',
);

interface Entry {
  name: string;
  hasName: boolean;
  /** Words or quoted text, as against comments. */
  hasPhrase: boolean;
  address: string | undefined;
  pieces: number;
}

function newEntry(): Entry {
  return { name: '', hasName: false, hasPhrase: false, address: undefined, pieces: 0 };
}

/** Mailboxes of an unfolded field body, at least one; undefined where it is malformed or open to a second reading. */
export function parseMailboxList(text: string): readonly HeaderMailbox[] | undefined {
  if (text.length > ADDRESS_FIELD_MAX) return undefined;
  const entries = [newEntry()];
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.groups;
    const entry = entries.at(-1);
    if (token === undefined || entry === undefined || !addToken(entry, token)) return undefined;
    if (token['comma'] !== undefined) entries.push(newEntry());
    at = TOKEN.lastIndex;
  }
  const mailboxes = entries.map(toMailbox);
  return mailboxes.every((mailbox) => mailbox !== undefined) ? mailboxes : undefined;
}

/** Whether the token may stand there: words and one angle address, or one bare address; then only comments. */
function addToken(entry: Entry, token: Readonly<Record<string, string | undefined>>): boolean {
  const { angle, bare, space, word, quoted, comment } = token;
  entry.pieces += space?.length ?? 1 + ((word ?? quoted ?? comment)?.match(/[ \t.]/g)?.length ?? 0);
  if (entry.pieces > PIECES_MAX) return false;
  if (bare !== undefined && entry.hasName) return false;
  const address = angle ?? bare;
  if (address !== undefined) {
    if (entry.address !== undefined) return false;
    entry.address = address;
    return true;
  }
  const said = word ?? quoted?.replaceAll(/\\(.)/g, '$1');
  if (said !== undefined && entry.address !== undefined) return false;
  // a dot goes on with a phrase (obs-phrase), and begins none
  if (word?.startsWith('.') && !entry.hasPhrase) return false;
  entry.hasPhrase ||= said !== undefined;
  entry.hasName ||= (said ?? comment) !== undefined;
  entry.name += said ?? space ?? (comment === undefined ? '' : `(${comment})`);
  return true;
}

function toMailbox({ name, address = '' }: Entry): HeaderMailbox | undefined {
  // some readers decode encoded-words wherever they stand (RFC 2047 section 5 forbids them in an address)
  const mailbox = address.includes('=?') || !isUnambiguous(address) ? undefined : parseMailbox(address);
  return mailbox === undefined ? undefined : { mailbox, address, name: name.trim() };
}
