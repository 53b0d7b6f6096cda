/** What a dialogue file cannot say: several connections, changing configuration, passing time, broken peers. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createTransport } from 'nodemailer';
import { aClass, aConfig, aList, aUser, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';
import { until } from '../support/until.ts';

const MESSAGE = 'From: orders@shop.example\r\n\r\nbody\r\n';

async function start(t: TestContext, options?: Parameters<typeof startSubmission>[0]) {
  const server = await startSubmission(options);
  t.after(() => server.stop());
  return server;
}

async function logIn(server: { port: number; ca: string }, user = USER): Promise<SmtpClient> {
  const client = await openSecureClient(server.port, server);
  assert.match(await client.ask(`AUTH PLAIN ${plain(user, PASSWORD)}`), /^235 /);
  return client;
}

/** Up to the 354. */
async function beginMessage(client: SmtpClient): Promise<void> {
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  assert.match(await client.ask('RCPT TO:<a@b.example>'), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
}

/** A clock that can be set forward. */
function aClock() {
  const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
  return clock;
}

describe('configuration that changes while sessions are open', () => {
  test('the next MAIL of a user made inactive is refused, and accepted again when active', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    await client.ask('RSET');
    server.config = aConfig({ users: { [USER]: aUser({ active: false }) } });
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), `525 5.7.13 SMTP+ user ${USER} is not active`);
    server.config = aConfig();
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  });

  test('a session is refused from an address no longer allowed, and only the log says why a log-in from there fails', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    server.config = aConfig({ users: { [USER]: aUser({ clientCIDRs: ['10.0.0.0/8'] }) } });
    assert.equal(
      await client.ask('MAIL FROM:<orders@shop.example>'),
      `550 5.7.1 Client address 127.0.0.1 not allowed for SMTP+ user ${USER}`,
    );
    const another = await openSecureClient(server.port, server);
    assert.match(await another.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^535 /);
    assert.match(await another.ask(`AUTH PLAIN ${plain('nobody.shop', PASSWORD)}`), /^535 /);
    assert.deepEqual(
      server.lines.map(({ stage, reason }) => [stage, reason]),
      [
        ['mail', 'client_denied'],
        ['auth', 'client_denied'],
        ['auth', 'auth_failed'],
      ],
    );
  });

  test('a user who is gone is logged out', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    server.config = aConfig({ users: {} });
    assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), '530 5.7.0 Authentication required');
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^535 /);
  });

  test('a session that a rotated password opened ends with the password', async (t) => {
    const clock = aClock();
    const server = await start(t, { now: clock.now });
    const client = await logIn(server);
    const verifier = aUser().credentials[0]?.verifier ?? '';
    const notAfter = new Date(Date.now() + 10_000).toISOString();
    server.config = aConfig({ users: { [USER]: aUser({ credentials: [{ verifier, notAfter }] }) } });
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    await client.ask('RSET');
    clock.aheadMs = 10_000;
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^530 /);
  });

  test('a message is judged by what holds at its DATA and at its end, too', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('MAIL FROM:<orders@shop.example>');
    await client.ask('RCPT TO:<a@b.example>');
    server.config = aConfig({ lists: { [LIST]: aList({ suspended: true }) } });
    assert.equal(await client.ask('DATA'), `550 5.7.1 SMTP+ list ${LIST} is suspended`);
    server.config = aConfig();
    assert.match(await client.ask('DATA'), /^354 /);
    server.config = aConfig({ users: { [USER]: aUser({ active: false }) } });
    await client.send(`${MESSAGE}.\r\n`);
    assert.match(await client.reply(), /^525 /);
    assert.deepEqual(server.accepted, []);
  });

  test('a session in clear text needs TLS once its list says so', async (t) => {
    const relayClass = aClass({ starttls: 'Optional' });
    const server = await start(t, {
      config: aConfig({ relayClass, lists: { [LIST]: aList({ starttls: 'Optional' }) } }),
    });
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    server.config = aConfig({ relayClass });
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^530 5\.7\.0 Must issue a STARTTLS/);
    server.config = aConfig({ relayClass, lists: { [LIST]: aList({ starttls: 'Optional' }) } });
    assert.match(await client.ask('STARTTLS'), /^220 /);
    await client.startTls({ ca: server.ca });
    await client.ask('EHLO client.example');
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^530 5\.7\.0 Authentication required/);
  });
});

