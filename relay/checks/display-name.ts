/**
 * Display names that lie. A mail client shows the name, often nothing else, and some readers find an address in it:
 * `"ceo@elsewhere.example" <orders@shop.example>` is the cheapest spoof of all. So a name may hold no address but the
 * mailbox's own (which many clients put there). Mailing lists that write `A via B` need no address in it either.
 */
import { formatMailbox, parseMailbox, type Mailbox } from '../address.ts';

/** RFC 2047 section 2; the language of RFC 2231 section 5 is dropped. */
const ENCODED_WORD = /=\?([\w-]+)(?:\*[\w-]*)?\?([bq])\?([!->@-~]*)\?=/gi;
/** Padded, as some readers join the text of words whose last four characters are not complete, and decode it as one. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const QUOTED_PRINTABLE = /^(?:[^=]|=[0-9A-F]{2})*$/i;
/** Line ends and other controls, and what turns the direction of text: it can spell one name and show another. */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069<>]/u;
/** What ends an address in running text: white space, quotes of any kind, brackets, separators. */
const BETWEEN_ADDRESSES = /[\s"'(),:;<>[\\\]]+/;

/** What is wrong with the words of a display name, for people; undefined where it is harmless. */
export function displayNameProblem(words: readonly string[], mailbox: Mailbox): string | undefined {
  for (const word of words) {
    // compatibility forms such as a full-width at sign look the same
    const text = decode(word)?.replaceAll('\t', ' ').normalize('NFKC');
    if (text === undefined) return 'its display name cannot be decoded';
    if (DECEPTIVE.test(text)) return 'its display name has control characters or angle brackets';
    const addresses = text.split(BETWEEN_ADDRESSES).filter((part) => part.includes('@'));
    if (!addresses.every((address) => isSame(address, mailbox))) return 'its display name has another address';
  }
  return undefined;
}

function isSame(text: string, mailbox: Mailbox): boolean {
  const found = parseMailbox(text);
  return found !== undefined && formatMailbox(found) === formatMailbox(mailbox);
}

/** Encoded-words decoded, within quotes too, as many clients do; undefined where one of them is malformed. */
function decode(word: string): string | undefined {
  let isWhole = true;
  const text = word.replaceAll(ENCODED_WORD, (_, charset: string, encoding: string, encoded: string) => {
    const decoded = decodeBytes(charset, bytesOf(encoding.toLowerCase(), encoded));
    isWhole &&= decoded !== undefined;
    return decoded ?? '';
  });
  // what is left of an almost-encoded word is one to a lenient reader
  const rest = word.replaceAll(ENCODED_WORD, '');
  return isWhole && !rest.includes('=?') ? text : undefined;
}

function bytesOf(encoding: string, encoded: string): Buffer | undefined {
  if (encoding === 'b') return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
  if (!QUOTED_PRINTABLE.test(encoded)) return undefined;
  const octets = encoded
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1');
}

/**
 * UTF-16 is left out: readers that ignore the charset would see other text. So are malformed octets: a character cut in
 * two by the end of an encoded-word is made whole by some readers.
 */
function decodeBytes(charset: string, bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    const decoder = new TextDecoder(charset, { fatal: true });
    return decoder.encoding.startsWith('utf-16') ? undefined : decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
