import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { formatSecret } from '../directory/state-files.ts';
import { readFormatted } from './read-formatted.ts';

const secret = formatSecret({
  namespace: 'shop',
  name: 'orders-smtp',
  owner: { namespace: 'shop', name: 'orders', uid: '5144fd05-3381-8df7', generation: 1, labels: {}, annotations: {} },
  type: 'servicebinding.io/smtp',
  labels: { 'smtpplus.io/user': 'orders' },
  annotations: { note: '{"issued": "2026-11-27T19:19:14Z", "by: whom": "\u2028"}', on: 'true' },
  data: { 'ca.crt': '-----BEGIN', host: 'localhost', port: '2525', password: 'vGPa7xLfX1pcvHE96yc9', empty: '' },
});

describe('the reader of what is written here', () => {
  test('reads a Secret as the library does', () => {
    assert.notEqual(readFormatted(secret), undefined);
    assert.deepEqual(readFormatted(secret), parse(secret, { version: '1.1' }));
  });

  test('leaves to the library what a person has written, in whatever way', () => {
    const others = [
      '',
      'a: 1 # one\n',
      "a: 'b'\n",
      'a: yes\n',
      'a: |\n  b\n',
      'a: &b c\n',
      'a: 1\na: 2\n',
      '{a: 1}\n',
      'a:\n    b: c\n',
      'a: b\n---\na: c\n',
      'a: "\\x41"\n',
      'a:\n',
      `${secret}\n`,
      secret.trimEnd(),
      secret.replaceAll('\n', '\r\n'),
    ];
    for (const text of others) assert.equal(readFormatted(text), undefined, JSON.stringify(text));
  });

  test('never reads an altered Secret as anything but what the library reads', () => {
    const alteration = fc.record({
      at: fc.nat({ max: secret.length }),
      length: fc.nat({ max: 3 }),
      text: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('\n', '- ', ': ', '"', "'", ' #', '  ', '[]', '\\')),
    });
    fc.assert(
      fc.property(alteration, ({ at, length, text }) => {
        const altered = secret.slice(0, at) + text + secret.slice(at + length);
        const read = readFormatted(altered);
        if (read !== undefined) assert.deepEqual(read, parse(altered, { version: '1.1' }));
      }),
      { numRuns: 3000 },
    );
  });
});
