/** What `check` can be pointed at: several paths, standard input, single files as pre-commit names them, settings. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { folderOf } from '../../test/support/folder.ts';
import { runCheck, type CheckOptions } from './check.ts';

const list = (name: string, spec = '{}'): string =>
  `{apiVersion: smtpplus.io/v1alpha1, kind: SmtpPlusList, metadata: {name: ${name}, namespace: shop}, spec: ${spec}}\n`;
const user = (name: string, spec = '{}'): string => list(name, spec).replace('SmtpPlusList', 'SmtpPlusUser');

interface Checked {
  readonly code: number;
  /** `SEVERITY RULE`. */
  readonly found: readonly string[];
  readonly messages: readonly string[];
  readonly objects: number;
}

async function check(
  paths: readonly string[],
  { input = '', ...options }: Partial<CheckOptions> & { readonly input?: string | Buffer } = {},
): Promise<Checked> {
  let report = '';
  const stdin = Readable.from([Buffer.from(input)]);
  const write = (text: string): void => void (report += text);
  const code = await runCheck(paths, { output: 'json', stdin, write, ...options });
  const { findings, objects } = JSON.parse(report) as {
    objects: number;
    findings: { severity: string; rule: string; file: string; message: string }[];
  };
  const found = findings.map(({ severity, rule }) => `${severity} ${rule}`);
  return { code, found, messages: findings.map(({ file, message }) => `${file}: ${message}`), objects };
}

describe('check of several paths', () => {
  test('takes them together: what one refers to may be in another', async (t) => {
    const [lists, users] = [
      await folderOf(t, { 'a.yaml': list('a') }),
      await folderOf(t, { 'b.yaml': user('b', '{listRef: {name: a}}') }),
    ];
    assert.deepEqual(await check([lists, users]), { code: 0, found: [], messages: [], objects: 2 });
    assert.equal((await check([users])).found[0], 'warning ListNotInFolder');
  });

  test('reads a file once, however often it is named', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': list('a'), 'sub/b.yaml': list('b') });
    const paths = [folder, join(folder, 'a.yaml'), join(folder, 'sub'), `${folder}/./sub/../a.yaml`];
    assert.deepEqual(await check(paths), { code: 0, found: [], messages: [], objects: 2 });
  });

  test('names each one that is not there', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': list('a') });
    const { code, messages } = await check([join(folder, 'x'), folder, join(folder, 'y')]);
    assert.equal(code, 2);
    assert.match(messages.join('\n'), /x can't be checked: no such file.*\n.*y can't be checked: no such file/);
  });
});

describe('check of standard input', () => {
  test('is written as -, and stands for all there is', async () => {
    const { code, messages } = await check(['-'], { input: `${list('a')}---\n${user('b', '{listRef: {name: aa}}')}` });
    assert.equal(code, 1);
    assert.match(messages[0] ?? '', /^<stdin>: spec\.listRef: .* Did you mean a\?$/);
  });

  test('goes together with other paths', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': list('a') });
    assert.equal((await check(['-', folder], { input: user('b', '{listRef: {name: a}}') })).code, 0);
  });

  test('fails where nothing comes, as from a build that failed', async () => {
    const { code, found } = await check(['-']);
    assert.deepEqual([code, found], [1, ['error nothing-found']]);
  });

  test('says so where it is no text, or too much', async () => {
    assert.match((await check(['-'], { input: Buffer.from([0xff, 0xfe]) })).messages[0] ?? '', /is not UTF-8 text/);
    const { messages } = await check(['-'], { input: Buffer.alloc(8 * 1024 * 1024 + 1, '#') });
    assert.match(messages[0] ?? '', /is larger than 8388608 bytes/);
  });
});

describe('check of files alone, as pre-commit names them', () => {
  test('only warns of what may be in a file that was not named', async (t) => {
    const folder = await folderOf(t, {
      'b.yaml': list('b') + '---\n' + user('c', '{listRef: {name: bb}, username: c@shop.example}'),
    });
    const { code, found, messages } = await check([join(folder, 'b.yaml')]);
    assert.equal(code, 0, messages.join('\n'));
    assert.deepEqual(found, ['warning ListNotInFolder']);
    assert.match(messages[0] ?? '', /Did you mean b\?$/);
  });

  test('lets files pass that hold none of our objects', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n' });
    assert.deepEqual(await check([join(folder, 'a.yaml')]), { code: 0, found: [], messages: [], objects: 0 });
  });

  test('finds what a file says of itself', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': user('a', '{mode: live}') });
    assert.deepEqual((await check([join(folder, 'a.yaml')])).found, ['error schema']);
  });
});

