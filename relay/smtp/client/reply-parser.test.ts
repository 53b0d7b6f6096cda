import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createReplyParser, type ServerReply, REPLY_MAX_BYTES } from './reply-parser.ts';

/** What a parser makes of bytes that come in such pieces. */
function parse(bytes: Buffer, cuts: readonly number[] = []): { replies: ServerReply[]; problem?: string | undefined } {
  const parser = createReplyParser();
  const replies: ServerReply[] = [];
  const ends = [...cuts.filter((at) => at < bytes.length).toSorted((a, b) => a - b), bytes.length];
  let from = 0;
  for (const end of ends) {
    const pushed = parser.push(bytes.subarray(from, end));
    replies.push(...pushed.replies);
    if (pushed.problem !== undefined) return { replies, problem: pushed.problem };
    from = end;
  }
  return { replies };
}

const code = fc.integer({ min: 200, max: 599 });
const words = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replace(/[\r\n]/g, ''));
const reply = fc.tuple(code, fc.array(words, { minLength: 1, maxLength: 5 })).map(([code, lines]) => ({
  code,
  lines: lines.map((line, i) => `${code}${i < lines.length - 1 ? '-' : ' '}${line}`),
}));
const cuts = fc.array(fc.nat(2000), { maxLength: 20 });

describe('replies', () => {
  test('are the same however the network cuts them, and whatever ends their lines', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 6 }), cuts, fc.constantFrom('\r\n', '\n'), (sent, at, lineEnd) => {
        const bytes = Buffer.from(sent.flatMap(({ lines }) => lines.map((line) => `${line}${lineEnd}`)).join(''));
        const expected = sent.map(({ code, lines }) => ({
          code,
          text: Buffer.from(lines.join('\n')).toString('latin1'),
        }));
        assert.deepEqual(parse(bytes, at), { replies: expected });
      }),
    );
  });

  test('of any bytes are replies or a problem, the same for each way of cutting them', () => {
    const near = fc.constantFrom('250', '2', '5', '0', '-', ' ', '\r', '\n', '\r\n', '\0', '\xff', 'x');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
      fc.array(near, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''), 'latin1')),
    );
    fc.assert(
      fc.property(bytes, cuts, (sent, at) => {
        const whole = parse(sent);
        assert.deepEqual(parse(sent, at), whole);
        for (const { code, text } of whole.replies) {
          assert.ok(code >= 200 && code < 600);
          assert.ok(text.split('\n').every((line) => line.startsWith(String(code))));
        }
      }),
      { numRuns: 1000 },
    );
  });

  for (const [what, bytes] of [
    ['a code that does not exist', '150 x\r\n'],
    ['a line without a code', '250-x\r\nhello\r\n'],
    ['an empty line', '\r\n'],
    ['another code in a further line', '250-yes\r\n550 no\r\n'],
    ['a code that only begins like one', '2500 x\r\n'],
  ] as const) {
    test(`with ${what} are a problem that quotes nothing of it`, () => {
      assert.equal(parse(Buffer.from(bytes)).problem, 'unreadable reply: this is no SMTP');
    });
  }

  test('that came before a problem count', () => {
    assert.deepEqual(parse(Buffer.from('550 5.1.1 no\r\nwhat\r\n')).replies, [{ code: 550, text: '550 5.1.1 no' }]);
  });

  for (const [what, piece] of [
    ['one line', 'x'.repeat(1000)],
    ['many lines', '250-more\r\n'.repeat(100)],
  ] as const) {
    test(`without end in ${what} are a problem after ${REPLY_MAX_BYTES} bytes`, () => {
      const parser = createReplyParser();
      let sent = 0;
      for (let problem: string | undefined; problem === undefined;) {
        assert.ok(sent <= REPLY_MAX_BYTES);
        const pushed = parser.push(Buffer.from(piece));
        assert.deepEqual(pushed.replies, []);
        ({ problem } = pushed);
        sent += piece.length;
      }
      assert.ok(sent > REPLY_MAX_BYTES);
    });
  }
});
