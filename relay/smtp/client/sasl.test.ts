import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchangeOf, type MechanismName } from './sasl.ts';

const LOGIN = { user: 'tim', secret: 'tanstaaftanstaaf', host: 'mail.example.com', port: 587 };

/** Everything that is said, with these challenges: `undefined` cancels. */
function said(mechanism: MechanismName, challenges: readonly string[], login = LOGIN): (string | undefined)[] {
  const exchange = exchangeOf(mechanism, login);
  const answers = challenges.map((challenge) => exchange.answer(Buffer.from(challenge))?.toString());
  return [exchange.initial?.toString(), ...answers];
}

test('PLAIN is said at once, and cancelled where more is asked for', () => {
  assert.deepEqual(said('PLAIN', ['']), ['\0tim\0tanstaaftanstaaf', undefined]);
});

test('LOGIN answers two prompts, whatever they ask, and no third', () => {
  assert.deepEqual(said('LOGIN', ['Username:', 'Password:', 'More:']), [
    undefined,
    'tim',
    'tanstaaftanstaaf',
    undefined,
  ]);
});

test('CRAM-MD5 gives the digest of RFC 2195 section 2, once', () => {
  const challenge = '<1896.697170952@postoffice.reston.mci.net>';
  assert.deepEqual(said('CRAM-MD5', [challenge, challenge]), [
    undefined,
    'tim b913a602c7eda7a495b4e6e7334d3890',
    undefined,
  ]);
});

test('XOAUTH2 answers a failure with an empty line', () => {
  assert.deepEqual(said('XOAUTH2', ['{"status":"401"}', '']), [
    'user=tim\x01auth=Bearer tanstaaftanstaaf\x01\x01',
    '',
    undefined,
  ]);
});

test('OAUTHBEARER names the server, escapes the user, and answers a failure with an octet of 1', () => {
  assert.deepEqual(said('OAUTHBEARER', ['{"status":"invalid_token"}'], { ...LOGIN, user: 'a,b=c@x.example' }), [
    'n,a=a=2Cb=3Dc@x.example,\x01host=mail.example.com\x01port=587\x01auth=Bearer tanstaaftanstaaf\x01\x01',
    '\x01',
  ]);
});
