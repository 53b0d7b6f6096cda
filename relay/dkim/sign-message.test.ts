import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { aSigner, verifiedByDkimpy, verifiedByMailauth, whyNoDkimpy } from '../../test/support/dkim.ts';
import { folderOf } from '../../test/support/folder.ts';
import { aMessage, captureLog, inMemory, metricValue } from '../../test/support/queued.ts';
import { aConfig, aList, aSender, aUser, LIST, USER } from '../../test/support/relay-config.ts';
import type { RelayConfig } from '../config/config.ts';
import { bytesOf } from '../delivery/content.ts';
import type { Content } from '../message.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createSigning } from './sign-message.ts';

const SENDER = 'shop/shop-example';
const { signer, records } = aSigner();
const PASS = ['rsa-sha256 shop.example pass', 'ed25519-sha256 shop.example pass'];
const FROM = 'From: orders@shop.example\r\n';

function configured(overrides: Parameters<typeof aConfig>[0] = {}): RelayConfig {
  return aConfig({ dkim: { [SENDER]: signer }, ...overrides });
}

function start(config = configured()) {
  const [{ log, lines }, metrics] = [captureLog(), createMetrics()];
  const sign = createSigning({ config: () => config, metrics, log });
  const signed = async (text: string | Buffer): Promise<Buffer> => {
    const octets = Buffer.from(text);
    const { content, size } = await sign(aMessage({ content: octets }), inMemory(octets));
    const bytes = await bytesOf(content);
    assert.equal(size, bytes.length);
    return bytes;
  };
  return { sign, signed, lines, metrics };
}

async function assertUnsigned(config: RelayConfig, text = `${FROM}\r\nhello\r\n`, message = {}): Promise<void> {
  const content = inMemory(Buffer.from(text));
  const { content: after, size } = await start(config).sign(
    { ...aMessage({ content: Buffer.from(text) }), ...message },
    content,
  );
  assert.deepEqual([await bytesOf(after), size], [Buffer.from(text), text.length]);
}

const folded = `Subject: a very\r\n  long\t \r\n\tsubject \r\n`;
const SHAPES: Readonly<Record<string, string | Buffer>> = {
  'an ordinary one': `${FROM}To: you@else.example\r\nSubject: hi\r\nDate: Mon, 2 Jan 2006 15:04:05 +0000\r\n\r\nHello\r\n`,
  'no body': `${FROM}\r\n`,
  'no empty line after its header': FROM,
  'empty lines at its end': `${FROM}\r\ntext\r\n\r\n \r\n\t\r\n\r\n`,
  'nothing but empty lines': `${FROM}\r\n\r\n\r\n`,
  'white space everywhere': `${FROM}\r\n  two  spaces \t and tabs\t\r\n\t\r\n x \r\n`,
  '8-bit text': Buffer.from(`${FROM}Subject: hi\r\n\r\nGr\u00fc\u00dfe\r\n`, 'latin1'),
  'UTF-8 in its header': `From: orders@shop.example\r\nSubject: Gr\u00fc\u00dfe \u4f60\u597d\r\n\r\nhi\r\n`,
  'long lines': `${FROM}Subject: ${'x '.repeat(480)}\r\n\r\n${'y '.repeat(30_000)}\r\n`,
  'folded fields': `from :${FROM.slice(5)}`.replace('from :', 'from:') + `${folded}\r\nhi\r\n`,
  'a fold before the address': `From:\r\n orders@shop.example\r\n${folded}\r\nhi\r\n`,
  'repeated fields': `${FROM}List-Id: <a.example>\r\nList-Id: <b.example>\r\nX-A: 1\r\nX-A: 2\r\n\r\nhi\r\n`,
  'more repeated fields than are signed': `${FROM}${'List-Id: <a.example>\r\n'.repeat(7)}\r\nhi\r\n`,
  'MIME parts': `${FROM}MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary="b"\r\n\r\n--b\r\n\r\nhi\r\n--b--\r\n`,
  'as many fields as are let in': `${FROM}${'X-Field: value\r\n'.repeat(999)}\r\nhi\r\n`,
  'fields without a value': `${FROM}Subject:\r\nTo: \r\n\r\nhi\r\n`,
  'lines of dots': `${FROM}\r\n.\r\n..\r\n...\r\n`,
};

