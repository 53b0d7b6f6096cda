import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { loadSettings } from './file.ts';
import { settingsSchema } from './settings.ts';

async function problemsOf(t: TestContext, text: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-settings-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 's.yaml');
  await writeFile(file, text);
  const result = await loadSettings(file);
  return result.ok ? [] : result.problems.map((problem) => problem.replace(`${folder}/`, ''));
}

/** Names of all settings, however deep. */
function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'properties'
      ? Object.entries(value as object).flatMap(([name, inner]) => [name].concat(namesIn(inner)))
      : namesIn(value),
  );
}

describe('the settings file', () => {
  test('in examples/ shows each setting', async () => {
    const text = await readFile('examples/settings.yaml', 'utf8');
    const names = new Set(namesIn(z.toJSONSchema(settingsSchema, { io: 'input' })));
    assert.ok(names.size > 40);
    assert.deepEqual(
      [...names].filter((name) => !new RegExp(`^[ #]*(capture: true|${name}:)`, 'm').test(text)),
      [],
    );
    assert.equal((await loadSettings('examples/settings.yaml')).ok, true);
  });

  test('with faults gets a line for each, with its place', async (t) => {
    assert.deepEqual(await problemsOf(t, 'hots: x\n'), ['s.yaml:1:1 hots: no such setting; did you mean host?']);
    assert.deepEqual(await problemsOf(t, '# x\nclasses:\n  default:\n    upstream: {host: x, prot: 25}\n'), [
      's.yaml:4:25 classes.default.upstream.prot: no such setting; did you mean classes.default.upstream.port?',
    ]);
    const recipients = (text: string) => problemsOf(t, `classes:\n  default:\n    recipients: ${text}\n`);
    assert.deepEqual(await recipients('{allow: [shop.example]}'), [
      's.yaml:3:26 classes.default.recipients.allow.0: must be an address or a domain with a leading @; it is "shop.example"',
    ]);
    assert.deepEqual(await recipients('{otherwise: Redirect}'), [
      's.yaml:3:5 classes.default.recipients.redirectTo: and `otherwise: Redirect` go together; set both, or neither',
    ]);
    assert.match(
      (await problemsOf(t, 'ports: 9-1\n')).join(),
      /^s.yaml:1:1 ports: has a range that is the wrong way round: write 1-9/,
    );
    assert.match((await problemsOf(t, 'relayClass: blue\n')).join(), /^s.yaml:1:1 relayClass: must be one of/);
    assert.match((await problemsOf(t, 'a: [\n')).join(), /^s.yaml:2:1 /);
    assert.match((await problemsOf(t, 'classes: {default: {existingSenders: [{shop: nonsense}]}}')).join(), /domain/);
    assert.deepEqual(await problemsOf(t, ''), []);
  });

  test('refuses two classes with one Secret for their configuration, and names both', async (t) => {
    const both = /configSecret: must be another one for each class; classes default and blue both have smtp-plus-x/;
    const settings = 'classes: {default: {configSecret: smtp-plus-x}, blue: {configSecret: smtp-plus-x}}';
    assert.match((await problemsOf(t, settings)).join(), both);
    // the name that a class has by default counts as well
    const taken = 'classes: {default: {configSecret: smtp-plus-blue}, blue: {}}';
    assert.match((await problemsOf(t, taken)).join(), /classes\.default\.configSecret: .* both have smtp-plus-blue/);
    assert.deepEqual(await problemsOf(t, 'classes: {default: {configSecret: smtp-plus-x}, blue: {}}'), []);
  });

  test('lets no namespace into a class by a slip in its selector', async (t) => {
    const allowed = (text: string) => problemsOf(t, `classes: {default: {allowedNamespaces: ${text}}}`);
    const selector = (text: string) => allowed(`{from: Selector, selector: ${text}}`);
    for (const good of ['{matchLabels: {team: shop}}', '{matchExpressions: [{key: a, operator: Exists}]}']) {
      assert.deepEqual(await selector(good), []);
    }
    const refused: readonly (readonly [problems: readonly string[], words: RegExp])[] = [
      [await allowed('{from: Selector}'), /allowedNamespaces\.selector: and `from: Selector` go together/],
      [
        await allowed('{selector: {matchLabels: {a: b}}}'),
        /allowedNamespaces\.selector: and `from: Selector` go together/,
      ],
      [await allowed('{from: Same}'), /allowedNamespaces\.from/],
      [await selector('{matchLabel: {team: shop}}'), /matchLabel\b/],
      [await selector('{matchExpressions: [{key: a, operator: In, value: [b]}]}'), /value\b/],
      [await selector('{matchExpressions: [{key: a, operator: NotIn}]}'), /values: must be set for the operators In/],
      [await selector('{matchExpressions: [{key: a, operator: Exists, values: [b]}]}'), /values: must be set/],
    ];
    for (const [problems, words] of refused) assert.match(problems.join('\n'), words);
  });

  test('refuses a class that is served here and elsewhere', async (t) => {
    const problems = (await problemsOf(t, 'classesElsewhere: [blue, default]')).join();
    assert.match(problems, /classesElsewhere\.1: is under `classes` too/);
  });

  test('takes an address for reports that it vouches for itself, and no other', async (t) => {
    const settings = (from: string, sender: string) =>
      `classes: {default: {reports: {from: ${from}}}, other: {existingSenders: [{mail: ${sender}}]}}`;
    for (const sender of ['corp.example', '"@corp.example"', 'bounces@corp.example']) {
      assert.deepEqual(await problemsOf(t, settings('bounces@corp.example', sender)), []);
    }
    for (const sender of ['elsewhere.example', 'other@corp.example', 'sub.corp.example']) {
      assert.match(
        (await problemsOf(t, settings('bounces@corp.example', sender))).join(),
        /classes\.default\.reports\.from: must be covered by existingSenders .* add `- NAMESPACE: bounces@corp\.example`/,
      );
    }
    assert.match((await problemsOf(t, settings('corp.example', 'corp.example'))).join(), /must be a bare address/);
  });

  test('take a sender of mails that prove addresses which a class vouches for, and no other, and a class that there is', async (t) => {
    const settings = (from: string, more = '') =>
      `verification: {from: ${from}${more}}\nclasses: {default: {existingSenders: [{platform: platform.example}]}}`;
    assert.deepEqual(await problemsOf(t, settings('verification@platform.example')), []);
    assert.match(
      (await problemsOf(t, settings('verification@elsewhere.example'))).join(),
      /verification\.from: must be covered by existingSenders .* add `- NAMESPACE: verification@elsewhere\.example`/,
    );
    for (const [more, words] of [
      [', relayClass: gone', /verification\.relayClass: must be one of `classes`/],
      [', relayServer: relay', /verification\.relayServer: must be HOST:PORT/],
      [', pageURL: "ftp://x.example"', /verification\.pageURL: must be an http or https URL/],
      [', pageURL: "https://x.example/?a=b"', /verification\.pageURL: must have no \? and no #/],
    ] as const) {
      assert.match((await problemsOf(t, settings('verification@platform.example', more))).join(), words);
    }
  });

  test('may keep the search list away from the name of a smart host', async (t) => {
    assert.deepEqual(await problemsOf(t, 'classes: {default: {upstream: {host: smtp.provider.example.}}}'), []);
  });

  test('that cannot be made sense of as a whole says where and why', async (t) => {
    const only = async (text: string): Promise<string> => (await problemsOf(t, text)).join('\n');
    assert.match(await only('ports: 2525\nfolder: *gone\n'), /^s\.yaml:2:9 \*gone refers to nothing/);
    const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++)
      laughs.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join()}]`,
      );
    assert.match(await only(laughs.join('\n')), /^s\.yaml:9:\d+ aliases that stand for .* write their values out$/);
    assert.match(await only('ports: 2525\n---\nports: 2526\n'), /^s\.yaml:2:1 a second document begins here/);
    assert.match(await only('ports: 2525\nports: 2526\n'), /^s\.yaml:2:1 .*ports is there twice/);
    assert.match(await only('classes:\n'), /^s\.yaml:1:1 classes: must be a mapping; it is null$/);
    assert.match(await only('watchNamespaces: shop\n'), /^s\.yaml:1:1 watchNamespaces: must be a list; it is "shop"$/);
  });

  test('that is no text says so', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'smtp-plus-settings-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 's.yaml'), Buffer.from('\ufeffports: 2525\n', 'utf16le'));
    const result = await loadSettings(join(folder, 's.yaml'));
    assert.ok(!result.ok);
    assert.match(result.problems.join(), /s\.yaml is not UTF-8 text$/);
  });

  const refused: readonly (readonly [setting: string, message: RegExp])[] = [
    ['folder: ""', /^s.yaml:1:1 folder: must have at least 1 character/],
    ['ports: ""', /^s.yaml:1:1 ports: must not be empty/],
    ['watchNamespaces: [Shop]', /watchNamespaces.0: must be lower-case/],
    ['classes: {default: {hostname: "a\\r\\nb"}}', /classes.default.hostname: must be a host name/],
    ['classes: {default: {existingSenders: [{Shop: shop.example}]}}', /existingSenders.0.Shop: must be lower-case/],
    [
      'classes: {default: {delivery: {retryFirstSeconds: 9, retryMostSeconds: 3}}}',
      /retryFirstSeconds: must be at most retryMostSeconds$/,
    ],
    ['classes: {default: {delivery: {retryFirstSeconds: 0}}}', /retryFirstSeconds: must be more than 0; it is 0$/],
    [
      'classes: {default: {configSecret: smtp-plus}}',
      /configSecret: must be another one: the operator's own Secrets begin with smtp-plus/,
    ],
    ['pageAccess: Nobody', /pageAccess: must be/],
    ['classes: {default: {metrics: {labels: 0}}}', /metrics\.labels: must be/],
    ['relayClass: blue', /relayClass: must be one of `classes`;/],
    [
      'classes: {default: {upstream: {host: "smtp.x:25"}}}',
      /upstream.host: must be .*without port, .*; it is "smtp\.x:25"$/,
    ],
    [
      'classes: {default: {allowListUpstream: {hosts: ["https://smtp.x"]}}}',
      /allowListUpstream.hosts.0: must be `\*`, a host/,
    ],
    [
      'classes: {default: {allowListUpstream: {hosts: ["smtp.*.x"]}}}',
      /allowListUpstream.hosts.0: must be `\*`, a host/,
    ],
    [
      'classes: {default: {allowListUpstream: {addresses: [public]}}}',
      /addresses.0: must be Public, Private, Loopback or a range/,
    ],
    ['classes: {default: {allowListUpstream: {addresses: [0.0.0.0/0]}}}', /addresses.0: .*not wider than \/8/],
    ['classes: {default: {allowListUpstream: {except: [10.0.0.1]}}}', /except.0: must be a range such as/],
    ['classes: {default: {allowListUpstream: {except: ["::ffff:10.0.0.0/104"]}}}', /except.0: must be a range such as/],
    ['classes: {default: {upstream: {host: 192.0.2.1.}}}', /upstream.host: must not end in a dot/],
    ['classes: {default: {upstream: {host: ""}}}', /upstream.host: must have/],
    ['classes: {default: {upstream: {host: x, username: u}}}', /upstream.username: needs passwordFile beside it$/],
    ['classes: {default: {upstream: {host: x, passwordFile: p}}}', /upstream.passwordFile: needs username beside it$/],
    ['classes: {default: {upstream: {host: x, auth: LOGIN}}}', /upstream.auth: needs username beside it$/],
    ['classes: {default: {upstream: {host: x, auth: XOAUTH2}}}', /upstream.auth: needs oauth2 beside it$/],
    ['classes: {default: {upstream: {host: x, helo: relay}}}', /upstream.helo: must be a domain name of two labels/],
    ['classes: {default: {sharedCounters: {}}}', /sharedCounters.host: is missing; add it$/],
    ['classes: {default: {sharedCounters: {host: "redis://x"}}}', /sharedCounters.host: must be a host name or/],
    [
      'classes: {default: {sharedCounters: {host: x, username: u}}}',
      /sharedCounters.username: needs passwordFile beside it$/,
    ],
    [
      'classes: {default: {sharedCounters: {host: x, tls: None, caFile: f}}}',
      /sharedCounters.tls: must be Implicit with serverName or caFile$/,
    ],
    ['classes: {default: {sharedCounters: {host: x, keyPrefix: "a b"}}}', /keyPrefix: must be letters, digits and/],
    ['classes: {default: {sharedCounters: {host: x, keyPrefix: ""}}}', /keyPrefix: must/],
    [
      'classes: {default: {sharedCounters: {host: x, timeoutMilliseconds: 0}}}',
      /timeoutMilliseconds: must be at least 10/,
    ],
    [
      'classes: {default: {upstream: {host: x, recipientsPerTransaction: 0}}}',
      /recipientsPerTransaction: must be at least 1/,
    ],
    [
      'classes: {default: {upstream: {host: x, oauth2: {tokenURL: https://a.example/t, clientID: c, user: u}}}}',
      /upstream.oauth2: must have one of clientSecretFile and clientAssertionFile$/,
    ],
    [
      'classes: {default: {upstream: {host: x, tls: None, oauth2: {tokenURL: https://a.example/t, clientID: c, user: u, clientSecretFile: f}}}}',
      /upstream.tls: must be StartTLS or Implicit with oauth2/,
    ],
    [
      'classes: {default: {upstream: {host: x, username: u, passwordFile: p, oauth2: {tokenURL: https://a.example/t, clientID: c, user: u, clientSecretFile: f}}}}',
      /upstream.oauth2: is a way to log in, as username is: remove one of them$/,
    ],
    [
      'classes: {default: {upstream: {host: x, oauth2: {tokenURL: http://a.example/t, clientID: c, user: u, clientSecretFile: f}}}}',
      /upstream.oauth2.tokenURL: must be a URL that begins with https:/,
    ],
  ];
  for (const [setting, message] of refused) {
    test(`refuses ${setting}`, async (t) => {
      const problems = await problemsOf(t, setting);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', message);
    });
  }

  test('yields to flags, and a bad flag is named as a flag', async () => {
    const good = await loadSettings('examples/settings.yaml', { ports: '2600', host: undefined });
    assert.ok(good.ok);
    assert.equal(good.settings.ports, '2600');
    assert.equal(good.settings.host, '127.0.0.1');
    const bad = await loadSettings('examples/settings.yaml', { implicitTlsPorts: 'x' });
    assert.ok(!bad.ok);
    assert.match(bad.problems.join(), /^--implicit-tls-ports: must be ports/);
  });
});