describe('limits on connections', () => {
  test('one more than the source may have is turned away, until one ends', async (t) => {
    const config = aConfig({ relayClass: aClass({ session: { connectionsPerSource: 1 } }) });
    const server = await start(t, { config });
    const first = await openClient(server.port);
    await first.reply();
    const second = await openClient(server.port);
    assert.equal(await second.reply(), '421 4.7.0 Too many connections');
    assert.equal(await second.closed(), '');
    const other = await openClient(server.port, { localAddress: '127.0.0.2' });
    assert.match(await other.reply(), /^220 /);
    first.destroy();
    await until(async () => {
      const next = await openClient(server.port);
      t.after(() => next.destroy());
      return (await next.reply()).startsWith('220 ');
    });
  });

  test('a user has a number of connections, given back when they end', async (t) => {
    const server = await start(t, { config: aConfig({ users: { [USER]: aUser({ limits: { connections: 1 } }) } }) });
    const first = await logIn(server);
    const second = await openSecureClient(server.port, server);
    assert.equal(await second.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), '421 4.7.0 Too many connections');
    assert.equal(await second.closed(), '');
    first.destroy();
    await until(async () => {
      const next = await openSecureClient(server.port, server);
      t.after(() => next.destroy());
      return (await next.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`)).startsWith('235 ');
    });
  });
});

describe('deadlines', () => {
  const config = aConfig({
    relayClass: aClass({
      session: {
        idleSeconds: 300,
        unauthenticatedSeconds: 60,
        sessionSeconds: 3600,
        dataSeconds: 600,
        dataBytesPerSecond: 256,
      },
    }),
  });

  for (const [name, aheadSeconds] of [
    ['a session in which nobody logs in ends', 61],
    ['a session that is silent ends', 301],
  ] as const) {
    test(name, async (t) => {
      const clock = aClock();
      const server = await start(t, { config, monotonicNow: clock.now });
      const client = aheadSeconds < 300 ? await openClient(server.port) : await logIn(server);
      if (aheadSeconds < 300) await client.reply();
      clock.aheadMs = (aheadSeconds - 2) * 1000;
      assert.match(await client.ask('NOOP'), /^250 /);
      clock.aheadMs += aheadSeconds * 1000;
      assert.equal(await client.reply(), '421 4.4.2 Timeout, closing connection');
      assert.equal(await client.closed(), '');
    });
  }

  test('octets of a command that never ends do not keep a session open', async (t) => {
    const clock = aClock();
    const server = await start(t, { config, monotonicNow: clock.now });
    const client = await logIn(server);
    for (let i = 0; i < 4; i++) {
      clock.aheadMs += 100_000;
      await client.send('N');
    }
    assert.match(await client.reply(), /^421 4\.4\.2 /);
  });

  test('a session that is never silent ends all the same', async (t) => {
    const clock = aClock();
    const server = await start(t, { config, monotonicNow: clock.now });
    const client = await logIn(server);
    for (let i = 0; i < 12; i++) {
      clock.aheadMs += 299_000;
      assert.match(await client.ask('NOOP'), /^250 /);
    }
    clock.aheadMs += 100_000;
    assert.match(await client.reply(), /^421 4\.4\.2 /);
  });

  test('a handshake that never comes ends the connection', async (t) => {
    const clock = aClock();
    const server = await start(t, { config, monotonicNow: clock.now });
    const client = await openClient(server.implicitTlsPort);
    clock.aheadMs = 61_000;
    assert.equal(await client.closed(), '');
  });

  for (const [name, octets, aheadSeconds, ends] of [
    ['a message that trickles in is given up, and leaves nothing behind', 1000, 35, true],
    ['a message that comes fast enough may take its time', 1_000_000, 590, false],
    ['a message that takes too long is given up, however fast it comes', 1_000_000, 601, true],
  ] as const) {
    test(name, async (t) => {
      const clock = aClock();
      const server = await start(t, { config, monotonicNow: clock.now });
      const client = await logIn(server);
      await beginMessage(client);
      await client.send(`From: orders@shop.example\r\n\r\n${'x'.repeat(octets)}`);
      if (octets > 300_000) await until(async () => (await server.incoming()).length > 0);
      clock.aheadMs = aheadSeconds * 1000;
      if (ends) {
        assert.equal(await client.reply(), '421 4.4.2 Timeout, closing connection');
        client.destroy();
        await until(() => server.server.inFlight() === 0);
        await until(async () => (await server.incoming()).length === 0);
      } else {
        await client.send('\r\n.\r\n');
        assert.match(await client.reply(), /^250 /);
      }
    });
  }
});

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

  test('one that is far too large is cut off, and leaves nothing behind', async (t) => {
    const server = await start(t, {
      config: aConfig({ users: { [USER]: aUser({ limits: { messageBytes: 500_000 } }) } }),
    });
    const client = await logIn(server);
    await beginMessage(client);
    const flood = Buffer.from(`From: orders@shop.example\r\n\r\n${'x'.repeat(3_000_000)}`);
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
        await client.send(`${head}${'x'.repeat(limit - head.length - 100)}`);
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
        { address: 'Ann@b.example', notify: ['SUCCESS', 'DELAY'], originalRecipient: 'rfc822;ann@b.example' },
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
    await client.send(`From: orders@shop.example\r\n\r\n${'x'.repeat(600_000)}`);
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

describe('TLS', () => {
  test('versions before 1.2 are refused', async (t) => {
    const server = await start(t);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
    await assert.rejects(openClient(server.implicitTlsPort, { ca: server.ca, tls: old }));
  });

  test('sessions are resumed', async (t) => {
    const server = await start(t);
    const first = await openClient(server.implicitTlsPort, { ca: server.ca, tls: { maxVersion: 'TLSv1.2' } });
    await first.reply();
    const session = first.tls().getSession();
    assert.ok(session);
    const second = await openClient(server.implicitTlsPort, { ca: server.ca, tls: { session, maxVersion: 'TLSv1.2' } });
    assert.equal(second.tls().isSessionReused(), true);
  });

  test('a new certificate serves new sessions while open ones go on', async (t) => {
    const server = await start(t);
    const other = await startSubmission();
    t.after(() => other.stop());
    const before = await logIn(server);
    server.server.updateCertificate(other.certificate);
    await assert.rejects(openClient(server.implicitTlsPort, { ca: server.ca, tls: {} }));
    const after = await openClient(server.implicitTlsPort, { ca: other.ca, tls: {} });
    assert.match(await after.reply(), /^220 /);
    assert.match(await before.ask('NOOP'), /^250 /);
  });

  test('a certificate without its key changes nothing', async (t) => {
    const server = await start(t);
    const other = await startSubmission();
    t.after(() => other.stop());
    assert.throws(() => server.server.updateCertificate({ cert: other.certificate.cert, key: server.certificate.key }));
    const client = await openClient(server.implicitTlsPort, { ca: server.ca, tls: {} });
    assert.match(await client.reply(), /^220 /);
  });
});

describe('a shutdown', () => {
  test('tells idle clients, and lets a message under way end', async (t) => {
    const server = await start(t);
    const idle = await logIn(server);
    const sending = await logIn(server);
    await beginMessage(sending);
    const drained = server.server.drain(60_000);
    assert.equal(await idle.reply(), '421 4.3.2 Shutting down');
    assert.equal(await idle.closed(), '');
    await sending.send(`${MESSAGE}.\r\n`);
    assert.match(await sending.reply(), /^250 2\.0\.0 /);
    assert.equal(await sending.reply(), '421 4.3.2 Shutting down');
    await drained;
    assert.equal(server.accepted.length, 1);
    const late = await openClient(server.port);
    assert.equal(await late.reply(), '421 4.3.2 Shutting down');
  });

  test('cuts off what is left at its deadline, and keeps nothing of it', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await beginMessage(client);
    await client.send(`From: orders@shop.example\r\n\r\n${'x'.repeat(600_000)}`);
    await until(async () => (await server.incoming()).length > 0);
    await server.server.drain(50);
    await client.closed();
    await until(async () => (await server.incoming()).length === 0);
    assert.deepEqual(server.accepted, []);
  });
});

describe('a clock that is set back', () => {
  test('neither delays the answer to a failed log-in nor keeps an idle session open', async (t) => {
    let time = Date.now();
    const monotonic = aClock();
    // an hour back whenever somebody looks
    const now = () => (time -= 3_600_000);
    const server = await start(t, { now, monotonicNow: monotonic.now });
    const client = await openSecureClient(server.port, server);
    const replies: string[] = [];
    void client.ask(`AUTH PLAIN ${plain(USER, 'wrong')}`).then((reply) => replies.push(reply));
    await until(() => replies[0]?.startsWith('535 '));
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    monotonic.aheadMs = 301_000;
    void client.reply().then((reply) => replies.push(reply));
    await until(() => replies[1]?.startsWith('421 '));
  });
});

describe('what is told', () => {
  test('each message and each refusal is a line of the log and a count, and no line holds a password', async (t) => {
    const server = await start(t);
    const client = await openSecureClient(server.port, server);
    await client.ask(`AUTH PLAIN ${plain(USER, 'not-the-password')}`);
    await client.ask('AUTH LOGIN');
    await client.ask(Buffer.from(PASSWORD).toString('base64'));
    await client.ask(Buffer.from(PASSWORD).toString('base64'));
    await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
    await client.ask('MAIL FROM:<ceo@elsewhere.example>');
    await beginMessage(client);
    await client.send(`${MESSAGE}.\r\n`);
    await client.reply();
    const told = server.lines.map(({ msg, stage, reason, list, user, result }) => ({
      msg,
      stage,
      reason,
      list,
      user,
      result,
    }));
    const refused = { msg: 'refused', result: undefined };
    assert.deepEqual(told, [
      { ...refused, stage: 'auth', reason: 'auth_failed', list: LIST, user: USER },
      { ...refused, stage: 'auth', reason: 'auth_failed', list: '-', user: undefined },
      { ...refused, stage: 'mail', reason: 'sender_not_authorized', list: LIST, user: USER },
      { msg: 'message', stage: undefined, reason: 'accepted', list: LIST, user: USER, result: 'accepted' },
    ]);
    const log = JSON.stringify(server.lines);
    for (const secret of [
      PASSWORD,
      'not-the-password',
      plain(USER, PASSWORD),
      Buffer.from(PASSWORD).toString('base64'),
    ]) {
      assert.equal(log.includes(secret), false);
    }
    const metrics = await server.metrics.registry.metrics();
    assert.match(metrics, /smtpplus_messages_total\{list="shop\/transactional",result="accepted"\} 1/);
    assert.match(
      metrics,
      /smtpplus_refusals_total\{list="shop\/transactional",stage="mail",reason="sender_not_authorized"\} 1/,
    );
    assert.match(metrics, /smtpplus_authentications_total\{mechanism="PLAIN",result="accepted"\} 1/);
  });
});
