/**
 * Reads the octets between the 354 and the final dot: finds the one true end, undoes dot-stuffing, and notices whatever
 * another parser could read differently. One pass, one step an octet, so that no body costs more than any other.
 */

/** What the octets of the current line have been so far. */
const LINE_START = 0;
const TEXT = 1;
/** A CR that was not the first octet after a lone dot. */
const CR = 2;
/** A dot at the start of a line: transparency (RFC 5321 section 4.5.2), or the end of the data. */
const DOT = 3;
const DOT_CR = 4;

const NUL = 0x00;
const LF_OCTET = 0x0a;
const CR_OCTET = 0x0d;
const DOT_OCTET = 0x2e;

export interface DataScanner {
  /**
   * Reads the next octets. `content` is what they add to the message; `consumed` is less than their number only when
   * the final dot was among them: what follows is not ours to read.
   */
  scan(chunk: Buffer): { content: Buffer; consumed: number };
  /** The final CRLF "." CRLF has been read. */
  readonly ended: boolean;
  /** There was a CR or LF outside of CRLF, or a NUL: a lenient parser may see another end of the data (SMTP smuggling). */
  readonly hasBareNewline: boolean;
  /** There was an octet above 127. */
  readonly isEightBit: boolean;
}

export function createDataScanner(): DataScanner {
  let state = LINE_START;
  let ended = false;
  let hasBareNewline = false;
  let bits = 0;

  function scan(chunk: Buffer): { content: Buffer; consumed: number } {
    const content = Buffer.allocUnsafe(chunk.length);
    // local copies, and the common case (text, CRLF) in few steps: this loop runs for each octet of each message
    const size = chunk.length;
    let [length, at, line, seen] = [0, 0, state, bits];
    while (at < size && !ended) {
      let octet = chunk[at++] ?? NUL;
      if (line === TEXT) {
        while (octet > CR_OCTET && at < size) {
          seen |= octet;
          content[length++] = octet;
          octet = chunk[at++] ?? NUL;
        }
      }
      seen |= octet;
      if (octet > CR_OCTET && line <= TEXT) {
        if (line === LINE_START && octet === DOT_OCTET) {
          line = DOT;
          continue;
        }
        line = TEXT;
      } else if (octet === CR_OCTET && line <= TEXT) {
        line = CR;
      } else if (octet === LF_OCTET && line === CR) {
        line = LINE_START;
      } else {
        ended = line === DOT_CR && octet === LF_OCTET;
        if (octet === NUL || isBare(line, octet)) hasBareNewline = true;
        line = nextState(line, octet);
        // a dot that starts a line never belongs to the content, nor do the octets of the final line
        if (line >= DOT || ended) continue;
      }
      content[length++] = octet;
    }
    state = line;
    bits = seen;
    return { content: content.subarray(0, length), consumed: at };
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
      return bits > 0x7f;
    },
  };
}

/** CR without LF, or LF without CR. */
function isBare(state: number, octet: number): boolean {
  return (state === CR || state === DOT_CR) !== (octet === LF_OCTET);
}

/** The state after a control octet, or after any octet that follows CR or a dot. */
function nextState(state: number, octet: number): number {
  if (octet === CR_OCTET) return state === DOT ? DOT_CR : CR;
  // only CRLF starts a line: after a bare LF, a dot is text
  return octet === LF_OCTET && state === CR ? LINE_START : TEXT;
}
