import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { runCheck, type CheckOptions, type CheckResult } from './check.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smtp-plus-check-'));
});
afterEach(() => rm(folder, { recursive: true }));

const shop = `{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: shop}}}`;

/** A manifest on one line. */
function manifest(kind: string, name: string, spec = '{}', rest = ''): string {
  return `{apiVersion: smtpplus.io/v1alpha1, kind: ${kind}, metadata: {name: ${name}, namespace: shop${rest}}, spec: ${spec}}`;
}
const list = (name: string, spec?: string, rest?: string): string => manifest('SmtpPlusList', name, spec, rest);
const user = (name: string, spec?: string, rest?: string): string => manifest('SmtpPlusUser', name, spec, rest);
const sender = (name: string, spec?: string): string => manifest('VerifiedSender', name, spec);

interface Found {
  readonly severity: string;
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly object?: string;
  readonly message: string;
}

async function check(files: Readonly<Record<string, string | string[]>>): Promise<{ code: number; findings: Found[] }> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), Array.isArray(text) ? text.join('\n---\n') : text);
  }
  const { code, report } = await run([folder], { output: 'json' });
  return { code, findings: (JSON.parse(report) as { findings: Found[] }).findings };
}

/** Runs it on paths, and gives the exit code and the report. */
async function run(
  paths: readonly string[],
  { input = '', ...options }: Partial<CheckOptions> & { readonly input?: string } = {},
): Promise<{ code: CheckResult; report: string }> {
  let report = '';
  const stdin = Readable.from([Buffer.from(input)]);
  const write = (text: string): void => void (report += text);
  const code = await runCheck(paths, { output: 'text', stdin, write, ...options });
  return { code, report };
}

async function only(...documents: string[]): Promise<Found> {
  const { findings } = await check({ 'all.yaml': documents });
  assert.equal(findings.length, 1, JSON.stringify(findings, undefined, 2));
  return findings[0] ?? assert.fail();
}

