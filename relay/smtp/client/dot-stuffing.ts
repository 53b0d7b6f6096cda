/**
 * Content as DATA carries it (RFC 5321 section 4.5.2): a dot at the start of a line is doubled, and a line with nothing
 * but a dot ends it. Pieces without such a line are passed on as they are, without a copy.
 */

const LF = 0x0a;
const CR = 0x0d;
const DOT = Buffer.from('.');

export interface DotStuffer {
  push(piece: Buffer): Buffer[];
  /** What is to follow the last piece. */
  end(): Buffer;
}

export function createDotStuffer(): DotStuffer {
  let [last, beforeLast] = [LF, CR];
  return {
    push: (piece) => {
      const parts: Buffer[] = [];
      if (piece.length === 0) return parts;
      if (last === LF && piece[0] === DOT[0]) parts.push(DOT);
      let from = 0;
      for (let at = piece.indexOf('\n.', 0, 'latin1'); at !== -1; at = piece.indexOf('\n.', from, 'latin1')) {
        parts.push(piece.subarray(from, at + 1), DOT);
        from = at + 1;
      }
      parts.push(piece.subarray(from));
      [last, beforeLast] = [piece.at(-1) ?? last, piece.at(-2) ?? last];
      return parts;
    },
    end: () => Buffer.from(last === LF && beforeLast === CR ? '.\r\n' : '\r\n.\r\n'),
  };
}
