import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTraceContext } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const read = (...lines: string[]) =>
  readTraceContext(Buffer.from(['From: orders@shop.example', ...lines, '', 'body\r\n'].join('\r\n'), 'latin1'));

test('a trace is read wherever the field stands, and however it is spelt', () => {
  const expected = { traceId: TRACE, parentId: SPAN, isSampled: true };
  assert.deepEqual(read(`Traceparent: 00-${TRACE}-${SPAN}-01`), expected);
  assert.deepEqual(read('To: a@b.example', `traceparent:00-${TRACE}-${SPAN}-01 `, 'Subject: x'), expected);
  assert.deepEqual(read(`TRACEPARENT:\t00-${TRACE}-${SPAN}-03`), expected);
});

test('an application that sends no spans itself says so, and flags to come change nothing', () => {
  assert.equal(read(`Traceparent: 00-${TRACE}-${SPAN}-00`)?.isSampled, false);
  assert.equal(read(`Traceparent: 00-${TRACE}-${SPAN}-fe`)?.isSampled, false);
});

test('of a later version, the parts that are known are read', () => {
  assert.equal(read(`Traceparent: cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`)?.traceId, TRACE);
  assert.equal(read(`Traceparent: cc-${TRACE}-${SPAN}-01`)?.traceId, TRACE);
});

for (const [what, ...lines] of [
  ['none'],
  [
    'two, which may be of different traces',
    `Traceparent: 00-${TRACE}-${SPAN}-01`,
    `traceparent: 00-${TRACE}-${SPAN}-01`,
  ],
  ['a trace of zeros', `Traceparent: 00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `Traceparent: 00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capital letters', `Traceparent: 00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['the version that is forbidden', `Traceparent: ff-${TRACE}-${SPAN}-01`],
  ['more than version 00 has', `Traceparent: 00-${TRACE}-${SPAN}-01-more`],
  ['one without flags', `Traceparent: 00-${TRACE}-${SPAN}`],
  ['one that goes on in the next line', `Traceparent: 00-${TRACE}-`, ` ${SPAN}-01`],
  ['another field', `X-Traceparent: 00-${TRACE}-${SPAN}-01`],
  ['a field that only looks like one', `Subject: Traceparent: 00-${TRACE}-${SPAN}-01`],
  ['a later version without end', `Traceparent: cc-${TRACE}-${SPAN}-01-${'x'.repeat(900)}`],
  ['nothing behind the colon', 'Traceparent:'],
] as const) {
  test(`no trace is read from ${what}`, () => {
    assert.equal(read(...lines), undefined);
  });
}