describe('a message of a verified domain', () => {
  for (const [name, text] of Object.entries(SHAPES)) {
    test(`is signed so that mailauth verifies it: ${name}`, async () => {
      assert.deepEqual(await verifiedByMailauth(await start().signed(text), records), PASS);
    });
  }

  test('is signed so that dkimpy verifies it, in each of these shapes', { skip: whyNoDkimpy() ?? false }, async (t) => {
    const { signed } = start();
    const messages = await Promise.all(Object.values(SHAPES).map((text) => signed(text)));
    const results = await verifiedByDkimpy(await folderOf(t), messages, records);
    for (const [i, name] of Object.keys(SHAPES).entries()) assert.deepEqual(results[i], PASS, name);
  });

  test('is signed so that both verify it, whatever it is made of', { skip: whyNoDkimpy() ?? false }, async (t) => {
    const { signed } = start();
    const pieces = fc.constantFrom(
      'word',
      ' ',
      '\t',
      '  ',
      ';',
      ':',
      '=',
      '\xe4',
      '"',
      '<a@b.example>',
      '\r\n ',
      '\r\n\t',
    );
    const values = fc
      .array(pieces, { maxLength: 8 })
      .map((parts) => parts.join('').replaceAll(/\r\n[ \t]+(?=\r\n|$)/g, ''));
    const names = fc.constantFrom('Subject', 'TO', 'Cc', 'Reply-To', 'Message-ID', 'X-Other', 'Content-Type');
    const fields = fc.uniqueArray(fc.tuple(names, values), { selector: ([name]) => name });
    const body = fc.array(fc.constantFrom('text', ' ', '\t', '\r\n', '\xff')).map((parts) => `${parts.join('')}\r\n`);
    const texts = fc.sample(fc.tuple(fields, body), 150).map(([some, rest]) => {
      const header = some.map(([name, value]) => `${name}:${value}\r\n`).join('');
      return Buffer.from(`${header}${FROM}\r\n${rest}`, 'latin1');
    });
    const messages = await Promise.all(texts.map((text) => signed(text)));
    const byDkimpy = await verifiedByDkimpy(await folderOf(t), messages, records);
    for (const [i, message] of messages.entries()) {
      assert.deepEqual(byDkimpy[i], PASS, message.toString('latin1'));
      assert.deepEqual(await verifiedByMailauth(message, records), PASS, message.toString('latin1'));
    }
  });

  test('of 50 MB in a file is signed by the hash that was taken as it came, and by one taken now', async (t) => {
    const file = path.join(await folderOf(t), 'body');
    const head = Buffer.from('Received: by us\r\n');
    const body = Buffer.from(`${FROM}\r\n${`${'A line of  text '.repeat(4)}\r\n`.repeat(800_000)}`);
    await writeFile(file, body);
    const content: Content = { head, body: { kind: 'file', path: file } };
    const { sign } = start();
    const message = { ...aMessage(), size: head.length + body.length };
    const first = await bytesOf((await sign(message, content)).content);
    assert.deepEqual(await verifiedByMailauth(first, records), PASS);
    const [, bodyHash = ''] = /bh=([^;]*)/.exec(first.toString('latin1', 0, 2000)) ?? [];
    // with the hash given, the body is not looked at
    await writeFile(file, `${FROM}\r\n`);
    const second = await sign({ ...message, bodyHash }, content);
    assert.ok((await bytesOf(second.content)).toString().includes(`bh=${bodyHash};`));
  });

  test('may have its author in UTF-8, where it came with SMTPUTF8, and is signed for the A-label of his domain', async () => {
    const { signer: own, records: published } = aSigner('xn--bcher-kva.example');
    const rules = [aSender({ sender: '@xn--bcher-kva.example' })];
    const { sign } = start(configured({ dkim: { [SENDER]: own }, namespaces: { shop: rules } }));
    const octets = Buffer.from(
      'From: J\u00fcrgen <j\u00fcrgen@b\u00fccher.example>\r\nSubject: Gr\u00fc\u00dfe\r\n\r\nhi\r\n',
    );
    const message = aMessage({ content: octets, envelope: { hasUtf8Header: true } });
    const bytes = await bytesOf((await sign(message, inMemory(octets))).content);
    const results = await verifiedByMailauth(bytes, published);
    assert.deepEqual(results, ['rsa-sha256 xn--bcher-kva.example pass', 'ed25519-sha256 xn--bcher-kva.example pass']);
    // who did not ask for SMTPUTF8 has no author that can be read
    assert.deepEqual(await bytesOf((await sign(aMessage({ content: octets }), inMemory(octets))).content), octets);
  });

  test('says what it signs, and From once more than it is there', async () => {
    const text = 'Subject: a\r\nX-Mine: 1\r\nFrom: orders@shop.example\r\nTo: b@c.example\r\n\r\nhi\r\n';
    const [, names] = /h=([^;]*);/.exec((await start().signed(text)).toString()) ?? [];
    assert.equal(names?.replaceAll(/\s/g, ''), 'from:from:to:to:subject:subject');
  });

  test('fails as soon as somebody puts another From, Subject or To in front', async () => {
    const message = await start().signed(`${FROM}Subject: a\r\nTo: b@c.example\r\n\r\nhi\r\n`);
    for (const field of ['From: ceo@shop.example', 'Subject: b', 'To: other@c.example']) {
      const results = await verifiedByMailauth(Buffer.concat([Buffer.from(`${field}\r\n`), message]), records);
      assert.ok(
        results.every((result) => result.endsWith('fail')),
        `${field}: ${results.join()}`,
      );
    }
  });

  test('keeps the signature that it came with, and gets ours besides', async () => {
    const other = aSigner('app.example');
    const app = start(
      configured({ dkim: { [SENDER]: other.signer }, namespaces: { shop: [aSender({ sender: '@app.example' })] } }),
    );
    const theirs = await app.signed('From: a@app.example\r\nSubject: hi\r\n\r\nhi\r\n');
    const sender = aSender({ sender: '@app.example', object: 'shop/app' });
    const { signer: again, records: more } = aSigner('app.example');
    const keys = again.keys.map((key) => ({ ...key, selector: `${key.selector}-b` }));
    const ours = start(configured({ dkim: { 'shop/app': { ...again, keys } }, namespaces: { shop: [sender] } }));
    const renamed = [...more].map(([name, value]) => [name.replace('._', '-b._'), value] as const);
    const results = await verifiedByMailauth(await ours.signed(theirs), new Map([...other.records, ...renamed]));
    assert.equal(results.filter((result) => result.endsWith('app.example pass')).length, 4);
  });

  test('stays as it is where a signature of its own names ours as absent', async () => {
    const theirs = 'DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from:dkim-signature; bh=; b=\r\n';
    await assertUnsigned(configured(), `${theirs}${FROM}\r\nhi\r\n`);
  });
});

