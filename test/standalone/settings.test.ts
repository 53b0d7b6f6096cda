/** Where `npm start` has its settings from, and how who runs it vouches for a sender. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { howToVouch } from '../../operator/standalone/vouching.ts';
import { sender, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { runCli, startStandalone, statusOf } from '../support/standalone.ts';

/** An address: nobody looks for a record of it. */
const ADDRESS = sender.replace('domain: shop.example', 'address: orders@shop.example');
const MANIFESTS = { 'shop.yaml': `${ADDRESS}---\n${user('orders')}` };
const SETTINGS = 'classes:\n  default:\n    existingSenders:\n      - shop: shop.example\n';
const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n';

/** The condition `Verified` of the sender, once everything is in force. */
async function verified(t: TestContext, files: Readonly<Record<string, string>>, flags: readonly string[] = []) {
  const folder = await folderOf(t, { ...MANIFESTS, ...files });
  const { state, lines, ready } = await startStandalone(t, { folder, flags });
  const status = await statusOf(state, 'VerifiedSender', 'shop', 'shop-example');
  return { folder, lines, ready, condition: status.condition('Verified') };
}

describe('the settings of one process', () => {
  test('are those of the file in its folder, which is no manifest', async (t) => {
    const { condition, lines, ready, folder } = await verified(t, { 'settings.yaml': SETTINGS });
    assert.equal(condition?.reason, 'Grandfathered');
    assert.equal(ready.settings, join(folder, 'settings.yaml'));
    assert.ok(!lines.some((line) => line.includes('"event":"manifest"')), lines.join('\n'));
  });

  test('are not those of the file in its folder where others are named, or none, and it says so', async (t) => {
    const other = join(await folderOf(t, { 'other.yaml': 'host: 127.0.0.1' }), 'other.yaml');
    for (const [flags, words] of [
      [['--settings', other], `: ${other} is`],
      [['--no-settings'], ', as --no-settings says'],
    ] as const) {
      const { condition, lines, folder } = await verified(t, { 'settings.yaml': SETTINGS }, flags);
      assert.equal(condition?.reason, 'ProofUnavailable');
      const notice = `${join(folder, 'settings.yaml')} is not in use${words}`;
      assert.ok(
        lines.some((line) => line.includes(JSON.stringify(notice))),
        lines.join('\n'),
      );
      assert.ok(!lines.some((line) => line.includes('"event":"manifest"')), 'nor a manifest');
    }
  });

  test('are not looked for in a manifest of that name', async (t) => {
    const { ready, lines } = await verified(t, { 'settings.yaml': CONFIG_MAP });
    assert.equal(ready.settings, null);
    assert.ok(
      lines.some((line) => line.includes('left alone: v1 ConfigMap (1)')),
      lines.join('\n'),
    );
  });

  test('are taken up as they change, and those before hold while they are wrong', async (t) => {
    const folder = await folderOf(t, { ...MANIFESTS, 'settings.yaml': SETTINGS });
    const file = join(folder, 'settings.yaml');
    const write = async (text: string): Promise<void> => {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    };
    const process = await startStandalone(t, { folder });
    const reasonIs = (reason: string) =>
      until(async () => {
        const status = await statusOf(process.state, 'VerifiedSender', 'shop', 'shop-example');
        return status.condition('Verified')?.reason === reason;
      });
    const says = (text: string) => until(() => process.lines.some((line) => line.includes(text)));
    const metrics = async () => (await fetch(`http://127.0.0.1:${process.ready.http}/metrics`)).text();
    await reasonIs('Grandfathered');

    await write('classes: {default: {existingSenders: [{shop: other.example}]}}');
    await reasonIs('VouchingWithdrawn');
    await says('has changed, and is in force');

    await write('classes: {default: {existingSendrs: []}}');
    await says(`settings.yaml:1:21 classes.default.existingSendrs: no such setting; did you mean`);
    await until(async () => (await metrics()).includes('smtpplus_settings_file_refused 1'));

    await write(`host: 127.0.0.2\n${SETTINGS}`);
    await says('host: changed, and in force once the process is started anew');
    await reasonIs('Grandfathered');
    await until(async () => (await metrics()).includes('smtpplus_settings_file_refused 0'));

    await write('classes: {other: {}}\nrelayClass: other');
    await says('classes: must keep default, which this process serves');
    assert.deepEqual(await process.stop(), { code: 0, signal: null });
  });

  test('that are faulty end the start, with the place', async (t) => {
    const folder = await folderOf(t, { 'settings.yaml': 'hots: x' });
    const process = runCli(t, ['standalone', folder, '--state', await folderOf(t)]);
    assert.equal((await process.exited).code, 2);
    assert.deepEqual(process.lines, [
      `error: ${join(folder, 'settings.yaml')}:1:1 hots: no such setting; did you mean host?`,
    ]);
  });

  test('take senders from the command line besides', async (t) => {
    const flags = ['--existing-sender', 'mail=mail.example', '--existing-sender', 'shop=shop.example'];
    assert.equal((await verified(t, { 'settings.yaml': 'host: 127.0.0.1' }, flags)).condition?.reason, 'Grandfathered');
    for (const entry of ['shop.example', '=shop.example', 'shop=', 'Shop=shop.example', 'shop=no domain']) {
      const process = runCli(t, ['standalone', '--state', await folderOf(t), '--existing-sender', entry]);
      assert.equal((await process.exited).code, 2);
      assert.deepEqual(process.lines, [
        `error: --existing-sender ${entry}: must be NAMESPACE=DOMAIN or NAMESPACE=ADDRESS, as in shop=shop.example`,
      ]);
    }
  });
});

