import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEnvelopeArguments, parseMailParameters, parseRecipientParameters } from './envelope-syntax.ts';

function mail(parameters: string) {
  return parseMailParameters(parseEnvelopeArguments(`FROM:<a@b.example>${parameters}`, 'FROM'));
}

function recipient(parameters: string) {
  return parseRecipientParameters(parseEnvelopeArguments(`TO:<a@b.example>${parameters}`, 'TO'));
}

function code(result: object): number | undefined {
  return 'code' in result && typeof result.code === 'number' ? result.code : undefined;
}

describe('the path of MAIL and RCPT', () => {
  test('stands in angle brackets after the colon, with at most one space before it', () => {
    for (const [text, path] of [
      ['FROM:<a@b.example>', 'a@b.example'],
      ['from:<a@b.example> SIZE=1', 'a@b.example'],
      ['FROM: <a@b.example>', 'a@b.example'],
      ['FROM:<>', ''],
    ] as const) {
      assert.equal(parseEnvelopeArguments(text, 'FROM').path, path, text);
    }
  });

  test('is nothing else', () => {
    for (const text of [
      'FROM:a@b.example',
      'FROM: a@b.example',
      'FROM:  <a@b.example>',
      'FROM :<a@b.example>',
      'FROM:<a@b.example',
      'FROM:<<a@b.example>>',
      'FROM:<a@b.example>SIZE=1',
      'FROM:Name <a@b.example>',
      'FROM:<a@b.example><c@d.example>',
      'TO:<a@b.example>',
      '',
    ]) {
      assert.equal(parseEnvelopeArguments(text, 'FROM').path, undefined, text);
    }
  });
});

describe('parameters of MAIL', () => {
  test('are SIZE, BODY, RET, ENVID and AUTH, in any case', () => {
    assert.deepEqual(mail(' size=123 BODY=8bitmime RET=hdrs ENVID=a+2Bb AUTH=+C3+A4'), {
      size: 123,
      ret: 'HDRS',
      envelopeId: 'a+2Bb',
    });
    assert.deepEqual(mail(''), { size: 0 });
  });

  test('are refused with 555 when we did not offer them', () => {
    for (const text of [' SMTPUTF8', ' REQUIRETLS', ' X=1', ' MT-PRIORITY=3', ' NOTIFY=NEVER']) {
      assert.equal(code(mail(text)), 555, text);
    }
  });

  test('are refused with 501 when malformed or doubled', () => {
    for (const text of [
      ' SIZE',
      ' SIZE=',
      ' SIZE=1e3',
      ' SIZE=-1',
      ' SIZE=1 SIZE=1',
      ' SIZE=1 size=2',
      ' BODY=BINARYMIME',
      ' RET=ALL',
      ' ENVID=a+b',
      ` ENVID=${'x'.repeat(101)}`,
      ' ENVID=a+80',
      ' ENVID=+FF',
      ' ENVID=a+0D+0Ab',
      ' ENVID=a+00',
      ' ENVID=a+1F',
      ' ENVID=a+7F',
      ' AUTH=a+0A@b.example',
      ' AUTH',
      ' =1',
      ' A=B=C',
    ]) {
      assert.equal(code(mail(text)), 501, text);
    }
  });
});

describe('parameters of RCPT', () => {
  test('are NOTIFY and ORCPT', () => {
    assert.deepEqual(recipient(' NOTIFY=success,Failure ORCPT=rfc822;a+40b'), {
      notify: ['SUCCESS', 'FAILURE'],
      originalRecipient: 'rfc822;a+40b',
    });
    assert.deepEqual(recipient(' NOTIFY=NEVER'), { notify: ['NEVER'] });
    assert.equal(code(recipient(` ORCPT=rfc822;${'x'.repeat(493)}`)), undefined, 'the 500 characters of RFC 3461');
    assert.equal(
      code(recipient(' ORCPT=rfc822;+22a+20b+22+40c.example')),
      undefined,
      'a quoted local part with a space',
    );
  });

  test('are refused when malformed, and when unknown', () => {
    for (const text of [
      ' NOTIFY',
      ' NOTIFY=NEVER,DELAY',
      ' NOTIFY=DELAY,DELAY',
      ' NOTIFY=,',
      ' ORCPT=a',
      ' ORCPT=;a',
      ' ORCPT=x;',
      ' ORCPT=rfc822;+C3+A4@b.example',
      ' ORCPT=rfc822;a+0D+0ARCPT@b.example',
      ' ORCPT=rfc822;a+09b@b.example',
      ' ORCPT=rfc822;a+7Fb@b.example',
      ` ORCPT=rfc822;${'x'.repeat(494)}`,
      ` ORCPT=rfc822;${'x'.repeat(3900)}`,
      ` ORCPT=${'x'.repeat(3900)};a`,
    ]) {
      assert.equal(code(recipient(text)), 501, text);
    }
    assert.equal(code(recipient(' SIZE=1')), 555);
  });
});
