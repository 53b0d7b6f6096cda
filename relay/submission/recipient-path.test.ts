import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRecipient, recipientKey } from './recipient-path.ts';

describe('a recipient', () => {
  test('goes on as it was written', () => {
    for (const path of [
      'Ann.Lee@SHOP.Example',
      '"foo..bar"@docomo.ne.jp',
      'foo..bar@docomo.ne.jp',
      '.foo@docomo.ne.jp',
      'foo.@ezweb.ne.jp',
      '"a b"@c.example',
      '" "@c.example',
      '""@c.example',
      String.raw`"say \"hi\" \\ @home"@c.example`,
      '"a@b"@c.example',
      '"a,b;c:d"@c.example',
      '-x@c.example',
      'a+b%c!d@e.example',
      'a@[192.0.2.1]',
      'a@[IPv6:2001:db8::1]',
      'a@[ipv6:::1]',
      'a@[x400:c=us/a@b]',
      'a@localhost',
      'a@mail_host.example',
      'a@xn--bcher-kva.example',
      'postmaster',
      'PostMaster',
      `${'x'.repeat(100)}@reply.example`,
      `${'x'.repeat(244)}@b.example`,
    ]) {
      assert.equal(parseRecipient(path), path);
    }
  });

  test('loses its source route', () => {
    assert.equal(parseRecipient('@a.example:b@c.example'), 'b@c.example');
    assert.equal(parseRecipient('@a.example,@b.example:"b c"@d.example'), '"b c"@d.example');
    assert.equal(parseRecipient('@a.example:postmaster'), 'postmaster');
    for (const path of ['@a.example:', '@a.example', '@:b@c.example', '@a.example:@b.example:c@d.example']) {
      assert.equal(parseRecipient(path), undefined, path);
    }
  });

  test('is refused where it is no address, or could be read as another one', () => {
    for (const path of [
      '',
      ' ',
      '@',
      'a',
      'a@',
      '@b.example',
      'a b@c.example',
      ' a@b.example',
      'a@b.example ',
      'a@b .example',
      'a@b.example@c.example',
      'a,b@c.example',
      'a@b.example,c@d.example',
      'a;b@c.example',
      'a(b)@c.example',
      'a:b@c.example',
      '"a@b.example',
      'a"@b.example',
      '"a"b"@c.example',
      'a"b"@c.example',
      '"a"."b"@c.example',
      String.raw`"a\"@b.example`,
      '"a<b"@c.example',
      '"a>b"@c.example',
      '"a\rb"@c.example',
      '"a\nb"@c.example',
      '"a\tb"@c.example',
      '"a\\\nb"@c.example',
      'a@b\r\nRSET',
      'a\0@b.example',
      'a\x7f@b.example',
      'ä@bü cher.example',
      'ä@bücher..example',
      'ä@xn--0.bücher.example',
      'ä\u00a0b@c.example',
      'ä\u2028b@c.example',
      'ä\u0085b@c.example',
      'ä\u202eb@c.example',
      'ä\ufeffb@c.example',
      'ä\u0378@c.example',
      'ä\ue000@c.example',
      'ä\ufffd@c.example',
      '\ud800@c.example',
      'ä＠b.example@c.example',
      'ä，b@c.example',
      'ä＜b@c.example',
      '"ä\u2028"@c.example',
      'a@b..example',
      'a@.example',
      'a@b.example.',
      'a@-b.example',
      `a@${'b'.repeat(64)}.example`,
      'a@[192.0.2.1',
      'a@192.0.2.1]',
      'a@[192.0.2.256]',
      'a@[IPv6:1::2::3]',
      'a@[IPv6:fe80::1%eth0]',
      'a@[]',
      'a@[x:a b]',
      'a@[x:a>b]',
      'postmaster@',
      `${'x'.repeat(245)}@b.example`,
    ]) {
      assert.equal(parseRecipient(path), undefined, JSON.stringify(path));
    }
  });

  test('outside ASCII is passed on as it is, its domain in A-labels', () => {
    for (const [path, address] of [
      ['жук@пример.рф', 'жук@xn--e1afmkfd.xn--p1ai'],
      ['Жук+tag@B.example', 'Жук+tag@B.example'],
      ['info@Bücher.example', 'info@xn--bcher-kva.example'],
      ['cafe\u0301@b.example', 'cafe\u0301@b.example'],
      ['👩\u200d💻@b.example', '👩\u200d💻@b.example'],
      ['"жук жук"@b.example', '"жук жук"@b.example'],
      ['जॉन..नी@b.example', 'जॉन..नी@b.example'],
    ] as const) {
      assert.equal(parseRecipient(path), address);
    }
    assert.equal(parseRecipient(`${'ж'.repeat(122)}@b.example`), `${'ж'.repeat(122)}@b.example`);
    assert.equal(parseRecipient(`${'ж'.repeat(123)}@b.example`), undefined);
    assert.equal(recipientKey('cafe\u0301@b.example'), recipientKey('caf\u00e9@b.example'));
  });

  test('is the same one in another case of its domain, and in no other case', () => {
    assert.equal(recipientKey('Ann@B.Example'), recipientKey('Ann@b.example'));
    assert.notEqual(recipientKey('Ann@b.example'), recipientKey('ann@b.example'));
    assert.equal(recipientKey('Postmaster'), recipientKey('postmaster'));
  });

  test('is read in time that grows with its length alone', () => {
    for (const path of [`"${'\\"'.repeat(50_000)}`, '@a,'.repeat(50_000), `@${'a.'.repeat(50_000)}`]) {
      const start = process.cpuUsage().user;
      assert.equal(parseRecipient(path), undefined);
      assert.ok(process.cpuUsage().user - start < 1_000_000, path.slice(0, 10));
    }
  });
});
