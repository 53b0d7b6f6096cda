import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DataScanner } from './data-scanner.ts';

/** Scans the text in chunks of `size` octets. */
function scan(text: string, size = text.length) {
  const scanner = new DataScanner();
  const input = Buffer.from(text, 'latin1');
  const parts: Buffer[] = [];
  let consumed = 0;
  for (let at = 0; at < input.length && !scanner.ended; at += size) {
    const result = scanner.scan(input.subarray(at, at + size));
    parts.push(Buffer.from(result.content));
    consumed += result.consumed;
  }
  return {
    content: Buffer.concat(parts).toString('latin1'),
    rest: text.slice(consumed),
    ended: scanner.ended,
    bare: scanner.hasBareNewline,
    eightBit: scanner.isEightBit,
  };
}

describe('the data scanner', () => {
  test('ends at CRLF, dot, CRLF and leaves what follows unread, however the octets are cut into chunks', () => {
    const text = 'Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n';
    for (let size = 1; size <= text.length; size++) {
      const { content, ended, bare } = scan(text, size);
      assert.deepEqual({ content, ended, bare }, { content: 'Subject: x\r\n\r\nbody\r\n', ended: true, bare: false });
    }
    assert.equal(scan(text).rest, 'QUIT\r\n');
  });

  test('takes a dot at once as the end of an empty message', () => {
    assert.deepEqual(scan('.\r\nRSET\r\n'), {
      content: '',
      rest: 'RSET\r\n',
      ended: true,
      bare: false,
      eightBit: false,
    });
  });

  test('removes one leading dot of each line, whether or not a second follows', () => {
    const text = '..\r\n...\r\n.x\r\n..x\r\na.\r\n..\r\n.\r\n';
    for (let size = 1; size <= text.length; size++) {
      assert.equal(scan(text, size).content, '.\r\n..\r\nx\r\n.x\r\na.\r\n.\r\n');
    }
  });

  for (const [name, text] of [
    ['LF dot LF', 'a\n.\nMAIL FROM:<x@y.example>\r\n'],
    ['CRLF dot LF', 'a\r\n.\nMAIL FROM:<x@y.example>\r\n'],
    ['LF dot CRLF', 'a\n.\r\nMAIL FROM:<x@y.example>\r\n'],
    ['CR dot CR', 'a\r.\rMAIL FROM:<x@y.example>\r\n'],
    ['CRLF dot CR', 'a\r\n.\rMAIL FROM:<x@y.example>\r\n'],
    ['CR CRLF dot CR CRLF', 'a\r\r\n.\r\r\nMAIL FROM:<x@y.example>\r\n'],
    ['CRLF NUL dot CRLF', 'a\r\n\0.\r\nMAIL FROM:<x@y.example>\r\n'],
  ] as const) {
    test(`does not end at ${name}, and notices it`, () => {
      for (let size = 1; size <= text.length; size++) {
        const open = scan(text, size);
        assert.equal(open.ended, false);
        assert.equal(open.bare, true);
      }
      assert.equal(scan(`${text}.\r\n`).ended, true);
    });
  }

  test('notices octets above 127', () => {
    assert.equal(scan('gr\xfc\xdfe\r\n.\r\n').eightBit, true);
    assert.equal(scan('grusse\r\n.\r\n').eightBit, false);
  });

  test('reads what a reader of the whole text reads, however it is cut into chunks', () => {
    const piece = fc.constantFrom('a', '.', '..', '\r', '\n', '\r\n', '\r\n.', '.\r\n', '\0', '\xe9', 'text');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (pieces, size) => {
        const text = `${pieces.join('')}\r\n.\r\nQUIT\r\n`;
        const { content, rest, ended, bare, eightBit } = scan(text, size);
        const whole = readWhole(text);
        assert.deepEqual({ content, ended, bare, eightBit }, { ...whole, ended: true });
        assert.ok(rest.endsWith('QUIT\r\n'));
      }),
      { numRuns: 5000 },
    );
  });
});

/** The same by other means, and without chunks. */
function readWhole(text: string) {
  let [content, at] = ['', 0];
  while (!text.startsWith('.\r\n', at)) {
    const end = text.indexOf('\r\n', at) + 2;
    content += text.slice(text[at] === '.' ? at + 1 : at, end);
    at = end;
  }
  const read = text.slice(0, at);
  return { content, bare: /\0|\r(?!\n)|(?<!\r)\n/.test(read), eightBit: /[\x80-\xff]/.test(read) };
}