describe('check with settings', () => {
  const settings = 'classes:\n  default: {}\n  bulk: {starttls: Required}\n';

  test('knows the relay classes, and suggests one', async (t) => {
    const folder = await folderOf(t, {
      'a.yaml': list('a', '{relayClassName: bluk}'),
      'b.yaml': list('b', '{relayClassName: bulk}'),
    });
    const other = await folderOf(t, { 's.yaml': settings });
    const { code, found, messages } = await check([folder], { settings: join(other, 's.yaml') });
    assert.deepEqual([code, found], [1, ['error RelayClassNotFound']]);
    assert.match(messages[0] ?? '', /there is no relay class bluk; .* Did you mean bulk\?$/);
  });

  test('warns of a list that asks for more than its class allows', async (t) => {
    const folder = await folderOf(t, {
      'a.yaml': list('a', '{relayClassName: bulk, starttls: Optional}'),
      'settings.yaml': settings,
    });
    const { code, found } = await check([folder]);
    assert.deepEqual([code, found], [0, ['warning ClassFloor']]);
  });

  test('finds a list of a class that is not for its namespace, and warns where the labels of that are not known', async (t) => {
    const namespace = (stage: string) =>
      `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {stage: ${stage}}}\n---\n`;
    const selector = '{matchLabels: {stage: live}}';
    const foundWith = async (before: string) => {
      const folder = await folderOf(t, {
        'a.yaml': `${before}${list('a', '{relayClassName: live}')}`,
        'settings.yaml': `classes: {default: {}, live: {allowedNamespaces: {from: Selector, selector: ${selector}}}}\n`,
      });
      return (await check([folder])).found;
    };
    assert.deepEqual(await foundWith(namespace('live')), []);
    assert.deepEqual(await foundWith(namespace('test')), ['error RelayClassNotAllowed']);
    assert.deepEqual(await foundWith(''), ['warning NamespaceNotInFolder']);
  });

  test('says which objects are more than a namespace may have', async (t) => {
    const folder = await folderOf(t, {
      'a.yaml': [user('a', '{}'), user('b', '{}'), list('c', '{}')].join('---\n'),
      'settings.yaml': 'namespaceLimits: {users: 1}\n',
    });
    const { code, found, messages } = await check([folder]);
    assert.deepEqual([code, found], [1, ['error TooManyUsers']]);
    assert.match(messages[0] ?? '', /has 2 objects .* 1 are served/);
    assert.deepEqual((await check([folder], { settings: false })).found, []);
  });

  test('takes those of the folder, as a start does, unless told not to', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': list('a', '{relayClassName: bluk}'), 'settings.yaml': settings });
    assert.deepEqual((await check([folder])).found, ['error RelayClassNotFound']);
    assert.deepEqual((await check([folder], { settings: false })).found, ['warning RelayClassNotKnown']);
    assert.deepEqual((await check([folder, join(folder, 'a.yaml')])).found, ['warning RelayClassNotKnown']);
  });

  test('finds each fault of the settings at its place, and suggests what was meant', async (t) => {
    const folder = await folderOf(t, {
      'a.yaml': list('a'),
      'settings.yaml':
        'hostname: mail.example\nhttps: 9465\nclasses:\n  default:\n    startls: Optional\n    limits: {messageByte: 5}\n    upstream: {host: smtp.example, tsl: None}\n',
    });
    const { code, found, messages } = await check([folder]);
    assert.equal(code, 1);
    assert.deepEqual([...new Set(found)], ['error settings']);
    assert.deepEqual(
      messages.map((message) => message.slice(folder.length + 1)),
      [
        'settings.yaml: hostname: no such setting; did you mean classes.default.hostname?',
        'settings.yaml: https: no such setting; did you mean http?',
        'settings.yaml: classes.default.startls: no such setting; did you mean classes.default.starttls?',
        'settings.yaml: classes.default.limits.messageByte: no such setting; did you mean classes.default.limits.messageBytes?',
        'settings.yaml: classes.default.upstream.tsl: no such setting; did you mean classes.default.upstream.tls?',
      ],
    );
  });

  test('says that a settings file is not there', async (t) => {
    const folder = await folderOf(t, { 'a.yaml': list('a') });
    const { code, messages } = await check([folder], { settings: join(folder, 'no.yaml') });
    assert.equal(code, 1);
    assert.match(messages[0] ?? '', /no\.yaml cannot be read: no such file or folder \(ENOENT\)\.$/);
  });
});
