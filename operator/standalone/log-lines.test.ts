import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { formatLogLine } from './log-lines.ts';

const format = (entry: object): string => stripVTControlCharacters(formatLogLine(`${JSON.stringify(entry)}\n`));

describe('a log line for people', () => {
  test('has the words first and the details after them', () => {
    const entry = {
      level: 'info',
      time: '2026-01-02T03:04:05.678Z',
      id: 'Q1',
      to: ['a@b.example', 'c@d.example'],
      msg: 'delivered',
    };
    assert.match(format(entry), /^\d\d:\d\d:05 info {2}delivered id=Q1 to=a@b.example,c@d.example$/);
  });

  test('begins with the place of a faulty manifest, as editors understand it', () => {
    const entry = {
      level: 'error',
      event: 'manifest',
      place: 'examples/a.yaml:5:3',
      problem: 'is no YAML',
      msg: 'kept',
    };
    assert.match(format(entry), / error examples\/a.yaml:5:3: is no YAML: kept$/);
  });

  test('begins with the object that it is about', () => {
    const entry = {
      level: 'info',
      event: 'object',
      kind: 'SmtpPlusUser',
      object: 'shop/orders',
      reason: 'Ready',
      msg: 'It can send.',
    };
    assert.match(format(entry), / info {2}SmtpPlusUser shop\/orders: It can send\. reason=Ready$/);
  });

  test('quotes what has spaces, says why an exception was thrown, and cuts what is long', () => {
    assert.match(format({ reply: '550 no such user' }), / reply="550 no such user"$/);
    assert.match(format({ err: { message: 'disk full', stack: 'Error: at ...' } }), / err="disk full"$/);
    assert.ok(format({ from: 'x'.repeat(10_000) }).length < 300);
  });

  test('lets nobody steer the terminal', () => {
    const line = formatLogLine(JSON.stringify({ from: '\u001b[2J\u202egnol\u0007\u009b31m\n' }));
    assert.doesNotMatch(stripVTControlCharacters(line), /[\p{Cc}\p{Cf}]/u);
    assert.ok(line.includes('\\u{1b}[2J\\u{202e}'));
  });

  test('is given as it is where it is no JSON', () => {
    assert.equal(formatLogLine('plain\u0007\n'), 'plain\\u{7}');
  });
});