describe('nobody gets a signature', () => {
  test('for a domain that is not his own, though an audit lets him send', async () => {
    const list = aList({ senderPolicy: { ...aList().senderPolicy, headerFrom: 'Audit' } });
    const rules = [aSender(), aSender({ sender: '@bank.example', object: 'bank/bank', verified: false })];
    const config = configured({
      lists: { [LIST]: list },
      namespaces: { shop: rules },
      dkim: { [SENDER]: signer, 'bank/bank': { ...signer, domain: 'bank.example' } },
    });
    await assertUnsigned(config, 'From: a@bank.example\r\n\r\nhi\r\n');
    await assertUnsigned(config, 'From: a@evil-shop.example\r\n\r\nhi\r\n');
    await assertUnsigned(config, 'From: a@sub.shop.example\r\n\r\nhi\r\n');
    // nor for mail that a user has left who is gone since
    const withoutUser = { ...config, users: new Map() };
    await assertUnsigned(withoutUser, 'From: a@bank.example\r\n\r\nhi\r\n');
    await assertUnsigned(withoutUser, 'From: a@sub.shop.example\r\n\r\nhi\r\n');
  });

  test('by a From that can be read in two ways', async () => {
    const texts = [
      'From: a@else.example (orders@shop.example)\r\n\r\nhi\r\n',
      'From: orders@shop.example, a@else.example\r\n\r\nhi\r\n',
      'From: "orders@shop.example" <a@else.example>\r\n\r\nhi\r\n',
      `${FROM}From: a@else.example\r\n\r\nhi\r\n`,
      `From: a@else.example\r\n${FROM}\r\nhi\r\n`,
      `${FROM.repeat(5000)}\r\nhi\r\n`,
      'From : orders@shop.example\r\n\r\nhi\r\n',
      'X: y\r\n\r\nFrom: orders@shop.example\r\n\r\nhi\r\n',
    ];
    for (const text of texts) await assertUnsigned(configured(), text);
  });

  test('for what his own narrower senders leave out', async () => {
    const senders = [aSender({ sender: 'orders@shop.example' })];
    const config = configured({ users: { [USER]: aUser({ senders }) } });
    assert.match((await start(config).signed(`${FROM}\r\nhi\r\n`)).toString(), /d=shop.example/);
    await assertUnsigned(config, 'From: ceo@shop.example\r\n\r\nhi\r\n');
    // a VerifiedSender of the address itself is as good, and has no keys of its own
    const own = [aSender({ sender: 'orders@shop.example', object: 'shop/orders' })];
    const rules = { shop: [...own, aSender()] };
    const other = start(configured({ users: { [USER]: aUser({ senders: own }) }, namespaces: rules }));
    assert.match((await other.signed(`${FROM}\r\nhi\r\n`)).toString(), /d=shop.example/);
  });

  test('once the sender is revoked, taken away, or for another domain', async () => {
    await assertUnsigned(configured({ namespaces: { shop: [aSender({ verified: false })] } }));
    await assertUnsigned(configured({ namespaces: {} }));
    await assertUnsigned(configured({ namespaces: { shop: [aSender({ object: 'shop/other' })] } }));
    await assertUnsigned(configured({ dkim: { [SENDER]: { ...signer, domain: 'else.example' } } }));
  });

  test('by a user name that has passed to another namespace', async () => {
    const config = configured({ users: { [USER]: aUser({ namespace: 'else' }) }, namespaces: { else: [aSender()] } });
    await assertUnsigned(config);
  });

  test('for a report of ours', async () => {
    await assertUnsigned(configured(), undefined, { reportOn: 'A' });
  });
});

