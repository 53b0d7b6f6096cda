import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { collectHeader } from './header-end.ts';

function collect(chunks: readonly Buffer[], limit = 1000) {
  const header = collectHeader(limit);
  const states = chunks.map((chunk) => header.push(chunk));
  return { state: states.at(-1), section: header.section().toString('latin1') };
}

describe('the end of a header section', () => {
  test('is found in any cut of the message', () => {
    const message = Buffer.from('From: a@b.example\r\nTo: x\r\n\r\nbody\r\n\r\nmore\r\n');
    fc.assert(
      fc.property(fc.array(fc.nat({ max: message.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), message.length];
        const chunks = at.slice(1).map((end, i) => message.subarray(at[i], end));
        const section = 'From: a@b.example\r\nTo: x\r\n\r\n';
        assert.deepEqual(collect(chunks), { state: 'found', section });
      }),
    );
  });

  test('is found octet by octet, in a section of 256 KiB', () => {
    const line = `X: ${'y'.repeat(95)}\r\n`;
    const text = `${line.repeat(2600)}\r\n`;
    const chunks = [...Buffer.from(`${text}body`)].map((octet) => Buffer.of(octet));
    assert.deepEqual(collect(chunks, text.length), { state: 'found', section: text });
  });

  test('is the very start where the message begins with its body', () => {
    assert.deepEqual(collect([Buffer.from('\r\nbody\r\n')]), { state: 'found', section: '\r\n' });
    assert.deepEqual(collect([Buffer.from('\r'), Buffer.from('\nbody')]), { state: 'found', section: '\r\n' });
  });

  test('is not a blank line in another style', () => {
    assert.equal(collect([Buffer.from('A: b\n\nbody\r\n \r\n\r\r\n')]).state, 'more');
  });

  test('is the end of a message that has no body', () => {
    assert.deepEqual(collect([Buffer.from('A: b\r'), Buffer.from('\n')]), { state: 'more', section: 'A: b\r\n' });
  });

  test('must come within the limit, and nothing past that is kept', () => {
    const message = Buffer.from('A: b\r\n\r\nbody');
    assert.equal(collect([message], 8).state, 'found');
    assert.equal(collect([message], 7).state, 'too_large');
    const endless = collectHeader(100);
    for (let i = 0; i < 50; i++) endless.push(Buffer.from('A: b\r\n'));
    assert.equal(endless.push(Buffer.from('\r\n')), 'too_large');
    assert.ok(endless.section().length <= 100);
  });
});
