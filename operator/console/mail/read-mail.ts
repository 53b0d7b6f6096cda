/** A message as people read it. A broken one is read as far as possible, and nothing in it is followed or run. */
import PostalMime from 'postal-mime';

export interface ReadableMail {
  readonly subject: string;
  readonly from: string;
  /** The fields of its header section, decoded, in their order. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly attachments: readonly Attachment[];
  /** Why it could not be read, for people. */
  readonly problem?: string;
}

export interface Attachment {
  readonly name: string;
  /** As the message says; for people to read, and no more. */
  readonly type: string;
  readonly content: Uint8Array;
  readonly contentId: string | undefined;
}

/** Real messages have three or four; each costs a little stack. */
const NESTING_MAX = 32;
const HEADER_MAX = 512 * 1024;
/** A message of many thousands of parts is an attack on whoever looks at it. */
const ATTACHMENTS_MAX = 200;
/** Each part takes kilobytes of memory, and six octets of a mail make one. */
const BOUNDARIES_MAX = 10_000;
/** Real messages have a hundred; each is a row of a page. */
export const HEADERS_MAX = 500;
const NAME_MAX = 120;
/** Beside it, what may be taken off its ends: looking for that takes the square of its length. */
const NAME_READ_MAX = 1024;

export async function readMail(bytes: Uint8Array): Promise<ReadableMail> {
  try {
    if (hasTooManyParts(bytes)) throw new Error('it has too many parts');
    const mail = await PostalMime.parse(bytes, { maxNestingDepth: NESTING_MAX, maxHeadersSize: HEADER_MAX });
    const headers = mail.headers.map(({ originalKey, key, value }) => ({ name: originalKey ?? key, value }));
    const { subject = '', text, html, attachments } = mail;
    const from = headers.find(({ name }) => name.toLowerCase() === 'from')?.value ?? '';
    return {
      subject,
      from,
      headers: headers.slice(0, HEADERS_MAX),
      text,
      html,
      attachments: attachments.slice(0, ATTACHMENTS_MAX).map(viewAttachment),
    };
  } catch (error) {
    const problem = `It cannot be taken apart: ${error instanceof Error ? error.message : 'it is broken'}. Its source is shown as it is.`;
    return { subject: '', from: '', headers: [], text: undefined, html: undefined, attachments: [], problem };
  }
}

/** Lines that begin as a boundary does, whether they are one or not. */
function hasTooManyParts(bytes: Uint8Array): boolean {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let found = 0;
  for (let at = content.indexOf(LINE_OF_BOUNDARY); at >= 0; at = content.indexOf(LINE_OF_BOUNDARY, at + 1)) {
    if (++found > BOUNDARIES_MAX) return true;
  }
  return false;
}

const LINE_OF_BOUNDARY = '\n--';

type Parsed = Awaited<ReturnType<typeof PostalMime.parse>>['attachments'][number];

function viewAttachment({ filename, mimeType, content, contentId }: Parsed, index: number): Attachment {
  const bytes = typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
  return { name: plainName(filename, index), type: mimeType, content: bytes, contentId };
}

/** The last part of whatever path it is, without what would steer a file system or the direction of a line. */
function plainName(name: string | null | undefined, index: number): string {
  const last = (name ?? '').split(/[\\/]/).at(-1)?.slice(0, NAME_READ_MAX) ?? '';
  const plain = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}:*?"<>|]/gu, '_').replace(/^[.\s]+|[.\s]+$/g, '');
  return plain === '' ? `attachment-${index + 1}` : plain.slice(0, NAME_MAX);
}
