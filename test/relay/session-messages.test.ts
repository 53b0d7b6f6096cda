/** Messages on their way in, and peers that break off. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { until } from '../support/eventually.ts';
import { aConfig, aList, aUser, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { beginMessage, filler, logIn, MESSAGE, start } from './sessions.ts';

describe('messages', () => {
  test('a large one goes through a file, and arrives octet by octet behind our lines', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    const body = '..\r\nline\xff\r\n'.repeat(100_000);
    await beginMessage(client);
    await client.send(
      `From: orders@shop.example\r\nDate: now\r\nMessage-ID: <1@a>\r\n\r\n${body.replaceAll('..', '...')}.\r\n`,
    );
    assert.match(await client.reply(), /^250 2\.0\.0 /);
    const [message] = server.accepted;
    assert.equal(message?.envelope.eightBit, true);
    const stored = await server.bytesOf(message);
    assert.equal(stored.length, message?.size);
    const text = stored.toString('latin1');
    assert.match(text, /^Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n\tby relay\.example with ESMTPSA /);
    assert.equal(
      text.slice(text.indexOf('From:')),
      `From: orders@shop.example\r\nDate: now\r\nMessage-ID: <1@a>\r\n\r\n${body}`,
    );
    assert.deepEqual(await server.incoming(), []);
  });

  for (const [how, body] of [
    ['in memory', 'Bcc: this is text\r\n..\r\n'],
    ['in a file', 'Bcc: this is text\r\nline\r\n'.repeat(20_000)],
  ] as const) {
    test(`one kept ${how} loses its Bcc, and no other octet`, async (t) => {
      const server = await start(t);
      const client = await logIn(server);
      await beginMessage(client);
      const before = 'Bcc: a@b.example,\r\n\tc@d.example\r\nFrom: orders@shop.example\r\n';
      const after = 'Date: now\r\nMessage-ID: <1@a>\r\nresent-bcc: e@f.example\r\nSubject: x\r\n y\r\nBCC:\r\n\r\n';
      await client.send(`${before}${after}${body.replaceAll(/^\./gm, '..')}.\r\n`);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      const [message] = server.accepted;
      const stored = await server.bytesOf(message);
      assert.equal(stored.length, message?.size);
      assert.equal(
        stored.toString('latin1').replace(/^Received:.*\r\n(?:\t.*\r\n)*/, ''),
        `From: orders@shop.example\r\nDate: now\r\nMessage-ID: <1@a>\r\nSubject: x\r\n y\r\n\r\n${body}`,
      );
    });
  }

  test('one that is signed, or of a list that keeps Bcc, arrives as it was sent', async (t) => {
    const list = aList({ senderPolicy: { ...aList().senderPolicy, bcc: 'Keep' } });
    const users = { [USER]: aUser(), 'keeper.shop': aUser({ list: 'shop/keepers' }) };
    const server = await start(t, { config: aConfig({ users, lists: { [LIST]: aList(), 'shop/keepers': list } }) });
    const signature = 'DKIM-Signature: v=1; h=from:date:\r\n message-id:bcc; b=AA==\r\n';
    const header = 'From: orders@shop.example\r\nBcc: a@b.example\r\n';
    for (const [user, sent] of [
      [USER, `${signature}${header}\r\nbody\r\n`],
      ['keeper.shop', `${header}Date: now\r\nMessage-ID: <1@a>\r\n\r\nbody\r\n`],
    ] as const) {
      const client = await logIn(server, user);
      await beginMessage(client);
      await client.send(`${sent}.\r\n`);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      const stored = await server.contentOf(server.accepted.at(-1));
      assert.equal(stored.replace(/^Received:.*\r\n(?:\t.*\r\n)*/, ''), sent);
    }
  });

  test('one that is far too large is cut off, and leaves nothing behind', async (t) => {
    const server = await start(t, {
      config: aConfig({ users: { [USER]: aUser({ limits: { messageBytes: 500_000 } }) } }),
    });
    const client = await logIn(server);
    await beginMessage(client);
    const flood = Buffer.from(`From: orders@shop.example\r\n\r\n${filler(3_000_000)}`);
    client.socket().write(flood);
    assert.equal(await client.reply(), '552 5.3.4 Message exceeds 500000 bytes');
    await client.closed();
    assert.deepEqual(await server.incoming(), []);
    assert.deepEqual(server.accepted, []);
  });

  for (const [where, limit] of [
    ['in memory', 1000],
    ['in a file', 400_000],
  ] as const) {
    for (const over of [0, 1] as const) {
      test(`one kept ${where} is ${over === 0 ? 'taken at' : 'refused one octet over'} the limit`, async (t) => {
        const config = aConfig({ users: { [USER]: aUser({ limits: { messageBytes: limit } }) } });
        const server = await start(t, { config });
        const client = await logIn(server);
        await beginMessage(client);
        const head = 'From: orders@shop.example\r\n\r\n';
        await client.send(`${head}${filler(limit - head.length - 100)}`);
        // what we add is in the file before the last octets come
        if (where === 'in a file') await until(async () => (await server.incoming()).length > 0);
        await client.send(`${'x'.repeat(98 + over)}\r\n.\r\n`);
        assert.match(await client.reply(), over === 0 ? /^250 / : /^552 5\.3\.4 /);
        assert.equal(server.accepted.length, 1 - over);
        for (const message of server.accepted) assert.equal((await server.bytesOf(message)).length, message.size);
      });
    }
  }

  test('one with an endless header is refused', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await beginMessage(client);
    await client.send(`From: orders@shop.example\r\n${`X: ${'x'.repeat(900)}\r\n`.repeat(300)}\r\n.\r\n`);
    assert.equal(await client.reply(), '554 5.6.0 Message header is not valid: larger than 262144 octets');
    assert.match(await client.ask('NOOP'), /^250 /);
  });

  test('the envelope is kept as the client gave it', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('MAIL FROM:<Orders@SHOP.example> BODY=8BITMIME RET=HDRS ENVID=id+2B1');
    await client.ask('RCPT TO:<Ann@B.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ann@b.example');
    await client.ask('RCPT TO:<c@d.example>');
    await client.ask('DATA');
    await client.send(`${MESSAGE}.\r\n`);
    await client.reply();
    assert.deepEqual(server.accepted[0]?.envelope, {
      from: 'Orders@shop.example',
      recipients: [
        { address: 'Ann@B.example', notify: ['SUCCESS', 'DELAY'], originalRecipient: 'rfc822;ann@b.example' },
        { address: 'c@d.example' },
      ],
      // plain ASCII, which any upstream takes
      eightBit: false,
      ret: 'HDRS',
      envelopeId: 'id+2B1',
    });
  });

  test('nodemailer, a client as people have it, sends over STARTTLS and over implicit TLS', async (t) => {
    const server = await start(t);
    for (const [port, secure] of [
      [server.port, false],
      [server.implicitTlsPort, true],
    ] as const) {
      const transport = createTransport({
        host: '127.0.0.1',
        port,
        secure,
        requireTLS: !secure,
        tls: { ca: server.ca, servername: 'localhost' },
        auth: { user: USER, pass: PASSWORD },
      });
      const sent = await transport.sendMail({
        from: 'Shop <orders@shop.example>',
        to: 'a@b.example',
        text: '.\nhello\n',
      });
      assert.match(sent.response, /^250 2\.0\.0 Ok: queued as /);
      transport.close();
    }
    assert.match(await server.contentOf(server.accepted[1]), /\r\n\r\n\.\r\nhello\r\n$/);
  });
});

