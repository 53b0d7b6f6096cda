/**
 * Encoded-words (RFC 2047), decoded as mail readers do it: by the strict ones, and by those that are more lenient than
 * the RFC.
 */

/** RFC 2047 section 2; the language of RFC 2231 section 5 is dropped. */
const WORD = String.raw`=\?([\w-]+)(?:\*[\w-]*)?\?([bq])\?([!->@-~]*)\?=`;
const ENCODED_WORD = new RegExp(WORD, 'gi');
const RUN = new RegExp(`(?:${WORD})+`, 'gi');
/** White space between two encoded-words is not part of the text (RFC 2047 section 6.2). */
const BETWEEN_WORDS = /(?<=\?=)[ \t]+(?==\?)/g;
/** Padded, as some readers join the text of words whose last four characters are not complete, and decode it as one. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const QUOTED_PRINTABLE = /^(?:[^=]|=[0-9A-F]{2})*$/i;
/** Some readers decode what they have decoded. No honest sender encodes twice, so that this is generous. */
const DEPTH_MAX = 3;

interface Piece {
  readonly charset: string;
  readonly bytes: Buffer;
}

/**
 * Every text that a reader may make of this one; undefined where an encoded-word is malformed or in a charset that we do
 * not know, so that nobody can tell. Decoded within quotes too, as many clients do.
 */
export function decodings(text: string): readonly string[] | undefined {
  if (!text.includes('=?')) return [text];
  // what is left of an almost-encoded word is one to a lenient reader
  if (text.replaceAll(ENCODED_WORD, '').includes('=?')) return undefined;
  return decodeAll(text, DEPTH_MAX);
}

function decodeAll(text: string, depth: number): readonly string[] | undefined {
  const runs = [...text.replaceAll(BETWEEN_WORDS, '').matchAll(RUN)];
  if (runs.length === 0) return [text];
  if (depth === 0) return undefined;
  const pieces = runs.map(([run]) => piecesOf(run));
  if (!pieces.every((run) => run !== undefined)) return undefined;
  // a character cut in two by the end of a word is made whole by some readers, and replaced by others
  const joined = pieces.map(joinPieces);
  if (!joined.every(isWhole) && !pieces.every(isWhole)) return undefined;
  const readings = new Set<string>();
  for (const reading of [joined, pieces]) {
    let next = 0;
    const decoded = text.replaceAll(BETWEEN_WORDS, '').replaceAll(RUN, () => textOf(reading[next++] ?? []));
    const inner = decodeAll(decoded, depth - 1);
    if (inner === undefined) return undefined;
    for (const one of inner) readings.add(one);
  }
  return [...readings];
}

/** The words of a run; undefined where one is malformed. */
function piecesOf(run: string): readonly Piece[] | undefined {
  const pieces = [...run.matchAll(ENCODED_WORD)].map(([, charset = '', encoding = '', encoded = '']) => {
    const bytes = bytesOf(encoding.toLowerCase(), encoded);
    return bytes === undefined || !isKnown(charset) ? undefined : { charset: charset.toLowerCase(), bytes };
  });
  return pieces.every((piece) => piece !== undefined) ? pieces : undefined;
}

function joinPieces(pieces: readonly Piece[]): readonly Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (last?.charset !== piece.charset) joined.push(piece);
    else joined[joined.length - 1] = { ...piece, bytes: Buffer.concat([last.bytes, piece.bytes]) };
  }
  return joined;
}

function bytesOf(encoding: string, encoded: string): Buffer | undefined {
  if (encoding === 'b') return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
  if (!QUOTED_PRINTABLE.test(encoded)) return undefined;
  const octets = encoded
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1');
}

/** UTF-16 is left out: readers that ignore the charset would see other text. */
function isKnown(charset: string): boolean {
  try {
    return !new TextDecoder(charset).encoding.startsWith('utf-16');
  } catch {
    return false;
  }
}

function isWhole(pieces: readonly Piece[]): boolean {
  try {
    for (const { charset, bytes } of pieces) new TextDecoder(charset, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ charset, bytes }) => new TextDecoder(charset).decode(bytes)).join('');
}
