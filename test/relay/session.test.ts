/** What a dialogue file cannot say: TLS, the end of the server, and what is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';
import { beginMessage, filler, logIn, MESSAGE, start } from './sessions.ts';

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
    await client.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}`);
    await until(async () => (await server.incoming()).length > 0);
    await server.server.drain(50);
    await client.closed();
    await until(async () => (await server.incoming()).length === 0);
    assert.deepEqual(server.accepted, []);
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