describe('peers that break off', () => {
  test('in the middle of a message leave no file, take nothing of the rate, and harm nobody', async (t) => {
    const server = await start(t, {
      config: aConfig({ users: { [USER]: aUser({ limits: { messagesPerHour: 1 } }) } }),
    });
    const client = await logIn(server);
    await beginMessage(client);
    await client.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}`);
    await until(async () => (await server.incoming()).length > 0);
    client.destroy();
    await until(async () => (await server.incoming()).length === 0);
    const next = await logIn(server);
    await beginMessage(next);
    await next.send(`${MESSAGE}.\r\n`);
    assert.match(await next.reply(), /^250 /);
  });

  test('with a reset, at any point, cost their own connection only', async (t) => {
    const server = await start(t);
    const points: ((client: SmtpClient) => Promise<unknown>)[] = [
      async () => undefined,
      (client) => client.send('EHLO'),
      (client) => client.send('EHLO a\r\nSTARTTLS\r\n'),
      async (client) => {
        await client.reply();
        await client.ask('STARTTLS');
        await client.send('\x16\x03\x01');
      },
      (client) => client.send('STARTTLS\r\ngarbage that is no handshake\r\n'),
    ];
    for (const point of points) {
      const client = await openClient(server.port);
      await point(client);
      client.socket().resetAndDestroy();
    }
    const inData = await logIn(server);
    await beginMessage(inData);
    inData.destroy();
    const inAuth = await openSecureClient(server.port, server);
    await inAuth.send(`AUTH PLAIN ${plain(USER, 'wrong')}\r\n`);
    inAuth.destroy();
    const open = async () => (await server.metrics.connections.get()).values[0]?.value;
    await until(async () => (await open()) === 0);
    const after = await logIn(server);
    assert.match(await after.ask('NOOP'), /^250 /);
  });
});
