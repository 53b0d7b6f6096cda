import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isReply } from '../replies.ts';
import { readFrom } from './from-header.ts';

const orders = 'orders@shop.example';
const utf8 = (text: string) => `=?utf-8?b?${Buffer.from(text).toString('base64')}?=`;
const quoted = (text: string) =>
  `=?utf-8?q?${text.replaceAll(/[^a-z.]/gu, (one) => Buffer.from(one).toString('hex').replaceAll(/../g, '=$&'))}?=`;

/** What is wrong with the display name of a From field that is otherwise fine. */
function problemOf(name: string, address = orders): string {
  const reading = readFrom([{ name: 'From', key: 'from', value: ` ${name} <${address}>`, offset: 0 }], {
    isUtf8: false,
  });
  if (isReply(reading)) return assert.fail(reading.lines[0]);
  return reading.nameProblem ?? 'none';
}

describe('a display name is harmless with', () => {
  const table: readonly [string, string][] = [
    ['a handle, as GitLab writes it', '"Jane Doe (@jdoe)"'],
    ['a handle with a dot', '"Jane Doe (@jane.doe)"'],
    ['a handle in a comment', 'Jane Doe (@jdoe)'],
    ['a handle with a dot in a comment', 'Jane Doe (@jane.doe)'],
    ['a handle in brackets', '"Jane Doe [@jane.doe]"'],
    ['a handle in quotes', String.raw`"Jane Doe \"@jane.doe\""`],
    ['a handle alone', '"@jane.doe"'],
    ['a handle after a colon', '"Jane Doe: @jane.doe"'],
    ['an encoded handle', utf8('Jürgen Müller (@jürgen)')],
    ['a handle in full width', utf8('Jane Doe (＠jane.doe)')],
    ['an at sign for a place', '"Team @ Shop"'],
    ['an at sign for a place, without spaces', '"Team@Shop"'],
    ['an at sign for a time', '"Sale @ 5pm"'],
    ['an at sign for a time with a dot', '"Sale @ 5.30pm"'],
    ['an at sign at its start', '"@ 5pm"'],
    ['an at sign at its end', '"Shop @"'],
    ['an at sign alone', '"@"'],
    ['two handles', '"@jane.doe, @john.doe"'],
    ['a version', '"shop-release@1.2.3"'],
    ['a user and a host', '"root@web-1 (Cron)"'],
    ['an at sign before a sentence', '"Meet us @ Shop. Thank you"'],
    ['a domain alone', '"shop.example"'],
    ['its own address', `"${orders}"`],
    ['its own address in other case and quotes', `"'Orders@Shop.Example'"`],
    ['its own address at the end of a sentence', `"Write to ${orders}."`],
    ['its own address twice', `"${orders} (${orders})"`],
    ['its own address with an at sign in front, as the fediverse writes it', `"@${orders}"`],
    ['its own address beside a handle', `"Orders (@shop) ${orders}"`],
    ['its own address, encoded in two words', `${utf8('orders@shop')} ${utf8('.example')}`],
    ['a character cut in two by encoded-words', '=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?='],
    ['text that would be an encoded-word', utf8('=? ?=')],
  ];
  for (const [what, name] of table) test(what, () => assert.equal(problemOf(name), 'none'));

  test('its own international address in either spelling', () => {
    for (const domain of ['bücher.example', 'xn--bcher-kva.example']) {
      assert.equal(problemOf(utf8(`Shop orders@${domain}`), 'orders@xn--bcher-kva.example'), 'none', domain);
    }
    assert.match(problemOf(utf8('orders@bucher.example'), 'orders@xn--bcher-kva.example'), /another address/);
  });
});

