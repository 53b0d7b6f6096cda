import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseManifests } from './parse.ts';

const user = (name: string, more = ''): string =>
  `apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUser\nmetadata:\n  name: ${name}\n  namespace: shop\n${more}`;

const names = (text: string): readonly string[] =>
  parseManifests('f.yaml', text).manifests.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);

const complaints = (text: string): readonly string[] =>
  parseManifests('f.yaml', text).problems.map(
    ({ source, reason, message }) => `${source.line}:${source.column} ${reason}: ${message}`,
  );

describe('the text of a manifest file', () => {
  test('holds several documents, and empty ones and comments are nothing', () => {
    const text = `# comment\n---\n${user('orders')}---\n---\n${user('news')}---\n# end\n`;
    assert.deepEqual(names(text), ['SmtpPlusUser shop/orders', 'SmtpPlusUser shop/news']);
    assert.deepEqual(complaints(text), []);
  });

  test('gives each object its place, also in the second document', () => {
    const [first, second] = parseManifests('a/f.yaml', `${user('orders')}---\n${user('news')}`).manifests;
    assert.deepEqual(first?.source, { file: 'a/f.yaml', line: 1, column: 1 });
    assert.deepEqual(second?.source, { file: 'a/f.yaml', line: 7, column: 1 });
  });

  test('gives the place of a field, or of what is nearest to a missing one', () => {
    const [object] = parseManifests(
      'f.yaml',
      user('orders', 'spec:\n  senders:\n    - a@b.example\n    - c@d.example\n'),
    ).manifests;
    assert.equal(object?.locate(['spec', 'senders', 1]).line, 9);
    assert.equal(object?.locate(['spec', 'senders', 1]).column, 7);
    assert.equal(object?.locate(['spec', 'senders']).line, 7);
    assert.equal(object?.locate(['spec', 'limits', 'connections']).line, 6);
    assert.equal(object?.locate(['status']).line, 1);
  });

  test('may be a List, and each item has its own place', () => {
    const items = ['orders', 'news'].map(
      (name) =>
        `- apiVersion: smtpplus.io/v1alpha1\n  kind: SmtpPlusUser\n  metadata: {name: ${name}, namespace: shop}\n`,
    );
    for (const head of ['apiVersion: v1\nkind: List\n', 'apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUserList\n']) {
      const { manifests, problems } = parseManifests('f.yaml', `${head}items:\n${items.join('')}`);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        manifests.map(({ name, source, locate }) => [name, source.line, locate(['metadata']).line]),
        [
          ['orders', 4, 6],
          ['news', 7, 9],
        ],
      );
    }
  });

  test('that holds a SmtpPlusList holds one object and no list of them', () => {
    const text = 'apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusList\nmetadata: {name: transactional}\nspec: {}\n';
    assert.deepEqual(names(text), ['SmtpPlusList default/transactional']);
  });

  test('may be JSON', () => {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
    assert.deepEqual(names(JSON.stringify(object, undefined, '\t')), ['Namespace /shop']);
  });

  test('is read as kubectl reads it: yes is true, a date is text, and merge keys merge', () => {
    const [object] = parseManifests(
      'f.yaml',
      user('orders', 'spec: {<<: {description: 2020-01-01}, active: yes, username: 12:30}\n'),
    ).manifests;
    assert.deepEqual(object?.value['spec'], { description: '2020-01-01', active: true, username: '12:30' });
  });

  test('that is no YAML yields no objects at all, with line and column', () => {
    const content = parseManifests('f.yaml', `${user('orders')}---\n${user('news', 'spec: {active: true\n')}`);
    assert.equal(content.broken, true);
    assert.deepEqual(content.manifests, []);
    assert.equal(content.problems[0]?.source.line, 13);
    assert.equal(content.problems[0]?.reason, 'syntax');
  });

  test('with a key twice is no YAML, since readers differ on which one counts', () => {
    assert.match(
      complaints(user('orders', 'spec:\n  active: false\n  active: true\n'))[0] ?? '',
      /^8:3 syntax: .*unique: active is there twice/,
    );
  });

  test('cannot take the process down by aliases or depth', () => {
    const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++)
      laughs.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join()}]`);
    assert.match(
      complaints(laughs.join('\n'))[0] ?? '',
      /^12:12 syntax: aliases that stand for .* write their values out$/,
    );
    assert.equal(parseManifests('f.yaml', `a: ${'['.repeat(50_000)}`).broken, true);
    assert.match(complaints(`a: ${'['.repeat(100)}${']'.repeat(100)}`)[0] ?? '', /levels deep/);
    assert.match(complaints(`a: ${'['.repeat(5000)}${']'.repeat(5000)}`)[0] ?? '', /deep/);
  });

  test('with more aliases than anybody needs is refused at the first that is too many, and for no more than in proportion', () => {
    const copies = `a: &a x\nb:\n${'- *a\n'.repeat(200)}`;
    assert.match(
      complaints(copies)[0] ?? '',
      /^103:3 syntax: aliases that stand for more than 100 copies of one anchor/,
    );
    const many = (count: number): string =>
      `a:\n${Array.from({ length: count }, (_, i) => `- &a${i} x\n- *a${i}\n`).join('')}`;
    assert.match(complaints(many(2000))[0] ?? '', /^2003:3 syntax: more than 1000 aliases; write their values out$/);
    const cost = (count: number): number => {
      const text = many(count);
      const before = process.cpuUsage();
      complaints(text);
      return process.cpuUsage(before).user;
    };
    cost(5000);
    assert.ok(cost(50_000) < 50 * cost(5000), 'it costs more than in proportion to its length');
    assert.match(complaints('a: &a\n- *a\n')[0] ?? '', /^2:3 syntax: \*a stands inside of &a$/);
  });

  test('with a key that is a list says nothing of its own on standard error', async (t) => {
    const warnings = t.mock.method(process, 'emitWarning', () => undefined);
    const [object] = parseManifests('f.yaml', user('orders', 'spec: {? [a, b] : c}\n')).manifests;
    assert.deepEqual(object?.value['spec'], { '[ a, b ]': 'c' });
    assert.equal(warnings.mock.callCount(), 0);
  });

  test('with an alias to nothing says which, and where', () => {
    assert.match(
      complaints(user('orders', 'spec: {senders: [*shop]}\n'))[0] ?? '',
      /^6:18 syntax: \*shop refers to nothing/,
    );
  });

  test('may hold other kinds and plain mappings, which are named and left alone', () => {
    const { ignored, problems } = parseManifests(
      'f.yaml',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\nreplicas: 3\n',
    );
    assert.deepEqual(
      ignored.map(({ source, what }) => [source.line, what]),
      [
        [1, 'apps/v1 Deployment'],
        [5, ''],
      ],
    );
    assert.deepEqual(problems, []);
  });

  test('with a wrong version, kind, shape or name says so at the field', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['apiVersion: smtpplus.io/v1\nkind: SmtpPlusUser\nmetadata: {name: x}', /^2:1 unknown-kind: .*v1alpha1 has/],
      [
        'apiVersion: smtpplus.io/v1alpha1\nkind: SmtpPlusUsr\nmetadata: {name: x}',
        /^2:1 unknown-kind: no kind SmtpPlusUsr/,
      ],
      ['kind: SmtpPlusUser\nmetadata: {name: x}', /^1:1 shape: apiVersion is missing/],
      ['metadata: {name: x}\nspec: {}', /^1:1 shape: apiVersion and kind/],
      ['apiVersion: 1\nkind: List', /^1:1 shape: apiVersion must be text; it is 1: put it in quotes/],
      ['apiVersion: v1\nkind: [List]', /^2:1 shape: kind must be text; it is a list/],
      ['just text', /^1:1 shape/],
      [user('../../etc/passwd'), /^4:3 bad-name/],
      [user('orders').replace('namespace: shop', 'namespace: ../..'), /^5:3 bad-name/],
      ['apiVersion: v1\nkind: Secret\nmetadata: {namespace: shop}', /^3:1 bad-name: Secret without a name/],
      ['apiVersion: v1\nkind: List\nitems: 3', /^3:1 shape: items/],
      ['apiVersion: v1\nkind: List\nitmes: []', /^1:1 shape: List without items/],
    ];
    for (const [text, expected] of cases) {
      assert.match(complaints(text).join('\n'), expected);
      assert.deepEqual(names(text), []);
    }
  });
});
