/** Clients in five languages send with the Secret that `npm start` made, and what they sent arrives octet for octet. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createTransport } from 'nodemailer';
import { needsCommand, run } from '../support/commands.ts';
import { folderOf } from '../support/folder.ts';
import { delivered } from '../support/outbox.ts';
import { credentialsOf, startStandalone } from '../support/standalone.ts';

const FROM = 'orders@shop.example';
const TO = 'somebody@elsewhere.example';
const CLIENTS = path.join(import.meta.dirname, '../support/clients');

/** Dots at line starts, long lines, trailing blanks, an empty line at the end: what clients and servers get wrong. */
const SENT = Buffer.from(
  [
    `From: Orders <${FROM}>`,
    `To: ${TO}`,
    'Subject: Your order',
    'Date: Mon, 23 Nov 2026 10:00:00 +0000',
    'Message-ID: <clients@shop.example>',
    '',
    '.',
    '..',
    '. leading dot, trailing blank ',
    'x'.repeat(900),
    'caf=C3=A9',
    '',
    '',
  ].join('\r\n'),
);

interface Scene {
  readonly port: number;
  readonly state: string;
  readonly ca: string;
  readonly message: string;
  readonly user: string;
  readonly env: NodeJS.ProcessEnv;
}

async function scene(t: TestContext): Promise<Scene> {
  const { port, state } = await startStandalone(t, { folder: 'examples' });
  const { username, password, ca } = await credentialsOf(state, 'shop', 'orders-smtp');
  const folder = await folderOf(t, { 'ca.crt': ca });
  const message = path.join(folder, 'message.eml');
  await writeFile(message, SENT);
  const env = { ...process.env, PASSWORD: password };
  return { port, state, ca: path.join(folder, 'ca.crt'), message, user: username, env };
}

async function assertArrived(state: string, sent: Buffer = SENT): Promise<void> {
  const [captured, ...others] = await delivered(state, 1);
  assert.equal(others.length, 0);
  assert.ok(captured !== undefined);
  assert.equal(captured.envelope.from, FROM);
  assert.equal(captured.envelope.user, 'orders.shop');
  const added = captured.content.subarray(0, captured.content.length - sent.length);
  assert.deepEqual(captured.content.subarray(added.length), sent);
  assert.match(added.toString(), /^Received: from [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*$/);
}

describe('a client with the credentials of the Secret', () => {
  const argumentsOf = ({ port, ca, user, message }: Scene) => [String(port), ca, user, FROM, TO, message];

  test('sends with Python smtplib', async (t) => {
    if (!needsCommand(t, 'python3')) return;
    const at = await scene(t);
    await run('python3', [path.join(CLIENTS, 'smtplib_send.py'), ...argumentsOf(at)], at);
    await assertArrived(at.state);
  });

  test('sends with Go net/smtp', async (t) => {
    if (!needsCommand(t, 'go')) return;
    const at = await scene(t);
    await run('go', ['run', '.', ...argumentsOf(at)], { env: at.env, cwd: path.join(CLIENTS, 'go') });
    await assertArrived(at.state);
  });

  test('sends with swaks', async (t) => {
    if (!needsCommand(t, 'swaks')) return;
    const at = await scene(t);
    const login = ['--auth', 'PLAIN', '--auth-user', at.user, '--auth-password', at.env['PASSWORD'] ?? ''];
    const tls = ['-tls', '--tls-verify', '--tls-ca-path', at.ca];
    // swaks ends the data with a line end of its own
    const message = path.join(path.dirname(at.message), 'swaks.eml');
    await writeFile(message, SENT.subarray(0, SENT.length - 2));
    const envelope = ['--from', FROM, '--to', TO, '--data', `@${message}`];
    await run('swaks', ['--server', `localhost:${at.port}`, ...tls, ...login, ...envelope], at);
    await assertArrived(at.state);
  });

  test('sends with curl', async (t) => {
    if (!needsCommand(t, 'curl')) return;
    const at = await scene(t);
    const login = ['--user', `${at.user}:${at.env['PASSWORD']}`, '--ssl-reqd', '--cacert', at.ca];
    const envelope = ['--mail-from', FROM, '--mail-rcpt', TO, '--upload-file', at.message];
    await run('curl', ['--silent', '--show-error', `smtp://localhost:${at.port}`, ...login, ...envelope], at);
    await assertArrived(at.state);
  });

  test('sends with nodemailer', async (t) => {
    const at = await scene(t);
    const auth = { user: at.user, pass: at.env['PASSWORD'] ?? '' };
    const tls = { ca: await readFile(at.ca) };
    const transport = createTransport({ host: 'localhost', port: at.port, requireTLS: true, tls, auth });
    await transport.sendMail({ envelope: { from: FROM, to: TO }, raw: SENT });
    transport.close();
    await assertArrived(at.state);
  });
});