describe('a pending sender in one process', () => {
  test('says which line to add where, and what to start with instead', async (t) => {
    const { condition, folder } = await verified(t, {
      'settings.yaml': `\n${SETTINGS}`.replace('shop.ex', 'other.ex'),
    });
    assert.equal(condition?.reason, 'ProofUnavailable');
    const [file, message] = [join(folder, 'settings.yaml'), condition?.message ?? ''];
    assert.ok(
      message.includes(
        `add \`- shop: orders@shop.example\` to existingSenders at ${file}:4, which takes effect a second later`,
      ),
      message,
    );
    assert.ok(message.includes('or start with `--existing-sender shop=orders@shop.example`'), message);
    assert.doesNotMatch(message, /platform owner/);
  });

  const cases: readonly (readonly [string, string, string])[] = [
    [
      'a list in one line',
      'classes: {default: {existingSenders: []}}',
      'add `{{namespace}: {sender}}` to existingSenders at FILE:1',
    ],
    [
      'no list',
      'host: x\nclasses:\n  default:\n    hostname: x\n',
      'add `existingSenders: [{{namespace}: {sender}}]` to classes.default at FILE:3',
    ],
    ['no class', 'host: x\n', 'add `classes: {default: {existingSenders: [{{namespace}: {sender}}]}}` to FILE'],
    ['nothing', '', 'add `classes: {default: {existingSenders: [{{namespace}: {sender}}]}}` to FILE'],
  ];
  for (const [what, text, expected] of cases) {
    test(`says what to add to settings with ${what}`, async (t) => {
      const file = join(await folderOf(t, { 's.yaml': text }), 's.yaml');
      const words = await howToVouch({ folder: 'x', relayClass: 'default' }, file);
      assert.ok(words.startsWith(`${expected.replace('FILE', file)}, which takes effect a second later`), words);
    });
  }

  test('names the file to make where there is none', async () => {
    const words = await howToVouch({ folder: 'x', relayClass: 'bulk' }, undefined);
    const line = '`classes: {bulk: {existingSenders: [{{namespace}: {sender}}]}}`';
    assert.ok(words.startsWith(`write the line ${line} into a new file x/settings.yaml`), words);
  });
});
