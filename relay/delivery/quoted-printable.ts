/** Quoted-printable (RFC 2045 section 6.7) for lines that end in CRLF; what is ASCII in them stays readable. */

/** Octets of a line without its end. */
const LINE_MAX = 76;
const NOT_PLAIN = /[^\t\x20-\x3c\x3e-\x7e]|[\t ]$/g;
const UNIT = /=[0-9A-F]{2}|[^=]/g;

export function toQuotedPrintable(bytes: Buffer): string {
  return bytes.toString('latin1').split('\r\n').map(encodeLine).join('\r\n');
}

function encodeLine(line: string): string {
  const encoded = line.replace(NOT_PLAIN, (octet) => {
    return `=${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  if (encoded.length <= LINE_MAX) return encoded;
  const lines = [''];
  for (const unit of encoded.match(UNIT) ?? []) {
    const last = lines.at(-1) ?? '';
    // one octet is left for the sign that the line goes on
    if (last.length + unit.length < LINE_MAX) lines[lines.length - 1] = last + unit;
    else lines.push(unit);
  }
  return lines.join('=\r\n');
}
