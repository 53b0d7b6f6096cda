import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import emailAddresses from 'email-addresses';
import fc from 'fast-check';
import addressparser from 'nodemailer/lib/addressparser';
import { formatMailbox, parseMailbox } from '../address.ts';
import { isReply } from '../replies.ts';
import { readFrom } from './from-header.ts';
import { scanHeaderSection } from './header-section.ts';

/** Reads the From of a message whose header begins with these lines. */
function read(header: string, isUtf8 = false) {
  const section = Buffer.from(`${header}\r\nTo: x@y.example\r\n\r\n`, isUtf8 ? 'utf8' : 'latin1');
  const scan = scanHeaderSection(section, { headerBytes: 100_000, isUtf8 });
  assert.equal(isReply(scan), false, header);
  const reading = readFrom(isReply(scan) ? [] : scan, { isUtf8 });
  return isReply(reading) ? reading.lines[0].replace(/.*?valid From address/, 'refused') : reading.address;
}

const orders = 'orders@shop.example';
const CRUDE = /[\p{L}\p{M}\p{N}_.!#$%&'*+\-/=?^`{|}~]+@[\p{L}\p{M}\p{N}_.-]+/gu;

/** As it is compared, or as it stands where it is none. */
function canonical(text: string): string {
  const mailbox = parseMailbox(text.replace(/^\p{M}+/u, ''));
  return mailbox === undefined ? text : formatMailbox(mailbox);
}

const utf8 = (text: string) => `=?utf-8?b?${Buffer.from(text).toString('base64')}?=`;

describe('a From field of a well-behaved client is taken:', () => {
  const table: readonly [string, string][] = [
    ['a bare address', `From: ${orders}`],
    ['a bare address without a space before', `From:${orders}`],
    ['an address in brackets', `From: <${orders}>`],
    ['any case of the field name', `FROM: <${orders}>`],
    ['a name of Go net/mail', `From: "Orders Team" <${orders}>`],
    ['a name of atoms', `From: Orders Team <${orders}>`],
    ['a name with a dot and without quotes', `From: Shop Inc. <${orders}>`],
    ['a name with a comma in quotes', `From: "Shop, Inc." <${orders}>`],
    ['a name with specials in quotes', `From: "Shop: Orders; (EU) [x]" <${orders}>`],
    ['a name with escaped quotes', String.raw`From: "The \"Shop\" \\ Orders" <${orders}>`],
    ['an apostrophe', `From: O'Brien <${orders}>`],
    ['its own address as name, as Outlook writes it', `From: "'Orders@Shop.example'" <${orders}>`],
    ['its own address as part of the name', `From: "Orders (orders@shop.example)" <${orders}>`],
    ['an encoded name of Python', `From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <${orders}>`],
    ['an encoded name of nodemailer', `From: =?UTF-8?Q?J=C3=BCrgen_=28EU=29?= <${orders}>`],
    ['an encoded name of PHPMailer', `From: =?UTF-8?B?SsO8cmdlbg==?= <${orders}>`],
    ['an encoded name in two parts, folded', `From: =?utf-8?b?SsO8cg==?=\r\n =?utf-8?b?Z2Vu?= <${orders}>`],
    ['an encoded name with a comma', `From: ${utf8('Müller, Jürgen')} <${orders}>`],
    ['an encoded name in quotes', `From: "=?utf-8?q?J=C3=BCrgen?=" <${orders}>`],
    ['an encoded name in Latin-1', `From: =?iso-8859-1?q?J=FCrgen?= <${orders}>`],
    ['an encoded name in ISO-2022-JP', `From: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?= <${orders}>`],
    ['an encoded name with an emoji', `From: ${utf8('Shop 👩‍💻')} <${orders}>`],
    ['an encoded own address', `From: ${utf8(orders)} <${orders}>`],
    ['a fold after the name of the field', `From:\r\n ${orders}`],
    ['a fold between name and address', `From: "Orders"\r\n\t<${orders}>`],
    ['a fold within a quoted name', `From: "Orders\r\n\tTeam" <${orders}>`],
    ['the comment that cron writes', `From: ${orders} (Cron Daemon)`],
    ['a comment in the name', `From: Orders (EU) <${orders}>`],
    ['a name of 30 words', `From: ${'word '.repeat(30)}<${orders}>`],
    ['a quoted name of 60 words', `From: "${'word '.repeat(60)}" <${orders}>`],
    ['a bracket in the name', `From: "I <3 Shop" <${orders}>`],
    ['its own address in brackets as name', `From: "Orders <${orders}>" <${orders}>`],
    ['white space around', `From: \t ${orders} \t `],
  ];
  for (const [what, header] of table) test(what, () => assert.equal(read(header), orders));
});

describe('a From field is refused where two readers could see two senders:', () => {
  const plain = 'From is not a plain mailbox';
  const many = 'From has more than one mailbox';
  const brackets = 'From: its display name has another address in brackets';
  const table: readonly [string, string, string][] = [
    ['no From', 'Subject: x', 'there is no From field'],
    ['no From but a Sender', `Sender: ${orders}`, 'there is no From field'],
    ['no From but a Resent-From', `Resent-From: ${orders}`, 'there is no From field'],
    ['two', `From: ${orders}\r\nFrom: ceo@elsewhere.example`, 'there is more than one From field'],
    ['two apart', `From: ${orders}\r\nSubject: x\r\nfrom: ${orders}`, 'there is more than one From field'],
    ['empty', 'From:', plain],
    ['white space only', 'From: ', plain],
    ['empty brackets', 'From: <>', plain],
    ['two mailboxes', `From: ${orders}, ceo@elsewhere.example`, many],
    ['two mailboxes in brackets', `From: <${orders}>,<ceo@elsewhere.example>`, many],
    ['two, the first encoded', `From: ${utf8('<ceo@elsewhere.example>')},<${orders}>`, plain],
    ['two, the comma escaped', `From: <ceo@elsewhere.example>\\,<${orders}>`, plain],
    ['two, with a semicolon', `From: <${orders}>;<ceo@elsewhere.example>`, plain],
    ['an empty element', `From: ,${orders}`, plain],
    ['a trailing comma', `From: ${orders},`, plain],
    ['a trailing semicolon', `From: ${orders};`, plain],
    ['a name with a comma and without quotes', `From: Orders, Team <${orders}>`, plain],
    ['a route', `From: <@shop.example,@any.example:ceo@elsewhere.example>`, plain],
    ['a route to ourselves', `From: <@elsewhere.example:${orders}>`, plain],
    ['text after the brackets', `From: <${orders}>ceo@elsewhere.example`, plain],
    ['text after the brackets with a space', `From: <${orders}> ceo@elsewhere.example`, plain],
    ['text before the brackets', `From: ceo@elsewhere.example<${orders}>`, plain],
    ['text before the brackets with a space', `From: ceo@elsewhere.example <${orders}>`, plain],
    ['two brackets', `From: <ceo@elsewhere.example> <${orders}>`, plain],
    ['brackets in brackets', `From: <<${orders}>>`, plain],
    ['an open bracket', `From: <${orders}`, plain],
    ['a closing bracket only', `From: ${orders}>`, plain],
    ['brackets in brackets by twos', `From: <ceo@elsewhere.example<${orders}>`, plain],
    ['a group', `From: Team: ${orders};`, plain],
    ['an empty group', 'From: undisclosed-recipients:;', plain],
    ['a nested comment', `From: ${orders} (a (b) c)`, plain],
    ['an open comment', `From: ${orders} (a`, plain],
    ['a comment with an escape', `From: ${orders} (a \\) ceo)`, plain],
    ['a comment within the address', 'From: orders(x)@shop.example', plain],
    ['a comment within the brackets', `From: <${orders}(x)elsewhere.example>`, plain],
    ['a comment before a bare address', `From: (x) ${orders}`, plain],
    ['a quoted local part', 'From: "orders"@shop.example', plain],
    ['a quoted local part with an address', 'From: <"ceo@elsewhere.example"@shop.example>', plain],
    ['two at signs', 'From: ceo@elsewhere.example@shop.example', plain],
    ['an address literal', 'From: orders@[127.0.0.1]', plain],
    ['an address literal that holds an address', 'From: <a@[x@shop.example]>', plain],
    ['spaces around the at sign', 'From: orders @ shop.example', plain],
    ['a space in the domain', 'From: <orders@shop .example>', plain],
    ['a fold in the domain', 'From: <orders@shop.example\r\n .elsewhere.example>', plain],
    ['a space in the local part', 'From: <ceo@elsewhere.example orders@shop.example>', plain],
    ['no domain', 'From: orders', plain],
    ['a domain of one label', 'From: orders@localhost', plain],
    ['a trailing dot', `From: ${orders}.`, plain],
    ['an underscore in the domain', 'From: orders@my_shop.example', plain],
    ['an encoded local part', 'From: <=?utf-8?q?ceo=40elsewhere.example?=@shop.example>', plain],
    ['an encoded domain', 'From: <orders@=?utf-8?q?shop?=.example>', plain],
    ['an open quote', `From: "Orders <${orders}>`, plain],
    ['a quote that an escape keeps open', String.raw`From: "Orders\" <${orders}>`, plain],
    ['a quote with other escapes', String.raw`From: "\Orders" <${orders}>`, plain],
    ['octets outside ASCII', `From: J\xc3\xbcrgen <${orders}>`, 'From has octets outside ASCII'],
    ['an address outside ASCII', 'From: orders@b\xc3\xbccher.example', 'From has octets outside ASCII'],
    ['a no-break space', `From: Orders\xa0<${orders}>`, 'From has octets outside ASCII'],
    ['an encoded line end', `From: ${utf8('x\r\nFrom: ceo')} <${orders}>`, 'From: its display name has control'],
    ['an encoded NUL', `From: =?utf-8?q?x=00?= <${orders}>`, 'From: its display name has control'],
    ['an encoded line separator', `From: ${utf8('x\u2028y')} <${orders}>`, 'From: its display name has control'],
    ['a turned direction', `From: ${utf8('\u202eelpmaxe')} <${orders}>`, 'From: its display name has control'],
    ['an address in brackets as name', `From: "<ceo@elsewhere.example>" <${orders}>`, brackets],
    ['an encoded address in brackets', `From: ${utf8('CEO <ceo＠elsewhere.example>')} <${orders}>`, brackets],
    ['a name of 33 words', `From: ${'a '.repeat(33)}<${orders}>`, plain],
    ['a name of 65 initials', `From: ${'a.'.repeat(65)} <${orders}>`, plain],
    ['a comment of 65 words', `From: ${orders} (${'a '.repeat(65)})`, plain],
    ['65 empty comments', `From: ${orders} ${'()'.repeat(65)}`, plain],
    ['white space without end', `From: ${' '.repeat(100)}<${orders}>`, plain],
    ['a field of 1,025 octets', `From: ${'x'.repeat(900)}\r\n ${'y'.repeat(101)} <${orders}>`, 'From is longer'],
  ];
  for (const [what, header, problem] of table) {
    test(what, () => assert.ok(read(header).startsWith(`refused: ${problem}`), read(header)));
  }
});

describe('a From field in UTF-8, from a client that asked for SMTPUTF8,', () => {
  const table: readonly [string, string, string][] = [
    ['may have a name', 'From: Jürgen Müller <orders@shop.example>', orders],
    ['may have a quoted name', 'From: "Müller, Jürgen" <orders@shop.example>', orders],
    ['may have an emoji in the name', 'From: Shop 👩\u200d💻 <orders@shop.example>', orders],
    ['may have a name from right to left', 'From: חנות <orders@shop.example>', orders],
    ['may have a comment', 'From: orders@shop.example (Bücher)', orders],
    ['may have an address', 'From: <жук@пример.рф>', 'жук@пример.рф'],
    ['may have a domain', 'From: orders@bücher.example', 'orders@bücher.example'],
    ['may be encoded all the same', `From: ${utf8('Jürgen')} <жук@пример.рф>`, 'жук@пример.рф'],
    [
      'may have its own address as name',
      'From: "жук@пример.рф" <жук@xn--e1afmkfd.xn--p1ai>',
      'жук@xn--e1afmkfd.xn--p1ai',
    ],
  ];
  for (const [what, header, address] of table) test(what, () => assert.equal(read(header, true), address));

  const plain = 'From is not a plain mailbox';
  const refused: readonly [string, string, string][] = [
    ['a full-width at sign', 'From: orders＠shop.example', plain],
    ['full-width letters in the domain', 'From: orders@ｓｈｏｐ.example', plain],
    ['an ideographic full stop in the domain', 'From: orders@shop。example', plain],
    ['full-width letters before the at sign', 'From: ｏrders@shop.example', plain],
    ['full-width brackets for an address', 'From: ＜orders@shop.example＞', plain],
    ['an invisible character in the domain', 'From: orders@sh\u00adop.example', plain],
    ['a variation selector in the domain', 'From: orders@shop\ufe0f.example', plain],
    ['an invisible character before the at sign', 'From: or\u200bders@shop.example', plain],
    ['a no-break space within the address', 'From: or\u00a0ders@shop.example', plain],
    ['a no-break space between name and address', 'From: Orders\u00a0<orders@shop.example>', plain],
    ['a Kelvin sign', 'From: \u212a@shop.example', plain],
    ['a group', 'From: Team：: orders@shop.example;', plain],
    [
      'a name that turns its direction',
      'From: \u202eelpmaxe <orders@shop.example>',
      'From: its display name has control',
    ],
    ['a C1 control in the name', 'From: "x\u009by" <orders@shop.example>', 'From: its display name has control'],
    ['two mailboxes', 'From: <жук@пример.рф>, ceo@elsewhere.example', 'From has more than one mailbox'],
    [
      '1,025 octets in fewer characters',
      `From: ${'ж'.repeat(300)}\r\n ${'ж'.repeat(203)} <${orders}>`,
      'From is longer than 1024 octets',
    ],
  ];
  for (const [what, header, problem] of refused) {
    test(`is refused with ${what}`, () =>
      assert.ok(read(header, true).startsWith(`refused: ${problem}`), read(header, true)));
  }

  test('that another reader takes for ASCII, octet by octet, is refused without that', () => {
    for (const [, header] of table.slice(0, 7))
      assert.match(read(Buffer.from(header).toString('latin1')), /outside ASCII/);
  });
});

describe('any From field', () => {
  const piece = fc.oneof(
    fc.constantFrom(...`< > @ " ( ) , ; : \\ . [ ] ' "" () =? ?= (x) "\\"" Orders Dr. ${utf8('é')}`.split(' ')),
    fc.constantFrom(orders, `<${orders}>`, 'ceo@elsewhere.example', '<ceo@elsewhere.example>', ' ', '\t', '\r\n '),
    fc.constantFrom('"a, b"', '=?utf-8?q?a=2Cb?=', utf8('ceo@elsewhere.example')),
    fc.string({ maxLength: 4 }),
  );
  const value = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(''));
  const likely = fc
    .tuple(value, fc.constantFrom('', ` <${orders}>`, ' <a+b@C.Example>'))
    .map((parts) => parts.join(''));

  function assertOneReading(text: string, isUtf8: boolean): boolean {
    const section = Buffer.from(`From:${text}\r\n\r\n`, isUtf8 ? 'utf8' : 'latin1');
    const scan = scanHeaderSection(section, { headerBytes: 100_000, isUtf8 });
    const reading = isReply(scan) ? scan : readFrom(scan, { isUtf8 });
    if (isReply(reading) || reading.nameProblem !== undefined) return false;
    const { address } = reading;
    for (const form of [text, text.replaceAll('\r\n', ''), text.replaceAll(/\s+/g, ' ')]) {
      assert.deepEqual(
        addressparser(form).map((entry) => entry.address),
        [address],
      );
      const strict = emailAddresses({ input: form.trim(), startAt: 'from', rfc6532: isUtf8 })?.addresses;
      assert.deepEqual(
        strict?.map((entry) => (entry.type === 'mailbox' ? entry.address : entry.type)),
        [address],
      );
    }
    // the crudest reader of all: whatever looks like an address
    const crude = text.match(CRUDE) ?? [];
    assert.deepEqual(new Set(crude.map(canonical)), new Set([canonical(address)]));
    // and one that maps characters, to whom a handle (`@jdoe`) is none
    const mapped = text.normalize('NFKC').match(CRUDE) ?? [];
    const addresses = mapped.filter((found) => /@[^.]+\.\p{L}{2}/u.test(found));
    assert.deepEqual(new Set([...addresses, address].map(canonical)), new Set([canonical(address)]));
    return true;
  }

  test('that is taken has the same one address for every parser, folded or not', () => {
    let taken = 0;
    fc.assert(
      fc.property(likely, (text) => {
        if (assertOneReading(text, false)) taken++;
      }),
      { numRuns: 5000 },
    );
    assert.ok(taken > 100, `only ${taken} of 5000 were taken: the property says little`);
  });

  test('in UTF-8 that is taken has the same one address for every parser, folded or not', () => {
    const characters =
      'ü ж 佐藤 אב 😀 ＠ ﹫ ＜ ＞ ， ； 。 ． （ ） ＂ ． \u00a0 \u3000 \u200d \u200b \u0301 \u00ad \u0085 \u2028 \ufeff \u202e \u200f';
    const beyond = fc.oneof(
      fc.constantFrom(
        ...characters.split(' '),
        'ж@пример.рф',
        '<ж@пример.рф>',
        'ceo＠elsewhere.example',
        '＜c@d.example＞',
      ),
      fc.string({ unit: 'grapheme', maxLength: 2 }),
      piece,
    );
    const text = fc
      .tuple(fc.array(beyond, { maxLength: 6 }), fc.constantFrom('', ` <${orders}>`, ' <ж+b@Пример.рф>', '@пример.рф'))
      .map(([pieces, end]) => pieces.join('') + end);
    let taken = 0;
    fc.assert(
      fc.property(text, (value) => {
        if (assertOneReading(value, true) && /[^\x00-\x7f]/.test(value)) taken++;
      }),
      { numRuns: 5000 },
    );
    assert.ok(taken > 100, `only ${taken} of 5000 were taken: the property says little`);
  });

  test('of hostile depth and length is refused before a parser sees it', () => {
    const hostile = ['(', '<', '"', ',', '@a,', 'a@', '()', '\\', '=?utf-8?q?', ' \r\n', '[', 'a:', '"\\"'];
    for (const unit of hostile) {
      const long = unit.repeat(250_000 / unit.length);
      const field = { name: 'From', key: 'from', value: `${long}<${orders}>`, offset: 0 };
      assert.equal(isReply(readFrom([field], { isUtf8: false })), true, unit);
    }
  });
});
