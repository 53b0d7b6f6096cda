/** International mail (RFC 6531 to 6533) on its way to smart hosts that offer SMTPUTF8, and to those that do not. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Envelope } from '../../relay/message.ts';
import type { SmartHost } from '../../relay/config/config.ts';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

const ASCII = Buffer.from('From: orders@shop.example\r\nSubject: x\r\n\r\nx\r\n');
const UTF8 = Buffer.from(
  'From: Жук <жук@shop.example>\r\nSubject: жук = x\r\nMessage-ID: <1@shop.example>\r\n\r\nтело\r\n',
);
const BOTH = ['a@b.example', 'жук@b.example'];

/** A smart host that offers these; what it was told, in UTF-8. */
async function smartHost(t: TestContext, extensions: readonly string[], refuse: RegExp = /^$/) {
  const upstream = await startRawUpstream(t, {
    answer: ordinaryAnswers((line) => {
      if (line.startsWith('EHLO'))
        return ['250-raw', ...extensions.map((one) => `250-${one}`), '250 HELP'].join('\r\n');
      return refuse.test(line) ? '550 5.1.1 no such user' : undefined;
    }),
  });
  const told = () => upstream.lines.map((line) => Buffer.from(line, 'latin1').toString());
  return {
    smartHost: (overrides?: Partial<SmartHost>) => aSmartHost(upstream.port, overrides),
    told,
    envelopes: () => told().filter((line) => /^(MAIL|RCPT)/.test(line)),
    /** Each content, as it was sent. */
    contents: () =>
      told()
        .join('\r\n')
        .split('DATA\r\n')
        .slice(1)
        .map((content) => content.split(/\r\n\.(?:\r\n|$)/)[0] ?? ''),
  };
}

async function send(
  t: TestContext,
  upstream: Awaited<ReturnType<typeof smartHost>>,
  { content = ASCII, ...message }: { to?: readonly string[]; envelope?: Partial<Envelope>; content?: Buffer },
) {
  const relay = await startDelivering(t, configured(upstream.smartHost()));
  await relay.spool.put(aMessage({ ...message, content }), inMemory(content));
  await emptied(relay);
  return relay;
}

const MODERN = ['8BITMIME', 'SMTPUTF8', 'DSN', 'PIPELINING'];

describe('a smart host that offers SMTPUTF8', () => {
  test('gets international addresses as they are, and the parameter', async (t) => {
    const upstream = await smartHost(t, MODERN);
    const originalRecipient = String.raw`utf-8;\x{436}@b.example`;
    await send(t, upstream, {
      envelope: {
        from: 'жук@xn--e1afmkfd.xn--p1ai',
        recipients: [{ address: 'Жук@b.example', originalRecipient }],
        eightBit: true,
        hasUtf8Header: true,
      },
      content: UTF8,
    });
    assert.deepEqual(upstream.envelopes(), [
      'MAIL FROM:<жук@xn--e1afmkfd.xn--p1ai> BODY=8BITMIME SMTPUTF8',
      `RCPT TO:<Жук@b.example> ORCPT=${originalRecipient}`,
    ]);
    assert.deepEqual(upstream.contents(), [UTF8.toString().slice(0, -2)]);
  });

  test('is not asked for it where nothing but the body is international', async (t) => {
    const upstream = await smartHost(t, MODERN);
    const content = Buffer.from('From: orders@shop.example\r\nSubject: x\r\n\r\nтело\r\n');
    await send(t, upstream, { envelope: { eightBit: true }, content });
    assert.deepEqual(upstream.envelopes(), [
      'MAIL FROM:<orders@shop.example> BODY=8BITMIME',
      'RCPT TO:<you@elsewhere.example>',
    ]);
  });

  test('is asked for it for the recipients who need it, and not for the others', async (t) => {
    const upstream = await smartHost(t, MODERN);
    await send(t, upstream, { to: [...BOTH, 'c@b.example'] });
    assert.deepEqual(upstream.envelopes(), [
      'MAIL FROM:<orders@shop.example>',
      'RCPT TO:<a@b.example>',
      'RCPT TO:<c@b.example>',
      'MAIL FROM:<orders@shop.example> SMTPUTF8',
      'RCPT TO:<жук@b.example>',
    ]);
  });

  test('gets one transaction where the message needs it anyway', async (t) => {
    const upstream = await smartHost(t, MODERN);
    await send(t, upstream, { to: BOTH, envelope: { eightBit: true, hasUtf8Header: true }, content: UTF8 });
    assert.deepEqual(upstream.envelopes(), [
      'MAIL FROM:<orders@shop.example> BODY=8BITMIME SMTPUTF8',
      'RCPT TO:<a@b.example>',
      'RCPT TO:<жук@b.example>',
    ]);
  });

  test('gets the report to an international sender in UTF-8', async (t) => {
    const upstream = await smartHost(t, MODERN, /^RCPT TO:<\S*@b\.example>/);
    const originalRecipient = String.raw`utf-8;\x{436}@b.example`;
    await send(t, upstream, {
      envelope: {
        from: 'жук@shop.example',
        recipients: [{ address: 'Жук@b.example', originalRecipient }],
        eightBit: true,
        hasUtf8Header: true,
      },
      content: UTF8,
    });
    assert.deepEqual(upstream.envelopes().slice(2), [
      'MAIL FROM:<> BODY=8BITMIME SMTPUTF8',
      'RCPT TO:<жук@shop.example>',
    ]);
    const [, report = ''] = upstream.contents();
    for (const part of [
      'To: <жук@shop.example>\r\n',
      'Content-Type: multipart/report; report-type=global-delivery-status;\r\n',
      'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n',
      '<Жук@b.example>:\r\n    550 5.1.1 no such user\r\n',
      'Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\nReporting-MTA: dns; ',
      'Original-Recipient: utf-8; ж@b.example\r\nFinal-Recipient: utf-8; Жук@b.example\r\nAction: failed\r\n',
      'Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: Жук <жук@shop.example>\r\nSubject: жук = x\r\n',
    ]) {
      assert.ok(report.includes(part), `${part}\nis not in\n${report}`);
    }
  });
});