describe('a display name reads as another address with', () => {
  const table: readonly [string, string][] = [
    ['an address as name', `"ceo@elsewhere.example"`],
    ['an address as name, in other quotes', `"'ceo@elsewhere.example'"`],
    ['an address in the name', `"The CEO (ceo@elsewhere.example)"`],
    ['an encoded address as name', `=?utf-8?q?ceo=40elsewhere.example?=`],
    ['an encoded address in quotes', `"=?utf-8?q?ceo=40elsewhere.example?="`],
    ['an address with a full-width at sign', utf8('ceo＠elsewhere.example')],
    ['an address with a small at sign', utf8('ceo﹫elsewhere.example')],
    ['an address in pieces', `${utf8('ceo@')} ${utf8('elsewhere.example')}`],
    ['an address with spaces', `"ceo @ elsewhere.example"`],
    ['its own address with something after it', `"${orders}.elsewhere.example"`],
    ['an address beside its own', `"${orders} ceo@elsewhere.example"`],
    ['an address after a handle', '"Jane (@jdoe) ceo@elsewhere.example"'],
    ['its own address with something before it', `"ceo@${orders}"`],
    ['its own local part elsewhere', '"orders@elsewhere.example"'],
    ['its own address with an accent', utf8('orders@shóp.example')],
    ['its own address with a Cyrillic letter', utf8('orders@shоp.example')],
    ['an address in a comment', '(ceo@elsewhere.example)'],
    ['an encoded address in a comment', '(=?utf-8?q?ceo=40elsewhere.example?=)'],
    ['an address around a comment', '"ceo@(x)elsewhere.example"'],
    ['an address in quotes within quotes', String.raw`"\"ceo\"@elsewhere.example"`],
    ['an address with quotes after its at sign', String.raw`"ceo@\"elsewhere.example\""`],
    ['an address made of quoted strings', '"ceo@else""where.example"'],
    ['an address made of a word and a quoted string', 'ceo"@elsewhere.example"'],
    ['an address of words apart', 'ceo "@elsewhere.example"'],
    ['an address with a tab', '"ceo@\telsewhere.example"'],
    ['a fold after its at sign', '"ceo@\r\n elsewhere.example"'],
    ['a fold in its domain', '"ceo@else\r\n where.example"'],
    ['a fold before its dot', '"ceo@elsewhere\r\n\t.example"'],
    ['a fold between encoded-words', `${quoted('ceo@else')}\r\n ${quoted('where.example')}`],
    ['only its at sign encoded', '"ceo=?utf-8?q?=40?=elsewhere.example"'],
    ['encoded-words of two encodings', `${quoted('ceo')} ${utf8('@elsewhere.example')}`],
    ['encoded-words of two charsets', `=?us-ascii?q?ceo=40?= ${utf8('elsewhere.example')}`],
    ['a charset with a language', '=?utf-8*en?q?ceo=40elsewhere.example?='],
    ['a full-width at sign cut in two', '=?utf-8?q?ceo=EF=BC?= =?utf-8?q?=A0elsewhere.example?='],
    ['an at sign that ends a cut character', '=?shift_jis?q?ceo=81?= =?shift_jis?q?=40elsewhere.example?='],
    ['an encoded-word within an encoded-word', quoted(quoted('ceo@elsewhere.example'))],
    ['one with more behind its domain', '"ceo@elsewhere.example.1"'],
    ['one with a full stop behind its domain', utf8('ceo@elsewhere.example。x')],
    ['a circled letter as at sign', utf8('ceoⓐelsewhere.example')],
    ['a mark over its at sign', utf8('ceo@\u0323elsewhere.example')],
    ['a full-width dot', utf8('ceo@elsewhere．example')],
    ['a small dot', utf8('ceo@elsewhere﹒example')],
    ['a dot leader', utf8('ceo@elsewhere․example')],
    ['an ideographic full stop', utf8('ceo@elsewhere。example')],
    ['a half-width one', utf8('ceo@elsewhere｡example')],
    ['a middle dot', utf8('ceo@elsewhere·example')],
    ['an Arabic full stop', utf8('ceo@elsewhere۔example')],
    ['full-width letters', utf8('ｃｅｏ＠ｅｌｓｅｗｈｅｒｅ．ｅｘａｍｐｌｅ')],
    ['invisible characters', utf8('ceo\u200b@\u2060else\u00adwhere\u{e0020}.\ufe0fexample')],
    ['no-break spaces', utf8('ceo\u00a0@\u3000elsewhere.example')],
    ['an emoji as local part', utf8('💰@elsewhere.example')],
    ['an emoji as domain', utf8('ceo@💰.example')],
    ['an international domain', utf8('ceo@bücher.example')],
    ['an international top-level domain', utf8('ceo@例え.みんな')],
    ['an A-label', '"ceo@elsewhere.xn--q9jyb4c"'],
    ['an address literal', '"ceo@[192.0.2.1]"'],
    ['an IPv6 literal', '"ceo@[IPv6:2001:db8::1]"'],
    ['an address of numbers', '"ceo@192.0.2.1"'],
    ['a fediverse handle', '"Jane (@jane@elsewhere.example)"'],
    ['a mailto link', '"mailto:ceo@elsewhere.example"'],
    ['a trailing dot', '"ceo@elsewhere.example."'],
    ['marks that turn the order of its parts', utf8('\u200felsewhere.example@\u200fceo')],
  ];
  for (const [what, name] of table) {
    test(what, () => assert.match(problemOf(name), /^reads as another address than orders@shop\.example: ./));
  }
});

describe('a display name cannot be decoded with', () => {
  const table: readonly [string, string][] = [
    ['an unknown charset', `=?utf-7?q?x?=`],
    ['UTF-16', `=?utf-16?b?AGEAYg==?=`],
    ['broken base64', `=?utf-8?b?w7w=w7w?=`],
    ['base64 of five characters', `=?utf-8?b?QUJDR?=`],
    ['base64 without its padding', `=?utf-8?b?QUI?=`],
    ['base64 with too much padding', `=?utf-8?b?QUI==?=`],
    ['base64 that is padding only', `=?utf-8?b?==?=`],
    ['broken quoted-printable', `=?utf-8?q?=4?=`],
    ['half a character', `=?utf-8?q?=EF=BC?=`],
    ['half an encoded-word', `=?utf-8?q?x`],
    ['half a character at the end of a word', '=?utf-8?q?J=C3?= x =?utf-8?q?=BCrgen?='],
    ['encoded-words within each other without end', [1, 2, 3, 4].reduce((word) => quoted(word), 'x')],
  ];
  for (const [what, name] of table) test(what, () => assert.equal(problemOf(name), 'cannot be decoded'));
});

describe('any display name', () => {
  const around = fc.constantFrom('', ' ', 'x', 'Jane ', ' (', ') ', "'", '\u200b', '@', '.', '日本');
  const at = fc.constantFrom('@', '＠', '﹫', ' @ ', '@ ', '\u200b@');
  const dot = fc.constantFrom('.', '．', '。', '․');
  const form = fc.constantFrom(utf8, quoted);

  test('with an address in it is noticed, however it is written', () => {
    fc.assert(
      fc.property(around, at, dot, around, form, form, fc.nat(30), (before, sign, stop, after, one, other, cut) => {
        const letters = Array.from(`${before}ceo${sign}elsewhere${stop}example${after}`);
        const [left, right] = [letters.slice(0, cut).join(''), letters.slice(cut).join('')];
        assert.match(problemOf(`${one(left)} ${other(right)}`), /^reads as another address/);
      }),
      { numRuns: 3000 },
    );
  });
});
