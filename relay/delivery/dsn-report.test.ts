import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeReport } from './bounce.ts';
import type { ReportedRecipient } from './outcome.ts';
import { newRecord } from '../spool/record.ts';

const CONTENT = Buffer.from('From: orders@shop.example\r\nSubject: hello\r\n\r\nThe body\r\n');
const NOW = Date.parse('2026-01-02T03:04:05Z');

const recipient: ReportedRecipient = {
  address: 'you@elsewhere.example',
  originalRecipient: 'rfc822;You+2Bme@elsewhere.example',
  last: { outcome: 'failed', code: 550, enhanced: '5.1.1', text: '550 5.1.1 no such user' },
};

async function report({
  ret,
  envelopeId,
  originalRecipient,
  content = CONTENT,
}: { ret?: 'FULL' | 'HDRS'; envelopeId?: string; originalRecipient?: string; content?: Buffer } = {}) {
  const queued = newRecord(
    {
      id: 'ID1',
      user: 'orders.shop',
      namespace: 'shop',
      list: 'shop/transactional',
      size: content.length,
      received: '2026-01-01T00:00:00.000Z',
      envelope: {
        from: 'orders@shop.example',
        recipients: [recipient],
        eightBit: false,
        ...(ret === undefined ? {} : { ret }),
        ...(envelopeId === undefined ? {} : { envelopeId }),
      },
    },
    { isFile: false },
  );
  const made = await makeReport(
    queued,
    { kind: 'failed', recipients: [originalRecipient === undefined ? recipient : { ...recipient, originalRecipient }] },
    {
      hostname: 'relay.example',
      from: '',
      now: NOW,
      content: { head: Buffer.alloc(0), body: { kind: 'memory', bytes: content } },
      number: 2,
    },
  );
  return { ...made, text: made.bytes.toString('latin1') };
}

describe('report to the sender', () => {
  test('is a message of the same list from nobody to the envelope sender, its id made from the other', async () => {
    const { message, bytes } = await report();
    assert.deepEqual(message, {
      id: 'ID1-r3',
      user: 'orders.shop',
      namespace: 'shop',
      list: 'shop/transactional',
      envelope: { from: '', recipients: [{ address: 'orders@shop.example' }], eightBit: false },
      size: bytes.length,
      received: '2026-01-02T03:04:05.000Z',
      reportOn: 'ID1',
    });
  });

  test('says to programs what RFC 3464 wants', async () => {
    const { text } = await report({ envelopeId: 'order+2B17' });
    assert.ok(
      text.includes(
        [
          'Content-Type: message/delivery-status',
          '',
          'Reporting-MTA: dns; relay.example',
          'Original-Envelope-Id: order+17',
          'Arrival-Date: Thu, 01 Jan 2026 00:00:00 +0000',
          '',
          'Original-Recipient: rfc822; You+me@elsewhere.example',
          'Final-Recipient: rfc822; you@elsewhere.example',
          'Action: failed',
          'Status: 5.1.1',
          'Diagnostic-Code: smtp; 550 5.1.1 no such user',
          'Last-Attempt-Date: Fri, 02 Jan 2026 03:04:05 +0000',
          '',
        ].join('\r\n'),
      ),
      text,
    );
    assert.match(text, /^Content-Type: multipart\/report; report-type=delivery-status;\r\n boundary="=_ID1-r3"\r$/m);
    assert.match(text, /^Auto-Submitted: auto-replied\r$/m);
  });

  test('returns the header alone, and the whole message only where RET=FULL asks for it and it is small', async () => {
    const header = await report();
    assert.ok(header.text.includes('text/rfc822-headers\r\n\r\nFrom: orders@shop.example\r\nSubject: hello\r\n'));
    assert.ok(!header.text.includes('The body'));
    const whole = await report({ ret: 'FULL' });
    assert.ok(
      whole.text.includes('message/rfc822\r\n\r\nFrom: orders@shop.example\r\nSubject: hello\r\n\r\nThe body\r\n'),
    );
    const large = await report({ ret: 'FULL', content: Buffer.concat([CONTENT, Buffer.alloc(100_000, 'x')]) });
    assert.ok(!large.text.includes('The body'));
  });

  test('is bounded where the header is endless', async () => {
    const { bytes } = await report({ content: Buffer.from(`${'X-Line: text\r\n'.repeat(20_000)}\r\nbody\r\n`) });
    assert.ok(bytes.length < 40_000);
    assert.ok(!/^X-Line: tex\r?$/m.test(bytes.toString()), 'no line is cut');
  });

  test('is 7-bit, whatever the message is: of one with 8-bit content the header alone goes back', async () => {
    const content = Buffer.from('Subject: \u00e4\r\n\r\nThe b\u00f6dy\r\n');
    const { message, bytes, text } = await report({ ret: 'FULL', content });
    assert.ok(text.includes('text/rfc822-headers\r\n\r\nSubject: ??\r\n\r\n--'), text);
    assert.ok(bytes.every((byte) => byte < 128));
    assert.equal(message.envelope.eightBit, false);
  });

  test('parameters that decode to line ends add no line', async () => {
    const { text } = await report({
      envelopeId: 'id+0D+0AX-Evil:+201',
      originalRecipient: 'rfc822;a+0D+0A+0D+0AX-Evil:+201',
    });
    assert.ok(!/^X-Evil/m.test(text), text);
    assert.match(text, /^Original-Envelope-Id: id X-Evil: 1\r$/m);
  });

  test('every line ends in CR LF and is no longer than 998 octets', async () => {
    const { text } = await report({ envelopeId: 'x'.repeat(100) });
    for (const line of text.split('\r\n')) assert.ok(line.length <= 998 && !/[\r\n]/.test(line));
  });
});