describe('a signature', () => {
  test('is of the closest domain that covers the author', async () => {
    const rules = [aSender({ includeSubdomains: true }), aSender({ sender: '@eu.shop.example', object: 'shop/eu' })];
    const eu = { ...signer, domain: 'eu.shop.example' };
    const { signed } = start(configured({ namespaces: { shop: rules }, dkim: { [SENDER]: signer, 'shop/eu': eu } }));
    assert.match((await signed('From: a@eu.shop.example\r\n\r\nhi\r\n')).toString(), /d=eu\.shop\.example;/);
    assert.match((await signed('From: a@us.shop.example\r\n\r\nhi\r\n')).toString(), /d=shop\.example;/);
  });

  test('is left out where a key cannot be used, and the mail goes all the same', async () => {
    const keys = [{ algorithm: 'rsa-sha256', selector: 's', privateKey: 'AAAA' }] as const;
    const { sign, lines, metrics } = start(
      configured({ dkim: { [SENDER]: { domain: 'shop.example', keys: [...keys] } } }),
    );
    const content = inMemory(Buffer.from(`${FROM}\r\nhi\r\n`));
    assert.deepEqual((await sign(aMessage(), content)).content, content);
    assert.equal(await metricValue(metrics, 'dkim_signed_total', { result: 'failed' }), 1);
    assert.match(String(lines[0]?.['msg']), /could not be signed/);
    assert.ok(!JSON.stringify(lines).includes('AAAA'));
  });

  test('holds lines of 80 octets at most, the longest names aside', async (t: TestContext) => {
    const { signed } = start();
    const text = (await signed(SHAPES['an ordinary one'] ?? '')).toString();
    const lines = text.slice(0, text.indexOf('From:')).split('\r\n');
    t.assert.ok(lines.every(({ length }) => length <= 80));
  });
});
