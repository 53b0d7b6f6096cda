import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isReply } from '../replies.ts';
import { scanHeaderSection } from './header-section.ts';
import { dateField, messageIdField, receivedField, type TraceInfo } from './trace-header.ts';

const date = new Date('2025-07-05T08:09:10Z');

function trace(overrides: Partial<TraceInfo> = {}): string {
  return receivedField({
    hostname: 'relay.example',
    helo: 'app.shop.svc',
    remoteAddress: '10.1.2.3',
    tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    isUtf8: false,
    id: '0K3F-1',
    date,
    ...overrides,
  });
}

describe('the Received field', () => {
  test('says who came, how, and under which id the log knows the message', () => {
    assert.equal(
      trace(),
      'Received: from app.shop.svc ([10.1.2.3])\r\n' +
        '\tby relay.example with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n' +
        '\tid 0K3F-1; Sat, 05 Jul 2025 08:09:10 +0000\r\n',
    );
  });

  test('says by its protocol word whether there was TLS (RFC 3848)', () => {
    assert.match(trace(), /with ESMTPSA \(/);
    assert.match(trace({ tls: undefined }), /with ESMTPA\r\n/);
  });

  test('says so where the client asked for SMTPUTF8 (RFC 6531)', () => {
    assert.match(trace({ isUtf8: true }), / with UTF8SMTPSA /);
    assert.match(trace({ isUtf8: true, tls: undefined }), / with UTF8SMTPA\r\n/);
  });

  test('writes addresses as literals of RFC 5321', () => {
    assert.match(trace({ remoteAddress: '::ffff:10.1.2.3' }), /\(\[10\.1\.2\.3\]\)/);
    assert.match(trace({ remoteAddress: '2001:db8::1' }), /\(\[IPv6:2001:db8::1\]\)/);
    assert.match(trace({ helo: '[IPv6:2001:db8::1]' }), /from \[IPv6:2001:db8::1\] \(/);
  });

  for (const helo of [
    '',
    'a b',
    'a\r\nBcc: x',
    'a)(b',
    'a;b',
    'a\0b',
    'm\u00fcller',
    '<a>',
    'a'.repeat(254),
    '[a',
    '"a"',
  ]) {
    test(`does not repeat the greeting ${JSON.stringify(helo.slice(0, 20))}`, () => {
      assert.match(trace({ helo }), /^Received: from unknown \(\[/);
    });
  }

  test('is one well-formed field whatever the client and the network say', () => {
    const text = fc.string({ unit: 'binary', maxLength: 1000 });
    fc.assert(
      fc.property(text, text, text, text, (helo, remoteAddress, cipher, id) => {
        const field = trace({ helo, remoteAddress, tls: { protocol: cipher, cipher }, id });
        const scan = scanHeaderSection(Buffer.from(`${field}\r\n`), { headerBytes: 10_000, isUtf8: false });
        assert.deepEqual(isReply(scan) ? scan : scan.map(({ key }) => key), ['received']);
      }),
    );
  });
});

describe('added fields', () => {
  test('have the date and the id of the message', () => {
    assert.equal(dateField(date), 'Date: Sat, 05 Jul 2025 08:09:10 +0000\r\n');
    assert.equal(messageIdField('0K3F-1', 'relay.example'), 'Message-ID: <0K3F-1@relay.example>\r\n');
  });
});
