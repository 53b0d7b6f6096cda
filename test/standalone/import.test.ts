/** Manifests of what other mail servers were told. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runCommand } from '../support/command.ts';
import { folderOf } from '../support/folder.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

function manifestsIn(text: string): readonly Manifest[] {
  return [...parseAllDocuments(text)].map((document) => document.toJS() as Manifest);
}

function specsOf(text: string, kind: string) {
  return Object.fromEntries(
    manifestsIn(text)
      .filter((one) => one.kind === kind)
      .map(({ metadata, spec }) => [metadata.name, spec]),
  );
}

const VALUES = `
config:
  general:
    ALLOWED_SENDER_DOMAINS: "Shop.example other.example"
    RELAYHOST: "[smtp.provider.example]:587"
    RELAYHOST_USERNAME: apikey
    RELAYHOST_PASSWORD: hunter2-of-the-provider
    MASQUERADED_DOMAINS: shop.example
    TZ: Europe/Berlin
  postfix:
    message_size_limit: 10485760
secret:
  SMTPD_SASL_USERS: "orders@shop.example:a-long-enough-password,cron:short"
`;

describe('the values of docker-postfix', () => {
  test('become a list with its smart host, senders and users, and a warning for each thing that is lost', async (t) => {
    const folder = await folderOf(t, { 'values.yaml': VALUES });
    const { code, stdout, stderr } = await runCommand([
      'import',
      'docker-postfix',
      join(folder, 'values.yaml'),
      '-n',
      'shop',
    ]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(specsOf(stdout, 'SmtpPlusList'), {
      imported: {
        limits: { messageBytes: 10_485_760 },
        upstream: {
          host: 'smtp.provider.example',
          port: 587,
          tls: 'StartTLS',
          credentialsSecretRef: { name: 'imported-upstream' },
        },
      },
    });
    assert.deepEqual(specsOf(stdout, 'VerifiedSender'), {
      'shop-example': { domain: 'shop.example' },
      'other-example': { domain: 'other.example' },
    });
    assert.deepEqual(specsOf(stdout, 'SmtpPlusUser'), {
      'orders-at-shop-example': { active: true, username: 'orders@shop.example' },
      cron: { active: true },
    });
    assert.match(stderr, /^warning: MASQUERADED_DOMAINS is not carried over: /m);
    assert.match(stderr, /^warning: cron logs in as cron\.shop from now on/m);
    assert.match(stderr, /^warning: the smart host smtp\.provider\.example needs the Secret shop\/imported-upstream/m);
    assert.doesNotMatch(stdout + stderr, /hunter2|a-long-enough|short\b/, 'no password is anywhere');
  });

  test('keep passwords only where that is asked for, in a file for their owner alone', async (t) => {
    const folder = await folderOf(t, { 'values.yaml': VALUES });
    const to = join(folder, 'out');
    const words = [
      'import',
      'docker-postfix',
      join(folder, 'values.yaml'),
      '-n',
      'shop',
      '--with-passwords',
      '--to',
      to,
    ];
    const { code, stdout, stderr } = await runCommand(words);
    assert.equal(code, 0, stderr);
    assert.deepEqual((await readdir(to)).sort(), ['lists.yaml', 'secrets.yaml', 'senders.yaml', 'users.yaml']);
    const secrets = await readFile(join(to, 'secrets.yaml'), 'utf8');
    assert.deepEqual(
      manifestsIn(secrets).map(({ metadata, stringData }) => [metadata.name, stringData]),
      [
        ['imported-upstream', { username: 'apikey', password: 'hunter2-of-the-provider' }],
        ['orders-at-shop-example-password', { password: 'a-long-enough-password' }],
      ],
    );
    assert.equal((await stat(join(to, 'secrets.yaml'))).mode & 0o777, 0o600);
    assert.match(stderr, /^warning: the password of cron is shorter than 12 characters/m);
    for (const name of ['lists.yaml', 'senders.yaml', 'users.yaml']) {
      assert.doesNotMatch(await readFile(join(to, name), 'utf8'), /hunter2|a-long-enough/);
    }
    assert.doesNotMatch(stdout + stderr, /hunter2|a-long-enough/);
    const checked = await runCommand(['check', to]);
    assert.equal(checked.code, 0, checked.stdout);
    const again = await runCommand(words);
    assert.deepEqual(
      [again.code, /lists\.yaml cannot be written: there is one of this name already/.test(again.stderr)],
      [1, true],
    );
  });

  test('that are no such file are refused by name', async (t) => {
    const folder = await folderOf(t, { 'values.yaml': 'replicaCount: 1\n', 'broken.yaml': 'a: [\n' });
    for (const [name, words] of [
      ['values.yaml', /has neither config nor secret/],
      ['broken.yaml', /is no YAML/],
      ['missing.yaml', /cannot be read: no such file/],
    ] as const) {
      const { code, stdout, stderr } = await runCommand(['import', 'docker-postfix', join(folder, name), '-n', 'shop']);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, words);
    }
  });
});

test('tables of Postfix become lists, and users with the senders that are theirs', async (t) => {
  const folder = await folderOf(t, {
    sasl_passwd:
      '# provider\n[smtp.one.example]:465 user:secret-one\nsmtp.two.example\n   user2:secret-two\nann@shop.example x:y\n',
    maps: 'orders@shop.example   app1, app2\n@news.example app2\n/^bad/ app3\n',
  });
  const { code, stdout, stderr } = await runCommand([
    'import',
    'postfix',
    '--sasl-passwd',
    join(folder, 'sasl_passwd'),
    '--sender-login-maps',
    join(folder, 'maps'),
    '-n',
    'shop',
    '--list',
    'out',
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(specsOf(stdout, 'SmtpPlusList'), {
    out: {
      upstream: {
        host: 'smtp.one.example',
        port: 465,
        tls: 'Implicit',
        credentialsSecretRef: { name: 'out-upstream' },
      },
    },
    'out-2': {
      upstream: {
        host: 'smtp.two.example',
        port: 25,
        tls: 'StartTLS',
        credentialsSecretRef: { name: 'out-2-upstream' },
      },
    },
  });
  assert.deepEqual(specsOf(stdout, 'SmtpPlusUser'), {
    app1: { active: true, senders: ['orders@shop.example'] },
    app2: { active: true, senders: ['orders@shop.example', '@news.example'] },
  });
  assert.deepEqual(Object.values(specsOf(stdout, 'VerifiedSender')), [
    { address: 'orders@shop.example' },
    { domain: 'news.example' },
  ]);
  assert.match(stderr, /sasl_passwd, line 5: a password for one sender .* is left out/);
  assert.match(stderr, /sender_login_maps, line 3: \/\^bad\/ is neither an address nor @DOMAIN/);
  assert.doesNotMatch(stdout + stderr, /secret-one|secret-two|x:y/);
});

test('a table of users may have quotes, and must have a column user', async (t) => {
  const folder = await folderOf(t, {
    'users.csv':
      '\ufeffUser,Senders,active,description,phone\r\nApp One,"a@shop.example shop.example",yes,"says ""hi"", twice",1\r\napp-one,,no,,\r\n',
    'other.csv': 'name\nx\n',
    'open.csv': 'user\n"x\n',
  });
  const { code, stdout, stderr } = await runCommand(['import', 'csv', join(folder, 'users.csv'), '-n', 'shop']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(specsOf(stdout, 'SmtpPlusUser'), {
    'app-one': { active: true, description: 'says "hi", twice', senders: ['a@shop.example', '@shop.example'] },
    'app-one-2': { active: false },
  });
  assert.match(stderr, /the column phone is not carried over/);
  for (const [name, words] of [
    ['other.csv', /one of them must be user/],
    ['open.csv', /row 2 has a quote that does not end/],
  ] as const) {
    const bad = await runCommand(['import', 'csv', join(folder, name), '-n', 'shop']);
    assert.deepEqual([bad.code, words.test(bad.stderr)], [2, true], bad.stderr);
  }
});

test('a table of users says in one of its words who is active, and nobody is by a word that is not known', async (t) => {
  const words = {
    true: ['yes', 'true', '1', 'active', 'y', 'on', 'T', ''],
    false: ['no', 'false', '0', 'inactive', 'n', 'off', 'Disabled', 'f'],
  };
  const rows = Object.entries(words).flatMap(([is, some]) => some.map((word, i) => `is-${is}-${i},${word}\n`));
  const folder = await folderOf(t, {
    'users.csv': `user,active\n${rows.join('')}`,
    'unknown.csv': 'user,active\nann,yes\nbob,suspended\n',
  });
  const { code, stdout, stderr } = await runCommand(['import', 'csv', join(folder, 'users.csv'), '-n', 'shop']);
  assert.equal(code, 0, stderr);
  const users = Object.entries(specsOf(stdout, 'SmtpPlusUser') as Record<string, { active: boolean }>);
  assert.equal(users.length, rows.length);
  for (const [name, { active }] of users) assert.ok(name.startsWith(`is-${active}-`), `${name}: ${active}`);
  const unknown = await runCommand(['import', 'csv', join(folder, 'unknown.csv'), '-n', 'shop']);
  assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /row 3 .*column active; write one of yes, .*, or nothing; or one of no, .*disabled/);
  assert.doesNotMatch(unknown.stderr, /suspended/);
});

test('JSON for programs shows nothing that a terminal obeys or that cannot be seen, and means the same', async (t) => {
  const column = 'жук\u009b2j\u202e\u200b\u2028\u007f\u{e0041}😀';
  const folder = await folderOf(t, { 'users.csv': `user,${column}\nann,1\n` });
  const args = ['import', 'csv', join(folder, 'users.csv'), '-n', 'shop', '-o', 'json'];
  const { code, stdout, stderr } = await runCommand(args);
  assert.equal(code, 0, stderr);
  assert.ok(stdout.includes(String.raw`жук\u009b2j\u202e\u200b\u2028\u007f\udb40\udc41😀`), stdout);
  assert.doesNotMatch(stdout, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  const { warnings } = JSON.parse(stdout) as { warnings: string[] };
  assert.ok(warnings[0]?.startsWith(`the column ${column} is not carried over`), warnings[0]);
});
