import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SmartHost } from '../config/config.ts';
import { tellable } from './tellable.ts';

const upstream: SmartHost = {
  kind: 'smtp',
  host: 'relay.example',
  port: 587,
  tls: 'StartTLS',
  username: 'apikey',
  password: 'Tr0ub4dor (&3) x',
  maxConnections: 1,
  messagesPerConnection: 1,
  recipientsPerTransaction: 50,
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const told = (text: string): string => tellable(text, upstream);

describe('what is told of the words of an upstream', () => {
  test('is one bounded line of printable characters', () => {
    assert.equal(told('451 4.3.0\r\ntry\u001b[2J later\u0000'), '451 4.3.0 try [2J later');
    assert.ok(told('x'.repeat(10_000)).length <= 300);
  });

  test('has no password, however it was sent', () => {
    assert.equal(told('535 no such password: Tr0ub4dor (&3) x!'), '535 no such password: (hidden)!');
    assert.equal(told('535 TR0UB4DOR (&3) X'), '535 (hidden)');
    assert.equal(told(`501 what is ${base64('Tr0ub4dor (&3) x')}?`), '501 what is (hidden)?');
    assert.equal(told(`501 what is ${base64('\0apikey\0Tr0ub4dor (&3) x')}`), '501 what is (hidden)');
    assert.equal(told('501 apikey is unknown'), '501 (hidden) is unknown');
    assert.equal(told('500 bad line: AUTH LOGIN whatever it was'), '500 bad line: AUTH (hidden)');
  });

  test('has no beginning of a password that was cut off', () => {
    const text = `${'x'.repeat(391)} Tr0ub4dor (&3) x`;
    assert.doesNotMatch(told(text.slice(100)), /Tr0u/);
    const long = { ...upstream, password: `begin${'y'.repeat(2000)}` };
    assert.equal(tellable(`451 ${long.password}`, long), '451 (hidden)');
  });

  test('has no mail address', () => {
    assert.equal(told('421 too much for <ann@elsewhere.example>'), '421 too much for (hidden)');
    assert.equal(told('421 "a b"@elsewhere.example: later'), '421 (hidden) later');
  });

  test('is as it was where there is nothing to hide', () => {
    const text = 'relay.example:587: connect ECONNREFUSED 192.0.2.1:587';
    assert.equal(told(text), text);
    assert.equal(tellable(text, { ...upstream, username: 'a', password: 'b' }), text);
    assert.equal(tellable(text, { kind: 'capture' }), text);
  });
});
