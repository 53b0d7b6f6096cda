import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toQuotedPrintable } from './quoted-printable.ts';

/** As RFC 2045 section 6.7 has it decoded. */
function decode(text: string): Buffer {
  const joined = text.replaceAll('=\r\n', '');
  const octets = joined.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(octets, 'latin1');
}

describe('quoted-printable', () => {
  test('leaves ASCII readable, line by line', () => {
    assert.equal(toQuotedPrintable(Buffer.from('Subject: ж=x \r\n\ty\r\n')), 'Subject: =D0=B6=3Dx=20\r\n\ty\r\n');
  });

  test('has short lines of printable ASCII, and decodes to what it was', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom('x'.repeat(76), 'x'.repeat(77)),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const bytes = Buffer.from(lines.join('\r\n'));
        const text = toQuotedPrintable(bytes);
        assert.deepEqual(decode(text), bytes);
        for (const one of text.split('\r\n')) assert.match(one, /^(?:[\t\x20-\x7e]{0,75}[\x21-\x7e])?$/);
      }),
    );
  });
});