describe('check', () => {
  test('finds nothing in the examples, and says 0', async () => {
    const { code, report } = await run([new URL('../../examples', import.meta.url).pathname]);
    assert.equal(code, 0, report);
    assert.match(report, /: 0 errors, 0 warnings\.$/m);
  });

  test('says 2 and why where there is no folder', async () => {
    const { code, report } = await run([join(folder, 'missing')]);
    assert.equal(code, 2);
    assert.match(report, /missing can't be checked: no such file or folder \(ENOENT\); name folders/);
    await writeFile(join(folder, 'file.yaml'), '');
    assert.equal((await run([join(folder, 'file.yaml', 'x')])).code, 2);
  });

  test('keeps to the form of its report where there is no folder', async () => {
    const json = await run([join(folder, 'missing')], { output: 'json' });
    assert.equal(json.code, 2);
    assert.equal((JSON.parse(json.report) as { findings: Found[] }).findings[0]?.rule, 'unreadable');
    const github = await run([join(folder, 'missing')], { output: 'github' });
    assert.equal(github.code, 2);
    assert.match(github.report, /^::error file=/);
  });

  test('takes a single file too', async () => {
    await writeFile(join(folder, 'file.yaml'), user('a', '{mode: Test}'));
    await writeFile(join(folder, 'other.yaml'), user('a', '{mode: Test}'));
    const { code, report } = await run([join(folder, 'file.yaml')]);
    assert.equal(code, 1);
    assert.match(report, /^1 object checked in .*file\.yaml: 1 error, 0 warnings\.$/m);
  });

  test('fails where there is none of our objects, which is probably the wrong folder', async () => {
    for (const files of [{}, { 'shop.yaml': shop }]) {
      const { code, findings } = await check(files);
      assert.equal(code, 1);
      assert.equal(findings[0]?.rule, 'nothing-found');
    }
  });

  test('finds an object of ours in a group that is not ours', async () => {
    for (const apiVersion of ['smtpplus/v1alpha1', 'v1', 'smtpplus.com/v1alpha1']) {
      const found = await only(
        list('a'),
        sender('b', '{domain: b.example}').replace('smtpplus.io/v1alpha1', apiVersion),
      );
      assert.equal(found.severity, 'error');
      assert.match(found.message, /did you mean smtpplus\.io\/v1alpha1\?/);
    }
  });

  test('says why a name that YAML does not read as text is none', async () => {
    const message = /^metadata\.name must be text; it is true: put it in quotes;/;
    assert.match((await only(list('a'), user('y'))).message, message);
    const inNamespace = user('b').replace('namespace: shop', 'namespace: 123');
    assert.match((await only(list('a'), inNamespace)).message, /^metadata\.namespace must be text; it is 123: put/);
  });

  test('finds labels that are no mapping', async () => {
    const found = await only(list('a', '{}', ', labels: [a]'));
    assert.match(found.message, /^metadata\.labels must be a mapping/);
  });

  test('points at the line and column of a field, in any document of a file, in any folder', async () => {
    const { code, findings } = await check({
      'team/mail.yaml': `${shop}\n---\napiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUser\nmetadata:\n  name: a\n  namespace: shop\nspec:\n  mode: live\n`,
    });
    assert.equal(code, 1);
    assert.deepEqual(findings, [
      {
        severity: 'error',
        rule: 'schema',
        file: join(folder, 'team/mail.yaml'),
        line: 9,
        column: 3,
        object: 'SmtpPlusUser shop/a',
        message: 'spec.mode must be one of Live, Sandbox; it is "live".',
      },
    ]);
  });

  test('goes on after a file that is no YAML', async () => {
    const { findings } = await check({ 'a.yaml': 'a: [\n', 'b.yaml': user('a', '{mode: Test}') });
    assert.deepEqual(
      findings.map(({ rule }) => rule),
      ['syntax', 'schema'],
    );
  });

  test('does not follow a loop of symbolic links for ever', async () => {
    await symlink(folder, join(folder, 'loop'));
    const { findings } = await check({ 'a.yaml': [list('a')] });
    assert(findings.every(({ rule }) => rule !== 'duplicate'));
  });

  test('suggests the field that was meant', async () => {
    assert.match((await only(user('a', '{activ: true}'))).message, /spec\.activ is not a field .* spec\.active\?$/);
  });

  test('suggests the place that a field belongs in', async () => {
    assert.match((await only(user('a', '{secretName: x}'))).message, /did you mean spec\.credentials\.secretName\?$/);
  });

  test('finds an annotation that YAML reads as a boolean', async () => {
    const found = await only(list('a', '{}', ', annotations: {smtpplus.io/default-list: true}'));
    assert.match(found.message, /put its value in quotes/);
  });

  test('finds annotations and labels of ours that do nothing, and suggests the one that was meant', async () => {
    const cases: readonly (readonly [kind: typeof list, field: string, message: RegExp])[] = [
      [list, 'annotations: {smtpplus.io/default-lst: "true"}', /did you mean smtpplus\.io\/default-list\?$/],
      [list, 'annotations: {SmtpPlus.io/Default-List: "true"}', /did you mean smtpplus\.io\/default-list\?$/],
      [list, 'annotations: {smtpplus.io/colour: blue}', /is not an annotation of a SmtpPlusList; remove it\.$/],
      [list, 'annotations: {smtpplus.io/default-list: "yes"}', /must be "true" or "false"; it is "yes"\.$/],
      [list, 'labels: {smtpplus.io/default-list: "true"}', /did you mean the annotation smtpplus\.io\/default-list\?$/],
      [user, 'annotations: {smtpplus.io/default-list: "true"}', /belongs on a SmtpPlusList; remove it\.$/],
    ];
    for (const [kind, field, message] of cases) {
      const found = await only(kind('a', '{}', `, ${field}`));
      assert.equal(`${found.severity} ${found.rule}`, 'error unknown-annotation');
      assert.match(found.message, message);
    }
    const fine = ', annotations: {smtpplus.io/default-list: "false", example.com/x: z}, labels: {app: a}';
    assert.deepEqual((await check({ 'all.yaml': list('a', '{}', fine) })).findings, []);
  });

  test('finds labels and annotations that an API server refuses', async () => {
    const cases: readonly (readonly [field: string, message: RegExp])[] = [
      ['labels: {team: no spaces}', /^metadata\.labels must have valid values, but that of team is not; use/],
      [`labels: {team: ${'a'.repeat(64)}}`, /that of team is not/],
      ['labels: {"a b": c}', /^metadata\.labels must have valid keys, but a b is not one; use/],
      [`labels: {${'a'.repeat(64)}: b}`, /must have valid keys/],
      ['labels: {Team.example/a: b}', /must have valid keys/],
      ['annotations: {a/b/c: d}', /^metadata\.annotations must have valid keys, but a\/b\/c is not one/],
    ];
    for (const [field, message] of cases) assert.match((await only(list('a', '{}', `, ${field}`))).message, message);
    const fine = ', labels: {team.example/A_b: "", a.b: c-d}, annotations: {Team.example/a: "no label, and long"}';
    assert.deepEqual((await check({ 'all.yaml': list('a', '{}', fine) })).findings, []);
  });

  test('finds two files that say who an object is', async () => {
    const { code, findings } = await check({ 'a.yaml': list('a'), 'b.yaml': list('a') });
    assert.equal(code, 1);
    assert.match(findings[0]?.message ?? '', /SmtpPlusList shop\/a is already at .*a\.yaml:1:1/);
  });

  test('bounds its report', async () => {
    const bad = Array.from({ length: 1100 }, (_, i) => user(`u${i}`, '{mode: Test}'));
    const { findings } = await check({ 'a.yaml': bad });
    assert.equal(findings.length, 1000);
  });
});

describe('check of references', () => {
  const domain = sender('shop', '{domain: shop.example}');

  test('finds a list that is missing among its neighbours, and suggests one', async () => {
    const found = await only(list('transactional'), user('a', '{listRef: {name: transactionl}}'));
    assert.equal(`${found.severity} ${found.rule}`, 'error ListNotFound');
    assert.match(found.message, /Did you mean transactional\?/);
  });

  test('only warns of a list in a namespace of which the folder has none', async () => {
    const found = await only(user('a', '{listRef: {name: bulk, namespace: mail}}'));
    assert.equal(`${found.severity} ${found.rule}`, 'warning ListNotInFolder');
  });

  test('finds a list that does not take users of the namespace', async () => {
    const bulk = list('bulk').replace('namespace: shop', 'namespace: mail');
    const found = await only(bulk, user('a', '{listRef: {name: bulk, namespace: mail}}'));
    assert.equal(`${found.severity} ${found.rule}`, 'error NamespaceNotAllowed');
  });

  test('judges a selector by the labels of the Namespace, and warns where the folder does not have it', async () => {
    const selecting = '{allowedNamespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}';
    const bulk = list('bulk', selecting).replace('namespace: shop', 'namespace: mail');
    const guest = user('a', '{listRef: {name: bulk, namespace: mail}}');
    assert.deepEqual((await check({ 'all.yaml': [shop, bulk, guest] })).findings, []);
    assert.equal((await only(bulk, guest)).rule, 'NamespaceNotInFolder');
    assert.equal((await only(shop.replace('team: shop', 'team: bank'), bulk, guest)).rule, 'NamespaceNotAllowed');
  });

  test('finds a user name that no VerifiedSender of the namespace covers', async () => {
    const found = await only(domain, user('a', '{username: a@bank.example}'));
    assert.equal(`${found.severity} ${found.rule}`, 'error UsernameNotAllowed');
    assert.deepEqual((await check({ 'all.yaml': [domain, user('a', '{username: a@shop.example}')] })).findings, []);
  });

  test('finds two users of one name at each of them, and names the other', async () => {
    const stranger = user('x', '{username: u@shop.example}').replace('namespace: shop', 'namespace: evil');
    const claim = domain.replace('namespace: shop', 'namespace: evil');
    const files = { 'all.yaml': [domain, user('a', '{username: u@shop.example}'), stranger, claim] };
    const taken = (await check(files)).findings.filter(({ rule }) => rule === 'UsernameTaken');
    assert.deepEqual(
      taken.map(({ object }) => object),
      ['SmtpPlusUser shop/a', 'SmtpPlusUser evil/x'],
    );
    assert.match(taken[0]?.message ?? '', /SmtpPlusUser evil\/x \(.*all\.yaml:5:1\)/);
    assert.match(taken[1]?.message ?? '', /SmtpPlusUser shop\/a \(.*all\.yaml:3:1\)/);
  });

  test('finds two users that want one Secret', async () => {
    const found = await only(user('a'), user('b', '{credentials: {secretName: a-smtp}}'));
    assert.equal(`${found.rule} ${found.object}`, 'SecretNotOwned SmtpPlusUser shop/b');
  });

  test('finds a Secret of the folder that the credentials would have to overwrite', async () => {
    const secret = '{apiVersion: v1, kind: Secret, metadata: {name: a-smtp, namespace: shop}}';
    assert.equal((await only(secret, user('a'))).rule, 'SecretNotOwned');
  });

  test('finds a password that is too short, without printing it', async () => {
    const secret =
      '{apiVersion: v1, kind: Secret, metadata: {name: own, namespace: shop}, stringData: {password: hunter2}}';
    const found = await only(secret, user('a', '{credentials: {passwordSecretRef: {name: own}}}'));
    assert.equal(found.rule, 'PasswordUnacceptable');
    assert.doesNotMatch(JSON.stringify(found), /hunter2/);
  });

  test('expects Secrets in the folder only where others of the namespace are there', async () => {
    const wanting = user('a', '{credentials: {passwordSecretRef: {name: own}}}');
    assert.deepEqual((await check({ 'all.yaml': [wanting] })).findings, []);
    const other = '{apiVersion: v1, kind: Secret, metadata: {name: other, namespace: shop}}';
    const found = await only(other, wanting);
    assert.equal(`${found.severity} ${found.rule}`, 'warning SecretNotInFolder');
  });

  test('points at the field that a judgement of the core is about', async () => {
    const other = '{apiVersion: v1, kind: Secret, metadata: {name: other, namespace: shop}}';
    const house = list(
      'house',
      '\n  upstream:\n    host: smtp.example\n    caSecretRef: {name: gone}\n  limits: {connections: 9}',
    );
    const greedy = user(
      'greedy',
      '\n  listRef: {name: house}\n  credentials: {secretName: other}\n  limits:\n    connections: 60',
    );
    const byFields = (text: string): string =>
      text.replace(/^\{|\}$/g, '').replaceAll(/, (?=kind|metadata|spec)/g, '\n');
    const { findings } = await check({
      'other.yaml': other,
      'house.yaml': byFields(house),
      'greedy.yaml': byFields(greedy),
    });
    assert.deepEqual(findings.map(({ rule, file, line }) => `${rule} ${basename(file)}:${line}`).toSorted(), [
      'ListCeiling greedy.yaml:8',
      'SecretNotInFolder house.yaml:7',
      'SecretNotOwned greedy.yaml:6',
    ]);
  });

  test('finds the sender that nothing covers, at its own line', async () => {
    const { findings } = await check({
      'all.yaml': [
        domain,
        user('a', '\n  senders:\n    - "@shop.example"\n    - a@bank.example\n')
          .replace(/^\{|\}$/g, '')
          .replaceAll(/, (?=kind|metadata|spec)/g, '\n'),
      ],
    });
    assert.deepEqual(
      findings.map(({ rule, line }) => `${rule}:${line}`),
      ['NotCovered:9'],
    );
    assert.match(findings[0]?.message ?? '', /spec\.senders\[1\].*a@bank\.example/);
  });

  test('warns of a user who is to send and never could, with the words of the operator', async () => {
    const nobody = await only(domain, user('a', '{active: true, senders: []}'));
    assert.equal(`${nobody.severity} ${nobody.rule}`, 'warning NoVerifiedSender');
    assert.match(nobody.message, /^spec\.senders is empty, so that it may send as nobody; add senders/);
    const elsewhere = domain.replace('namespace: shop', 'namespace: bank');
    const lonely = await only(elsewhere, user('a', '{active: true}'));
    assert.equal(`${lonely.severity} ${lonely.rule}`, 'warning NoVerifiedSender');
    assert.match(lonely.message, /namespace shop: there is no VerifiedSender; make one\.$/);

    const uncovered = await only(elsewhere, user('a', '{active: true, senders: [a@shop.example]}'));
    assert.equal(uncovered.rule, 'NotCovered', 'once is enough');
    const shared = elsewhere.replace('{domain', '{allowedNamespaces: {from: All}, domain');
    const fine = [user('a', '{senders: []}'), user('b', '{active: true}')];
    assert.deepEqual((await check({ 'all.yaml': [shared, ...fine] })).findings, []);
  });

  test('finds a domain that IDNA does not know', async () => {
    const found = await only(sender('a', '{domain: xn--a.example}'));
    assert.equal(found.rule, 'schema');
    assert.match(found.message, /^spec\.domain must be/);
  });

  test('finds two default lists in one namespace', async () => {
    const annotated = ', annotations: {smtpplus.io/default-list: "true"}';
    assert.equal((await only(list('a', '{}', annotated), list('b', '{}', annotated))).rule, 'NotTheDefault');
  });

  test('warns of a limit above that of the list, which has no effect', async () => {
    const found = await only(
      list('a', '{limits: {connections: 5}}'),
      user('b', '{listRef: {name: a}, limits: {connections: 9}}'),
    );
    assert.equal(`${found.severity} ${found.rule}`, 'warning ListCeiling');
  });

  test('warns of a relay class that only settings could tell of', async () => {
    const found = await only(list('a', '{relayClassName: bulk}'));
    assert.equal(`${found.severity} ${found.rule}`, 'warning RelayClassNotKnown');
    assert.match(found.message, /--settings/);
  });

  test('takes every sender for verified, and a class without settings for lenient', async () => {
    const files = [list('a', '{starttls: Optional}'), domain, user('b', '{active: true, listRef: {name: a}}')];
    assert.deepEqual((await check({ 'all.yaml': files })).findings, []);
  });

  test('tells every fault of one object in one round: fields, values, rules, names and references', async () => {
    const { findings } = await check({
      'a.yaml': [
        list('a'),
        domain,
        user(
          'b',
          '{activ: true, mode: Test, limts: {}, listRef: {name: aa}, senders: [7, x@xn--a.example, x@bank.example], clientCIDRs: [10.0.0.1], username: b@shop}',
        ).replace(
          'namespace: shop}',
          'namespace: shop, labels: {a: b c}, annotations: {smtpplus.io/defaultlist: "true"}}',
        ),
      ],
    });
    assert.deepEqual(findings.map(({ rule, message }) => `${rule} ${message.split(/[ :]/)[0]}`).toSorted(), [
      'ListNotFound spec.listRef',
      'NotCovered spec.senders[2]',
      'schema metadata.labels',
      'schema spec.clientCIDRs',
      'schema spec.mode',
      'schema spec.senders[0]',
      'schema spec.senders[1]',
      'schema spec.username',
      'unknown-annotation metadata.annotations',
      'unknown-field spec.activ',
      'unknown-field spec.limts',
    ]);
  });

  test('blames nobody for the slips of others', async () => {
    const broken = list('a', '{allowedNamespaces: {from: all}, limits: {connections: 0}, upstream: {port: 25}}');
    const guest = user('b', '{listRef: {name: a, namespace: shop}}').replace(
      'namespace: shop}, spec',
      'namespace: bank}, spec',
    );
    const { findings } = await check({ 'a.yaml': [broken, guest] });
    assert.deepEqual([...new Set(findings.map(({ object }) => object))], ['SmtpPlusList shop/a']);
  });
});
