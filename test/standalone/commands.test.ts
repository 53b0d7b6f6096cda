/** The commands that look at one process: what they say, and what they do to it. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createTransport } from 'nodemailer';
import { jsonOf, runCommand } from '../support/command.ts';
import { run } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { delivered } from '../support/outbox.ts';
import { replyTo } from '../support/send.ts';
import { credentialsOf, startStandalone, statusOf } from '../support/standalone.ts';

const MANIFESTS = `# of the shop
apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: domain, namespace: shop}
spec: {domain: shop.example}
---
# one credential
apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: app, namespace: shop}
spec:
  active: true # since May
---
apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: idle, namespace: shop}
spec: {active: false}
`;

async function start(t: TestContext, manifests = MANIFESTS) {
  const folder = await folderOf(t, { 'all.yaml': manifests });
  const flags = ['--existing-sender', 'shop=shop.example'];
  const process = await startStandalone(t, { folder, flags });
  await until(async () => (await statusOf(process.state, 'SmtpPlusUser', 'shop', 'app')).condition('Ready')?.status);
  return { ...process, at: ['--state', process.state] };
}

describe('looking at one process', () => {
  test('users are listed with what they can send as, and with why they cannot', async (t) => {
    const { at, port } = await start(t);
    const { code, stdout } = await runCommand(['users', ...at]);
    assert.equal(code, 0);
    assert.match(stdout, /^USER +LOGIN +LIST +CAN SEND +SENDERS +SERVER +SECRET +LAST USED\n/);
    assert.match(
      stdout,
      new RegExp(`^shop/app +app\\.shop +\\S+ +yes +@shop\\.example +localhost:${port} +app-smtp`, 'm'),
    );
    assert.match(stdout, /^shop\/idle +idle\.shop +\S+ +no: Inactive/m);
    assert.match(stdout, /Cannot send:\n {2}shop\/idle: Inactive\n {4}.*spec\.active/);
    const { users } = await jsonOf<{ users: { name: string; canSend: boolean }[] }>(['users', 'shop/app', ...at]);
    assert.deepEqual(
      users.map(({ name, canSend }) => [name, canSend]),
      [['app', true]],
    );
    const nobody = await runCommand(['users', 'shop/nobody', ...at]);
    assert.deepEqual([nobody.code, nobody.stderr], [1, 'error: there is no SmtpPlusUser shop/nobody\n']);
  });

  test('a state folder whose process has ended says so, and what it knew', async (t) => {
    const { at, stop } = await start(t);
    await stop();
    const { code, stdout, stderr } = await runCommand(['status', ...at]);
    assert.equal(code, 0);
    assert.match(stdout, /^KIND +READY +NOT READY +UNKNOWN\n/);
    assert.match(stdout, /^SmtpPlusUser +2 +0 +0$/m);
    assert.match(stderr, /^warning: no process runs on /);
  });

  test('one process and a cluster at once are refused, and so is a word that is no object', async (t) => {
    const { at } = await start(t);
    const both = await runCommand(['users', ...at, '--context', 'prod']);
    assert.deepEqual([both.code, /choose one/.test(both.stderr)], [2, true]);
    const word = await runCommand(['password', 'Shop/App', ...at]);
    assert.deepEqual([word.code, word.stderr.startsWith('error: Shop/App is no name of an object')], [2, true]);
  });
});

describe('the password of a user', () => {
  test('is printed as it is, and as variables that a shell reads', async (t) => {
    const { at, state, port } = await start(t);
    const { password } = await credentialsOf(state, 'shop', 'app-smtp');
    assert.equal((await runCommand(['password', 'shop/app', ...at])).stdout, `${password}\n`);
    assert.equal((await runCommand(['password', 'app', '-n', 'shop', ...at])).stdout, `${password}\n`);
    const lines = await runCommand(['password', 'shop/app', '-o', 'env', ...at]);
    const script = `${lines.stdout}\nprintf '%s|' "$SMTP_HOST" "$SMTP_PORT" "$SMTP_USERNAME" "$SMTP_PASSWORD" "$SMTP_TLS" "$SMTP_CA"`;
    const { stdout } = await run('sh', ['-c', script]);
    const [host, itsPort, username, itsPassword, tls, ca] = stdout.split('|');
    assert.deepEqual(
      [host, itsPort, username, itsPassword, tls],
      ['localhost', String(port), 'app.shop', password, 'STARTTLS'],
    );
    assert.ok(ca?.startsWith('-----BEGIN CERTIFICATE-----\n'));
  });

  test('is replaced by rotate, which changes nothing else in the manifest', async (t) => {
    const { at, state, folder } = await start(t);
    const before = await credentialsOf(state, 'shop', 'app-smtp');
    const { code, stdout, stderr } = await runCommand(['rotate', 'shop/app', ...at]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /The Secret shop\/app-smtp has a new password\. The old one is valid until \d{4}-/);
    const after = await credentialsOf(state, 'shop', 'app-smtp');
    assert.notEqual(after.password, before.password);
    const text = await readFile(join(folder, 'all.yaml'), 'utf8');
    assert.match(text, /^spec:\n  credentials:\n    rotation:\n      trigger: "by smtp-plus rotate/m);
    assert.equal(text.replace(/  credentials:\n    rotation:\n      trigger: .*\n/, ''), MANIFESTS);
  });

  test('that has leaked ends at once', async (t) => {
    const process = await start(t);
    const old = await credentialsOf(process.state, 'shop', 'app-smtp');
    const { code, stdout, stderr } = await runCommand(['rotate', 'shop/app', '--leaked', ...process.at]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /The old one is not valid any more/);
    const mail = { from: 'a@shop.example', to: 'you@elsewhere.example', text: 'x' };
    // the relay takes the new password a moment after it is in the Secret
    await until(async () => (await replyTo(process, 'app-smtp', mail)).includes('queued'));
    const transport = createTransport({
      host: 'localhost',
      port: process.port,
      requireTLS: true,
      auth: { user: old.username, pass: old.password },
      tls: { ca: old.ca },
    });
    t.after(() => transport.close());
    await assert.rejects(transport.verify(), /535/);
  });

  test('that is somebody’s own is left alone', async (t) => {
    const own = MANIFESTS.replace(
      '  active: true # since May\n',
      '  active: true\n  credentials: {passwordSecretRef: {name: mine}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: mine, namespace: shop}\nstringData: {password: correct horse battery}\n',
    );
    const { at } = await start(t, own);
    const { code, stderr } = await runCommand(['rotate', 'shop/app', ...at]);
    assert.equal(code, 1);
    assert.match(stderr, /its password is your own: change it in the Secret mine/);
  });
});

describe('a test mail', () => {
  test('goes the way that an application would take', async (t) => {
    const { at, state } = await start(t);
    const { code, stdout, stderr } = await runCommand(['send-test', 'shop/app', 'you@elsewhere.example', ...at]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /TLS is on, .*\nLogged in as app\.shop\.\nThe relay answered: 250 2\.0\.0 Ok: queued as /);
    const [message] = await delivered(state, 1);
    assert.equal(message?.envelope.from, 'smtp-plus-test@shop.example');
    assert.deepEqual(message?.envelope.recipients, ['you@elsewhere.example']);
  });

  test('says at which step it failed, and what to do', async (t) => {
    const { at, state, stop } = await start(t);
    const send = (...words: readonly string[]) =>
      runCommand(['send-test', 'shop/app', 'you@elsewhere.example', ...words, ...at]);
    const sender = await send('--from', 'me@other.example');
    assert.equal(sender.code, 1);
    assert.match(
      sender.stdout,
      /Failed at MAIL FROM me@other\.example: 550 5\.7\.1 .*\n.*\napp\.shop may send as: @shop\.example$/m,
    );
    const idle = await runCommand([
      'send-test',
      'shop/idle',
      'you@elsewhere.example',
      '--from',
      'a@shop.example',
      ...at,
    ]);
    assert.equal(idle.code, 1);
    assert.match(
      idle.stdout,
      /Failed at the log-in: log-in refused with 525 5\.7\.13\n.*\nSmtpPlusUser shop\/idle cannot send \(Inactive\)/,
    );
    const silent = createServer((socket) => socket.end('554 not here\r\n'));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.after(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const plain = await send('--server', `localhost:${port}`);
    assert.equal(plain.code, 1);
    assert.match(plain.stdout, /Failed at the greeting: 554 not here\n/);
    const nonsense = await send('--server', 'localhost');
    assert.deepEqual([nonsense.code, /is no HOST:PORT/.test(nonsense.stderr)], [2, true]);
    await stop();
    const gone = await send();
    assert.equal(gone.code, 1);
    assert.match(
      gone.stdout,
      /Failed at the connection to localhost:\d+: .*ECONNREFUSED.*\nWhat to do: see that the relay runs/,
    );
    assert.ok(!gone.stdout.includes((await credentialsOf(state, 'shop', 'app-smtp')).password));
  });

  test('does not trust a certificate that its Secret does not vouch for', async (t) => {
    const first = await start(t);
    const second = await start(t);
    const server = ['--server', `localhost:${second.port}`];
    const { code, stdout } = await runCommand([
      'send-test',
      'shop/app',
      'you@elsewhere.example',
      ...server,
      ...first.at,
    ]);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /Failed at STARTTLS: .*\nWhat to do: the certificate must be for the host in the Secret, by the ca\.crt of shop\/app-smtp/,
    );
  });
});

test('a damaged Secret is named, and nothing of it is shown', async (t) => {
  const state = await folderOf(t, {
    'status/SmtpPlusUser/shop/app.yaml': 'status: {secretRef: {name: app-smtp}}\n',
    'secrets/shop/app-smtp.yaml': 'data: {password: c2VjcmV0\n',
  });
  const { code, stdout, stderr } = await runCommand(['password', 'shop/app', '--state', state]);
  assert.equal(code, 1);
  assert.match(stderr, /app-smtp\.yaml is damaged/);
  assert.ok(!(stdout + stderr).includes('c2VjcmV0'));
  await writeFile(join(state, 'secrets/shop/app-smtp.yaml'), 'data: {password: c2VjcmV0}\n');
  assert.match((await runCommand(['password', 'shop/app', '--state', state])).stderr, /lacks a host, port/);
});
