import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import RelaxedBody from 'nodemailer/lib/dkim/relaxed-body';
import { createBodyHash } from './body-hash.ts';

function hashOf(pieces: readonly Buffer[]): string {
  const hash = createBodyHash();
  for (const piece of pieces) hash.push(piece);
  return hash.digest();
}

/** RFC 6376 section 3.4.4, word for word and all at once. */
function relaxed(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replaceAll(/[ \t]+$/g, '').replaceAll(/[ \t]+/g, ' '));
  const text = lines.join('\r\n').replace(/(\r\n)+$/, '');
  return text === '' ? '' : `${text}\r\n`;
}

/** What nodemailer, which signs itself, makes of it. */
async function nodemailers(body: string): Promise<string> {
  const parser = new RelaxedBody();
  const hash = new Promise<string>((resolve) => parser.on('hash', (digest: string) => resolve(digest)));
  parser.resume();
  parser.end(Buffer.from(body, 'latin1'));
  return hash;
}

function cut(body: string, at: readonly number[]): Buffer[] {
  const octets = Buffer.from(body, 'latin1');
  const ends = [...at.map((one) => one % (octets.length + 1)).toSorted((a, b) => a - b), octets.length];
  return ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end));
}

const bodies = fc
  .array(fc.constantFrom(' ', '\t', '  ', '\r\n', '\r\n\r\n', 'a', 'word', '\xe9', '.', ' \t', 'x'.repeat(80)))
  .map((parts) => (parts.length === 0 ? '' : `${parts.join('')}\r\n`));

describe('the hash of a body', () => {
  test('is that of its relaxed form, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat()), (body, at) => {
        const expected = createHash('sha256').update(relaxed(body), 'latin1').digest('base64');
        assert.equal(hashOf(cut(body, at)), expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('is the one that nodemailer takes', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.array(fc.nat()), async (body, at) => {
        assert.equal(hashOf(cut(body, at)), await nodemailers(body));
      }),
      { numRuns: 300 },
    );
  });

  test('of none is the one that RFC 6376 names', () => {
    for (const body of ['', '\r\n', ' \r\n\t\r\n\r\n']) {
      assert.equal(hashOf([Buffer.from(body)]), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
    }
  });

  test('takes empty lines and white space without end, and holds none of them', () => {
    const lines = Buffer.from('\r\n'.repeat(1_000_000));
    const spaces = Buffer.from(' '.repeat(1_000_000));
    const expected = createHash('sha256').update(`${lines.toString()} a\r\n`).digest('base64');
    assert.equal(hashOf([lines, spaces, spaces, Buffer.from('a'), spaces, lines, lines]), expected);
  });
});
