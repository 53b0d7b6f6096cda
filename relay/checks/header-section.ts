/**
 * The header section of a message (RFC 5322 section 2.2), read so that only one reading is possible. Anything that two
 * reasonable parsers could split differently is refused: a second From that only some of them see is the oldest way to
 * spoof.
 */
import { isUtf8 as isUtf8Text } from 'node:buffer';
import { isInternational } from '../address.ts';
import { replies, type Reply } from '../replies.ts';

export interface HeaderField {
  /** As written. */
  readonly name: string;
  /** In lower case, to compare. */
  readonly key: string;
  /** All after the colon, folds included and without the last line end; one character an octet (latin1). */
  readonly value: string;
  /** Where the field begins in the section. */
  readonly offset: number;
}

/** Octets of a line without its end (RFC 5322 section 2.1.1); longer ones are cut or folded by others on the way. */
const LINE_MAX = 998;
/** Far more than any real message has (some 100, when it comes over many hops); bounds the work done for each field. */
const FIELDS_MAX = 1000;

/** RFC 5322 ftext less the specials, which no field has in its name and which parsers may unquote or strip. */
const FIELD_LINE = /^([A-Za-z0-9!#$%&'*+\-.^_`|~]+):/;
const BARE_NEWLINE = /\0|\r(?!\n)|(?<!\r)\n/;
/**
 * Some parsers end a line at VT, FF, NEL (U+0085), U+2028 or U+2029, the last three here in UTF-8 as latin1 shows it. No
 * mail needs them in a header. A lone octet 0x85 passes: it is the second half of letters such as U+00C5.
 */
const CONTROL = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2\x85|\xe2\x80[\xa8\xa9]/;

/**
 * Reads a header section up to its empty line. A message without one has no body, which is allowed (RFC 5322 section
 * 3.5): then the section is the whole message.
 *
 * Octets above 127 pass here, as programs have sent them for longer than there was a standard for it, and other servers take
 * them; fields with addresses refuse them. Of a client that says that they are UTF-8, nothing else is taken.
 */
export function scanHeaderSection(
  section: Buffer,
  options: { readonly headerBytes: number; readonly isUtf8?: boolean; readonly fieldsMax?: number },
): readonly HeaderField[] | Reply {
  const { headerBytes, isUtf8 = false, fieldsMax = FIELDS_MAX } = options;
  if (section.length > headerBytes) return replies.headerInvalid(`larger than ${headerBytes} octets`);
  if (isUtf8 && !isUtf8Text(section)) return replies.headerInvalid('it is not in UTF-8, which SMTPUTF8 asks for');
  const text = section.toString('latin1');
  if (BARE_NEWLINE.test(text)) return replies.bareNewline();
  const lines = splitLines(text);
  if (lines === undefined) return replies.headerInvalid('its last line has no end');
  const fields: { name: string; start: number; end: number }[] = [];
  for (const [index, { start, end }] of lines.entries()) {
    const line = text.slice(start, end);
    const problem = problemOf(line, fields.length, fieldsMax);
    if (problem !== undefined) return replies.headerInvalid(`line ${index + 1} ${problem}`);
    const name = FIELD_LINE.exec(line)?.[1];
    const last = fields.at(-1);
    if (name !== undefined) fields.push({ name, start, end });
    else if (last !== undefined) last.end = end;
  }
  return fields.map(({ name, start, end }) => ({
    name,
    key: name.toLowerCase(),
    value: text.slice(start + name.length + 1, end),
    offset: start,
  }));
}

/** A field body on one line: folds lose their line end (RFC 5322 section 2.2.3). */
export function unfold(value: string): string {
  return value.replaceAll('\r\n', '');
}

/** The same, less the white space that a fold begins with. */
export function unfoldTight(value: string): string {
  return value.replaceAll(/\r\n[ \t]+/g, '');
}

/**
 * The characters of a field body that has one character per octet; undefined where nobody has said which ones its
 * octets stand for.
 */
export function charactersOf(octets: string, { isUtf8 }: { readonly isUtf8: boolean }): string | undefined {
  if (!isInternational(octets)) return octets;
  return isUtf8 ? Buffer.from(octets, 'latin1').toString('utf8') : undefined;
}

function problemOf(line: string, fieldsBefore: number, fieldsMax: number): string | undefined {
  if (line.length > LINE_MAX) return `is longer than ${LINE_MAX} octets`;
  if (CONTROL.test(line)) return 'has a control character';
  if (/^[ \t]/.test(line)) {
    if (fieldsBefore === 0) return 'continues a field, but there is none before';
    // an end of the header to some, a continuation to others (obs-FWS)
    return /^[ \t]+$/.test(line) ? 'has white space only' : undefined;
  }
  if (!FIELD_LINE.test(line)) return 'is not a header field';
  return fieldsBefore >= fieldsMax ? `is field number ${fieldsMax + 1}` : undefined;
}

/** Lines up to the first empty one, without their ends; undefined where the last one has none. */
function splitLines(text: string): { start: number; end: number }[] | undefined {
  const lines: { start: number; end: number }[] = [];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\r\n', start);
    if (end === -1) return undefined;
    if (end === start) return lines;
    lines.push({ start, end });
    start = end + 2;
  }
  return lines;
}
