import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_CAPABILITIES, readCapabilities } from './capabilities.ts';

test('keywords count in any case, and the greeting is none of them', () => {
  const { pipelining, eightBitMime, dsn, chunking, size, startTls, maxBytes } = readCapabilities(
    '250-STARTTLS at your service\n250-pipelining\n250-8BitMime\n250-DSN\n250-CHUNKING\n250 SIZE 35882577',
  );
  assert.deepEqual(
    { pipelining, eightBitMime, dsn, chunking, size, startTls, maxBytes },
    {
      pipelining: true,
      eightBitMime: true,
      dsn: true,
      chunking: true,
      size: true,
      startTls: false,
      maxBytes: 35_882_577,
    },
  );
});

for (const [line, mechanisms] of [
  ['AUTH PLAIN login', ['PLAIN', 'LOGIN']],
  ['AUTH=LOGIN', ['LOGIN']],
  ['AUTH  XOAUTH2   PLAIN ', ['XOAUTH2', 'PLAIN']],
  ['AUTH', []],
] as const) {
  test(`${line} offers ${mechanisms.join(' and ') || 'nothing'}`, () => {
    assert.deepEqual([...readCapabilities(`250-x\n250 ${line}`).mechanisms], mechanisms);
  });
}

test('mechanisms of several lines count together', () => {
  assert.deepEqual([...readCapabilities('250-x\n250-AUTH PLAIN\n250 AUTH=LOGIN').mechanisms], ['PLAIN', 'LOGIN']);
});

for (const size of ['SIZE', 'SIZE 0', 'SIZE x', 'SIZE -1', 'SIZE 99999999999999999999']) {
  test(`${size} offers SIZE without a bound`, () => {
    const { size: isOffered, maxBytes } = readCapabilities(`250-x\n250 ${size}`);
    assert.deepEqual([isOffered, maxBytes], [true, undefined]);
  });
}

test('a server that knows HELO only has none', () => {
  assert.ok(Object.values(NO_CAPABILITIES).every((value) => value === false || value.size === 0));
});
