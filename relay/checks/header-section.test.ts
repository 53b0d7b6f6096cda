import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scanHeaderSection, unfold } from './header-section.ts';
import { formatReply } from '../smtp/server/format-reply.ts';
import { isReply } from '../replies.ts';

const headerBytes = 256 * 1024;

function scan(text: string | Buffer, isUtf8 = false) {
  return scanHeaderSection(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, { headerBytes, isUtf8 });
}

function fieldsOf(text: string) {
  const result = scan(text);
  return isReply(result) ? assert.fail(formatReply(result)) : result;
}

function refusal(text: string | Buffer): string {
  const result = scan(text);
  return isReply(result) ? formatReply(result) : `passed: ${JSON.stringify(result)}`;
}

describe('a header section', () => {
  test('is read into fields with name, value and place', () => {
    assert.deepEqual(fieldsOf('From: a@shop.example\r\nSUBJECT:x\r\n\r\n'), [
      { name: 'From', key: 'from', value: ' a@shop.example', offset: 0 },
      { name: 'SUBJECT', key: 'subject', value: 'x', offset: 22 },
    ]);
  });

  test('has folds within a value, which unfold to one line', () => {
    const [field] = fieldsOf('Subject: one\r\n two\r\n\tthree\r\nTo: x\r\n\r\n');
    assert.equal(field?.value, ' one\r\n two\r\n\tthree');
    assert.equal(unfold(field.value), ' one two\tthree');
  });

  test('ends at its empty line: what follows is body', () => {
    assert.deepEqual(
      fieldsOf('To: x\r\n\r\nFrom: ceo@elsewhere.example\r\n').map(({ key }) => key),
      ['to'],
    );
    assert.deepEqual(fieldsOf('\r\nFrom: ceo@elsewhere.example\r\n'), []);
  });

  test('may be a whole message without a body', () => {
    assert.deepEqual(
      fieldsOf('To: x\r\nSubject: y\r\n').map(({ key }) => key),
      ['to', 'subject'],
    );
    assert.deepEqual(fieldsOf(''), []);
  });

  test('may have an empty value, one that begins on the next line, and octets above 127', () => {
    assert.deepEqual(
      fieldsOf('A:\r\nB: \r\n x\r\nSubject: \xfc \xc3\x85 \xe2\x80\x93\r\n\r\n').map(({ value }) => value),
      ['', ' \r\n x', ' \xfc \xc3\x85 \xe2\x80\x93'],
    );
  });

  const invalid: readonly [string, string, string][] = [
    ['white space before the colon', 'To: x\r\nFrom : a@b.example\r\n\r\n', 'line 2 is not a header field'],
    ['a tab before the colon', 'From\t: a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a fold before the colon', 'From\r\n : a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a first line that is a continuation', ' From: a@b.example\r\n\r\n', 'line 1 continues a field'],
    ['an mbox line in front', 'From a@b.example Mon Jul 28 10:00:00 2025\r\nTo: x\r\n\r\n', 'line 1 is not a header'],
    ['a quoted mbox line in front', '>From a@b.example\r\nTo: x\r\n\r\n', 'line 1 is not a header field'],
    ['a quoted field', '>From: a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a byte order mark in front', '\xef\xbb\xbfFrom: a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a name with octets above 127', 'Fr\xf6m: a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a name with a no-break space', 'From\xa0: a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a name in quotes', '"From": a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a name with a comment', 'From(x): a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['an empty name', ': a@b.example\r\n\r\n', 'line 1 is not a header field'],
    ['a line without a colon', 'To: x\r\nhello\r\n\r\n', 'line 2 is not a header field'],
    ['a line of white space', 'To: x\r\n \r\nFrom: a@b.example\r\n\r\n', 'line 2 has white space only'],
    ['a line of a tab', 'To: x\r\n\t\r\n\r\n', 'line 2 has white space only'],
    ['a vertical tab', 'To: x\x0bFrom: a@b.example\r\n\r\n', 'line 1 has a control character'],
    ['a form feed', 'To: x\x0cFrom: a@b.example\r\n\r\n', 'line 1 has a control character'],
    ['a backspace', 'To: x\r\n y\x08\r\n\r\n', 'line 2 has a control character'],
    ['NEL in UTF-8', 'Subject: x\xc2\x85From: a@b.example\r\n\r\n', 'line 1 has a control character'],
    ['U+2028', 'To: x\r\nX-A: y\xe2\x80\xa8From: a@b.example\r\n\r\n', 'line 2 has a control character'],
    ['U+2029 in a fold', 'To: x\r\n \xe2\x80\xa9Bcc: y\r\n\r\n', 'line 2 has a control character'],
    ['DEL', 'To: x\x7f\r\n\r\n', 'line 1 has a control character'],
    ['a line of 999 octets', `To: ${'x'.repeat(995)}\r\n\r\n`, 'line 1 is longer than 998 octets'],
    ['a continuation of 999 octets', `To: x\r\n ${'x'.repeat(998)}\r\n\r\n`, 'line 2 is longer than 998 octets'],
    ['a last line without its end', 'To: x\r\nFrom: a@b.example', 'its last line has no end'],
    ['1,001 fields', `${'A:\r\n'.repeat(1001)}\r\n`, 'line 1001 is field number 1001'],
    ['more octets than the limit', `${`A:${'x'.repeat(900)}\r\n`.repeat(300)}\r\n`, 'larger than 262144 octets'],
  ];
  for (const [what, text, problem] of invalid) {
    test(`is refused with ${what}`, () => {
      assert.ok(refusal(text).startsWith(`554 5.6.0 Message header is not valid: ${problem}`), refusal(text));
    });
  }

  for (const [what, text] of [
    ['a bare CR', 'To: x\rFrom: a@b.example\r\n\r\n'],
    ['a bare LF', 'To: x\nFrom: a@b.example\r\n\r\n'],
    ['an LF at the very start', '\nTo: x\r\n\r\n'],
    ['CR CR LF', 'To: x\r\r\nFrom: a@b.example\r\n\r\n'],
    ['a CR at the very end', 'To: x\r\n\r'],
    ['a NUL', 'To: x\0\r\n\r\n'],
    ['a NUL in a name', 'From\0: a@b.example\r\n\r\n'],
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.equal(refusal(text), '554 5.6.0 Message has a bare CR, LF or NUL');
    });
  }

  test('may have a line of 998 octets and 1,000 fields', () => {
    assert.equal(fieldsOf(`To: ${'x'.repeat(994)}\r\n\r\n`).length, 1);
    assert.equal(fieldsOf(`${'A:\r\n'.repeat(1000)}\r\n`).length, 1000);
  });

  test('of any octets is refused or read so that its fields make it up again', () => {
    const line = fc.oneof(
      fc.stringMatching(/^[A-Za-z-]{1,8}:[ -~]{0,20}$/),
      fc.stringMatching(/^[ \t][ -~]{0,20}$/),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', ' ', 'From : x', '\t', ':', '\r', '\n', '\0'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), (lines, hasEnd) => {
        const text = Buffer.from(lines.join('\r\n') + (hasEnd ? '\r\n\r\n' : '')).toString('latin1');
        const result = scan(text);
        if (isReply(result)) return;
        const again = result.map(({ name, value }) => `${name}:${value}\r\n`).join('');
        assert.ok(text === again || text.startsWith(`${again}\r\n`));
        for (const { key } of result) assert.match(key, /^[!-~]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});
