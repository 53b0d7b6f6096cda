/** International mail of real clients, by way of one process, to a smart host: what it is told, octet by octet. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createTransport } from 'nodemailer';
import { needsCommand, run } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { credentialsOf, startStandalone } from '../support/standalone.ts';
import { ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

const CLIENTS = path.join(import.meta.dirname, '../support/clients');
const FROM = 'жук@пример.example';
const CANONICAL = 'жук@xn--e1afmkfd.example';
const TO = 'сова@bücher.example';
const MANIFESTS = `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: beetle, namespace: shop}
spec: {address: ${FROM}}
---
apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: app, namespace: shop}
spec: {active: true}
`;

/** One user who may send as one international address, and a smart host that offers these extensions. */
async function scene(t: TestContext, extensions: readonly string[], smtputf8 = 'Allow') {
  const upstream = await startRawUpstream(t, {
    answer: ordinaryAnswers((line) =>
      line.startsWith('EHLO')
        ? ['250-raw', ...extensions.map((one) => `250-${one}`), '250 HELP'].join('\r\n')
        : undefined,
    ),
  });
  const settings = `classes:
  default:
    smtputf8: ${smtputf8}
    upstream: {host: 127.0.0.1, port: ${upstream.port}, tls: None}
    existingSenders: [{shop: '${CANONICAL}'}]
`;
  const folder = await folderOf(t, { 'all.yaml': MANIFESTS });
  const file = path.join(await folderOf(t, { 'settings.yaml': settings }), 'settings.yaml');
  const { port, state, lines } = await startStandalone(t, { folder, settings: file });
  const { username, password, ca } = await credentialsOf(state, 'shop', 'app-smtp');
  const caFile = path.join(await folderOf(t, { 'ca.crt': ca }), 'ca.crt');
  const told = () => upstream.lines.map((line) => Buffer.from(line, 'latin1').toString());
  return {
    port,
    ca: caFile,
    username,
    env: { ...process.env, PASSWORD: password },
    lines,
    /** Resolves when the smart host has a whole message: envelope, and content less what the relay put in front. */
    delivered: async () => {
      const whole = await until(() => Promise.resolve(told().includes('.') ? told() : undefined), { ms: 10_000 });
      const [envelope, content] = [whole.indexOf('DATA'), whole.slice(whole.indexOf('DATA') + 1, whole.indexOf('.'))];
      assert.match(content.slice(0, 2).join(''), /^Received: .* with UTF8SMTPSA /);
      return {
        envelope: whole.slice(0, envelope).filter((line) => !line.startsWith('EHLO')),
        content: content.slice(content.findIndex((line, i) => i > 0 && !/^\s/.test(line))),
      };
    },
  };
}

type Scene = Awaited<ReturnType<typeof scene>>;

function smtplib(t: TestContext, { port, ca, username, env }: Scene, from: string) {
  if (!needsCommand(t, 'python3')) return undefined;
  return run('python3', [path.join(CLIENTS, 'smtplib_utf8.py'), String(port), ca, username, from, TO], { env });
}

describe('a smart host with SMTPUTF8 gets international mail', () => {
  const MODERN = ['8BITMIME', 'SMTPUTF8', 'PIPELINING'];
  const ENVELOPE = [`MAIL FROM:<${CANONICAL}> BODY=8BITMIME SMTPUTF8`, 'RCPT TO:<сова@xn--bcher-kva.example>'];

  test('of Python smtplib', async (t) => {
    const at = await scene(t, MODERN);
    const sent = smtplib(t, at, FROM);
    if (sent === undefined) return;
    await sent;
    const { envelope, content } = await at.delivered();
    assert.deepEqual(envelope, ENVELOPE);
    assert.deepEqual(content, [
      `From: Жук <${FROM}>`,
      `To: ${TO}`,
      'Subject: привет',
      'Date: Mon, 23 Nov 2026 10:00:00 +0000',
      'Message-ID: <utf8@shop.example>',
      'Content-Type: text/plain; charset="utf-8"',
      'Content-Transfer-Encoding: 8bit',
      'MIME-Version: 1.0',
      '',
      'тело',
    ]);
  });

  test('of nodemailer', async (t) => {
    const at = await scene(t, MODERN);
    const auth = { user: at.username, pass: at.env['PASSWORD'] ?? '' };
    const tls = { ca: await readFile(at.ca) };
    const transport = createTransport({ host: 'localhost', port: at.port, requireTLS: true, tls, auth });
    await transport.sendMail({ from: { name: 'Жук', address: FROM }, to: TO, subject: 'привет', text: 'тело' });
    transport.close();
    const { envelope, content } = await at.delivered();
    assert.deepEqual(
      envelope.map((line) => line.replace(' BODY=8BITMIME', '')),
      ENVELOPE.map((line) => line.replace(' BODY=8BITMIME', '')),
    );
    assert.ok(content.some((line) => line.startsWith('From: ') && line.includes('<жук@')));
  });

  test('of nobody who may not use that address', async (t) => {
    const at = await scene(t, MODERN);
    // Cyrillic o and y for Latin ones, and the other way round, are other letters
    for (const other of ['сова@пример.example', 'жyк@пример.example', 'жук@примeр.example']) {
      const sent = smtplib(t, at, other);
      if (sent === undefined) return;
      await assert.rejects(sent, /sender not authorized for SMTP\+ user app\.shop/);
    }
  });
});

describe('international mail that cannot go on', () => {
  test('bounces with words that say why, where the smart host has no SMTPUTF8', async (t) => {
    const at = await scene(t, ['8BITMIME']);
    const sent = smtplib(t, at, FROM);
    if (sent === undefined) return;
    await sent;
    const line = await until(() => Promise.resolve(at.lines.find((one) => one.includes('"msg":"bounced"'))), {
      ms: 10_000,
    });
    const { from, to, status, reply } = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual([from, to, status], [CANONICAL, ['сова@xn--bcher-kva.example'], '5.6.7']);
    assert.match(String(reply), /SMTPUTF8.* use one in ASCII/);
  });

  test('is refused at once, where the class wants it so', async (t) => {
    const at = await scene(t, [], 'Refuse');
    const sent = smtplib(t, at, FROM);
    if (sent === undefined) return;
    await assert.rejects(sent, /SMTPNotSupportedError/);
  });

  test('of swaks, which does not ask for SMTPUTF8, is refused with what to do', async (t) => {
    if (!needsCommand(t, 'swaks')) return;
    const at = await scene(t, []);
    const login = ['--auth', 'PLAIN', '--auth-user', at.username, '--auth-password', at.env['PASSWORD'] ?? ''];
    const envelope = ['--from', FROM, '--to', 'a@b.example'];
    const tls = ['-tls', '--tls-verify', '--tls-ca-path', at.ca];
    await assert.rejects(
      run('swaks', ['--server', `localhost:${at.port}`, ...tls, ...login, ...envelope], at),
      ({ stdout }: { stdout: string }) => /553 5\.6\.7 Addresses outside ASCII need MAIL with SMTPUTF8/.test(stdout),
    );
  });
});
