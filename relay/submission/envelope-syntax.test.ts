import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEnvelopeArguments, parseMailParameters, parseRecipientParameters } from './envelope-syntax.ts';

function mail(parameters: string, smtpUtf8 = false) {
  return parseMailParameters(parseEnvelopeArguments(`FROM:<a@b.example>${parameters}`, 'FROM'), { smtpUtf8 });
}

function recipient(parameters: string, smtpUtf8 = false) {
  return parseRecipientParameters(parseEnvelopeArguments(`TO:<a@b.example>${parameters}`, 'TO'), { smtpUtf8 });
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

  test('are SMTPUTF8 too, without a value, where that is offered', () => {
    assert.deepEqual(mail(' smtputf8 SIZE=1', true), { size: 1, smtpUtf8: true });
    for (const text of [' SMTPUTF8=', ' SMTPUTF8=1', ' SMTPUTF8 SMTPUTF8', ' BODY=ж', ' ENVID=ж', ' SIZE=١', ' Ж=1']) {
      assert.equal(code(mail(text, true)), 501, text);
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

describe('ORCPT of type utf-8', () => {
  test('goes on in ASCII, however it came', () => {
    const encoded = String.raw`utf-8;\x{436}\x{443}\x{43A}\x{2B}x@b.example`;
    for (const [value, smtpUtf8] of [
      [encoded, false],
      [encoded, true],
      [String.raw`utf-8;жук\x{2B}x@b.example`, true],
    ] as const) {
      assert.deepEqual(recipient(` ORCPT=${value}`, smtpUtf8), { originalRecipient: encoded }, value);
    }
    assert.deepEqual(recipient(' ORCPT=UTF-8;a@b.example'), { originalRecipient: 'UTF-8;a@b.example' });
  });

  test('is refused where it is malformed, ends a line once it is decoded, or comes where nobody asked for UTF-8', () => {
    assert.equal(code(recipient(' ORCPT=utf-8;жук@b.example')), 501);
    assert.equal(code(recipient(' ORCPT=rfc822;жук@b.example', true)), 501);
    for (const address of [
      '',
      'a+b@b.example',
      'a+2Bb@b.example',
      String.raw`a\b@b.example`,
      String.raw`\x{D}\x{A}x@b.example`,
      String.raw`\x{0A}x@b.example`,
      String.raw`\x{85}x@b.example`,
      String.raw`\x{2028}x@b.example`,
      String.raw`\x{202E}x@b.example`,
      String.raw`\x{D800}x@b.example`,
      String.raw`\x{110000}x@b.example`,
      String.raw`\x{}x@b.example`,
      '\u0085x@b.example',
      `${'ж'.repeat(100)}@b.example`,
    ]) {
      assert.equal(code(recipient(` ORCPT=utf-8;${address}`, true)), 501, address);
    }
  });
});