describe('a smart host without SMTPUTF8', () => {
  const OLD = ['8BITMIME', 'DSN'];

  for (const [what, envelope, words] of [
    ['an international sender', { from: 'жук@shop.example' }, /it is in the sender's address: use one in ASCII/],
    ['a header in UTF-8', { eightBit: true, hasUtf8Header: true as const }, /it is in the header: encode that/],
    ['an international recipient', { recipients: [{ address: 'жук@b.example' }] }, /the recipient's address: use one/],
  ] as const) {
    test(`is not asked about a message with ${what}, which bounces with 5.6.7`, async (t) => {
      const upstream = await smartHost(t, OLD);
      const relay = await send(t, upstream, { envelope });
      const [bounced] = said(relay, 'bounced');
      assert.equal(bounced?.['status'], '5.6.7');
      assert.match(String(bounced?.['reply']), /^upstream does not take UTF-8 outside the body \(SMTPUTF8\)/);
      assert.match(String(bounced?.['reply']), words);
      assert.deepEqual(
        upstream.envelopes().filter((line) => !/^MAIL FROM:<>|^RCPT TO:<orders@shop.example>/.test(line)),
        [],
      );
    });
  }

  test('gets the message for the recipients who are not international', async (t) => {
    const upstream = await smartHost(t, OLD);
    const relay = await send(t, upstream, { to: BOTH });
    assert.deepEqual(upstream.envelopes(), [
      'MAIL FROM:<orders@shop.example>',
      'RCPT TO:<a@b.example>',
      'MAIL FROM:<>',
      'RCPT TO:<orders@shop.example>',
    ]);
    assert.deepEqual(said(relay, 'delivered')[0]?.['to'], ['a@b.example']);
    assert.deepEqual(said(relay, 'bounced')[0]?.['to'], ['жук@b.example']);
  });

  test('has a client that waits for its answer (Passthrough) hear so at once, for all its recipients', async (t) => {
    const upstream = await smartHost(t, OLD);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const reply = await relay.delivery.passThrough(aMessage({ to: BOTH }), inMemory());
    assert.deepEqual([reply.code, reply.enhanced, reply.reason], [554, '5.6.7', 'upstream_refused']);
    assert.match(reply.lines[0], /SMTPUTF8.* use one in ASCII/);
    assert.deepEqual(upstream.envelopes(), []);
  });

  test('gets the copy of a redirected message, which names the recipient in ASCII', async (t) => {
    const upstream = await smartHost(t, OLD);
    await send(t, upstream, {
      envelope: { recipients: [{ address: 'tester@b.example', redirectedFrom: ['жук@b.example'] }] },
    });
    assert.ok(upstream.contents()[0]?.startsWith('X-Original-To: \\x{436}\\x{443}\\x{43A}@b.example\r\n'));
  });

  test('gets the report about it in ASCII, with nothing lost', async (t) => {
    const upstream = await smartHost(t, OLD);
    await send(t, upstream, {
      envelope: { recipients: [{ address: 'жук+x@b.example' }], eightBit: true, hasUtf8Header: true },
      content: UTF8,
    });
    const [report = ''] = upstream.contents();
    assert.match(report, /^[\r\n\x20-\x7e]*$/);
    const encoded = (text: string) =>
      text.replaceAll(/[^\x00-\x7f]|=/gu, (one) =>
        Buffer.from(one).toString('hex').toUpperCase().replaceAll(/../g, '=$&'),
      );
    for (const part of [
      'Content-Type: multipart/report; report-type=delivery-status;\r\n',
      'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
      `${encoded('<жук+x@b.example>:')}\r\n`,
      'Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; ',
      String.raw`Final-Recipient: utf-8; \x{436}\x{443}\x{43A}\x{2B}x@b.example`,
      'Status: 5.6.7\r\n',
      'Content-Type: message/global-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
      `${encoded('From: Жук <жук@shop.example>')}\r\n${encoded('Subject: жук = x')}\r\nMessage-ID: <1@shop.example>\r\n`,
    ]) {
      assert.ok(report.includes(part), `${part}\nis not in\n${report}`);
    }
  });

  test('gets raw octets in a header from a client that did not ask for SMTPUTF8, as ever', async (t) => {
    const upstream = await smartHost(t, OLD);
    await send(t, upstream, { envelope: { eightBit: true }, content: UTF8 });
    assert.deepEqual(upstream.contents(), [UTF8.toString().slice(0, -2)]);
  });

  test('is no way for an international sender to hear of anything: the report is kept for people', async (t) => {
    const upstream = await smartHost(t, OLD);
    const relay = await send(t, upstream, { envelope: { from: 'жук@shop.example' } });
    const [lost] = said(relay, 'report could not be delivered, and is kept for people');
    assert.deepEqual([lost?.['sender'], lost?.['status']], ['жук@shop.example', '5.6.7']);
  });
});
