/**
 * Sends the content of a message: by DATA, or in one chunk (RFC 3030), and never more of it at once than the server
 * takes.
 */
import { createDotStuffer } from './dot-stuffing.ts';
import { ConnectionBroken, type Deadline, type Wire } from './wire.ts';

/** In memory, or in pieces that are fetched one by one. */
export type MailContent = readonly Buffer[] | AsyncIterable<Buffer>;

/**
 * `answered`: a reply came while some was left to send; what is sent now would be mail or commands to the server, nobody
 * knows which. `unreadable`: it could not be read, or is not of its size.
 */
export type SentAs = 'whole' | 'answered' | 'unreadable';

/** Up to here it leaves in one write; beyond it, in pieces of this size. */
const PIECE_BYTES = 256 * 1024;

/** Leaves the reply to read. Throws `ConnectionBroken`. */
export async function sendContent(
  wire: Wire,
  { content, size }: { readonly content: MailContent; readonly size: number },
  { isChunked, deadline }: { readonly isChunked: boolean; readonly deadline: Deadline },
): Promise<SentAs> {
  if (wire.hasReply()) return 'answered';
  const stuffer = createDotStuffer();
  const encode = (piece: Buffer) => (isChunked ? [piece] : stuffer.push(piece));
  const begin = isChunked ? [`BDAT ${size} LAST\r\n`] : [];
  // DATA has announced its second answer
  const announced = begin.length;
  const end = () => (isChunked ? [] : [stuffer.end()]);
  if (isInMemory(content) && size <= PIECE_BYTES) {
    if (lengthOf(content) !== size) return 'unreadable';
    const parts: (string | Buffer)[] = begin;
    for (const piece of content) parts.push(...encode(piece));
    wire.write(parts.concat(end()), announced);
    return 'whole';
  }
  wire.write(begin, announced);
  let sent = 0;
  try {
    for await (const piece of isInMemory(content) ? smaller(content) : content) {
      sent += piece.length;
      if (sent > size) return 'unreadable';
      wire.write(encode(piece), 0);
      await wire.untilWritable(deadline);
      const isWhole = isChunked && sent === size;
      if (wire.hasReply() && !isWhole) return 'answered';
    }
  } catch (error) {
    if (error instanceof ConnectionBroken) throw error;
    return 'unreadable';
  }
  if (sent !== size) return 'unreadable';
  wire.write(end(), 0);
  return 'whole';
}

function* smaller(content: readonly Buffer[]): Generator<Buffer> {
  for (const piece of content) {
    for (let at = 0; at < piece.length; at += PIECE_BYTES) yield piece.subarray(at, at + PIECE_BYTES);
  }
}

function lengthOf(content: readonly Buffer[]): number {
  return content.reduce((sum, { length }) => sum + length, 0);
}

function isInMemory(content: MailContent): content is readonly Buffer[] {
  return Array.isArray(content);
}
