/**
 * Reads the octets between the 354 and the final dot: finds the one true end, undoes dot-stuffing, and notices whatever
 * another parser could read differently. Goes from line to line with the runtime's own search, and never over the same
 * octets again, so that no body costs more than any other.
 */
import { isAscii } from 'node:buffer';

const NUL = 0x00;
const DOT = 0x2e;
const NOTHING = Buffer.alloc(0);

export interface DataScanner {
  /**
   * Reads the next octets. `content` is what they add to the message, mostly without a copy; `consumed` is less than their
   * number only when the final dot was among them: what follows is not ours to read.
   */
  scan(chunk: Buffer): { content: Buffer; consumed: number };
  /** The final CRLF "." CRLF has been read. */
  readonly ended: boolean;
  /** There was a CR or LF outside of CRLF, or a NUL: a lenient parser may see another end of the data (SMTP smuggling). */
  readonly hasBareNewline: boolean;
  /** There was an octet above 127. */
  readonly isEightBit: boolean;
  /** Octets of the longest line so far, without its CRLF and as it was sent. */
  readonly longestLine: number;
}

export function createDataScanner(): DataScanner {
  let ended = false;
  let hasBareNewline = false;
  let isEightBit = false;
  let longestLine = 0;
  /** Of a line that goes on in the next chunk. */
  let lineSoFar = 0;
  /** What only the next octets can tell the meaning of: a CR, or a dot at the start of a line with or without one. */
  let carried: Buffer = NOTHING;

  function scan(chunk: Buffer): { content: Buffer; consumed: number } {
    const octets = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
    const before = carried.length;
    const { content, end } = readLines(octets);
    carried = ended ? NOTHING : octets.subarray(end);
    const read = octets.subarray(0, end);
    if (read.includes(NUL)) hasBareNewline = true;
    if (!isEightBit && !isAscii(read)) isEightBit = true;
    return { content, consumed: ended ? end - before : chunk.length };
  }

  /** The content in these octets, and where the first of them is that is not read yet. */
  function readLines(octets: Buffer): { content: Buffer; end: number } {
    const text = octets.toString('latin1');
    const content = createPieces(octets);
    let at = 0;
    while (at < text.length) {
      if (lineSoFar === 0 && text.charCodeAt(at) === DOT) {
        const after = text.slice(at + 1, at + 3);
        if (after === '\r\n') ended = true;
        if (ended) return { content: content.upTo(at), end: at + 3 };
        if (after === '' || after === '\r') return { content: content.upTo(at), end: at };
        // a dot that starts a line never belongs to the content (RFC 5321 section 4.5.2)
        content.skip(at);
      }
      const next = lineEnd(text, at);
      const isWhole = next !== undefined;
      // a CR at the very end is of this line only where no LF follows
      const end = next ?? (text.endsWith('\r') ? text.length - 1 : text.length);
      lineSoFar += end - at;
      longestLine = Math.max(longestLine, isWhole ? lineSoFar - '\r\n'.length : lineSoFar);
      if (!isWhole) return { content: content.upTo(end), end };
      lineSoFar = 0;
      at = end;
    }
    return { content: content.upTo(at), end: at };
  }

  /** Where the line after this one begins: only CRLF starts one, so after a bare LF a dot is text. */
  function lineEnd(text: string, at: number): number | undefined {
    if (!hasBareNewline) {
      const [lf, cr] = [text.indexOf('\n', at), text.indexOf('\r', at)];
      if (lf > 0 && cr === lf - 1) return lf + 1;
      if (lf === -1 && (cr === -1 || cr === text.length - 1)) return undefined;
      hasBareNewline = true;
    }
    const crlf = text.indexOf('\r\n', at);
    return crlf === -1 ? undefined : crlf + 2;
  }

  return {
    scan,
    get ended() {
      return ended;
    },
    get hasBareNewline() {
      return hasBareNewline;
    },
    get isEightBit() {
      return isEightBit;
    },
    get longestLine() {
      return longestLine;
    },
  };
}

/** Octets less some of them: copied only where there is one to leave out. */
function createPieces(octets: Buffer) {
  let copy: Buffer | undefined;
  let length = 0;
  let from = 0;

  function take(to: number): void {
    copy ??= Buffer.allocUnsafe(octets.length);
    length += octets.copy(copy, length, from, to);
  }

  return {
    /** Leaves out the octet at this place. */
    skip(at: number): void {
      take(at);
      from = at + 1;
    },
    upTo(end: number): Buffer {
      if (copy === undefined) return octets.subarray(0, end);
      take(end);
      return copy.subarray(0, length);
    },
  };
}
