import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeKeyRecord } from './key-record.ts';

const question = { recordName: 's._domainkey.shop.example', recordValue: 'v=DKIM1; k=rsa; p=AAAABBBB' };
const seen = (...values: string[]) => judgeKeyRecord({ kind: 'values', values }, question);

describe('the record of a key', () => {
  test('is found however its tags are written', () => {
    const values = [
      'v=DKIM1; k=rsa; p=AAAABBBB',
      'p=AAAABBBB',
      'v=DKIM1;p=AAAA BBBB;',
      'k=rsa; h=sha1:sha256; s=email; p=AAAABBBB',
    ];
    for (const value of values) assert.equal(seen(value).outcome, 'found', value);
  });

  test('is another one where receivers could not verify by it, and it is said why', () => {
    const values: readonly (readonly [readonly string[], RegExp])[] = [
      [['v=DKIM1; k=rsa; p='], /revoked/],
      [['v=DKIM1; k=rsa; p=AAAA'], /another key, or not all of it/],
      [['v=DKIM1; k=rsa'], /no key/],
      [['v=spf1 -all'], /no DKIM record/],
      [['v=DKIM1; k=ed25519; p=AAAABBBB'], /k=rsa/],
      [['v=DKIM1; h=sha1; p=AAAABBBB'], /sha256/],
      [['v=DKIM1; s=tlsrpt; p=AAAABBBB'], /not for mail/],
      [['v=DKIM1; k=rsa; p=AAAABBBB', 'other'], /2 TXT records/],
      [['"v=DKIM1; k=rsa; p=AAAABBBB"'], /quotes|no DKIM|another/],
    ];
    for (const [some, why] of values) {
      assert.equal(seen(...some).outcome, 'mismatch', some.join());
      assert.match(seen(...some).detail, why);
    }
  });

  test('that could not be asked for is not one that is absent', () => {
    assert.equal(judgeKeyRecord({ kind: 'failed', why: 'no answer in time' }, question).outcome, 'failed');
    assert.equal(judgeKeyRecord({ kind: 'absent', why: 'none' }, question).outcome, 'absent');
    assert.equal(seen().outcome, 'absent');
  });

  test('is read in time that grows with its length alone, whatever it holds', () => {
    const long = `v=DKIM1; ${'a=;'.repeat(20_000)}p=${' '.repeat(60_000)}`;
    assert.equal(seen(long).outcome, 'mismatch');
  });
});
