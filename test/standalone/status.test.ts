/** `smtp-plus status`, of a process that runs, and of state folders that are not as they should be. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { runCli, startStandalone, statusOf } from '../support/standalone.ts';

const MANIFESTS = `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: domain, namespace: shop}
spec: {domain: shop.example}
---
apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusList
metadata: {name: orders, namespace: shop}
spec: {}
---
apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: orders, namespace: shop}
spec: {active: true, listRef: {name: orders}}
`;

async function status(t: TestContext, ...args: readonly string[]) {
  const process = runCli(t, ['status', ...args]);
  const { code } = await process.exited;
  return { code, text: process.lines.join('\n') };
}

describe('the status command', () => {
  test('says of a sender which record to publish, what was seen instead, and when the next look is', async (t) => {
    const settings = await folderOf(t, { 'settings.yaml': 'verification: {dnsServers: ["127.0.0.1:9"]}\n' });
    const folder = await folderOf(t, { 'all.yaml': MANIFESTS });
    const { state } = await startStandalone(t, { folder, settings: join(settings, 'settings.yaml') });
    await until(
      async () => {
        const sender = await statusOf(state, 'VerifiedSender', 'shop', 'domain');
        return sender.condition('Verified')?.reason === 'LookupFailed';
      },
      { ms: 30_000 },
    );

    const sender = await status(t, 'vsender', '--state', state);
    assert.equal(sender.code, 0, sender.text);
    assert.match(sender.text, /^VerifiedSender shop\/domain\n {2}Sender: @shop\.example\n/);
    assert.match(sender.text, /Record name: _smtpplus-challenge\.shop\.example\n/);
    assert.match(sender.text, /Record value: smtpplus-verification=[0-9a-f]+\n/);
    assert.match(sender.text, /Next check time: \d{4}-/);
    assert.match(
      sender.text,
      /Verified: False, LookupFailed, since .*\n {6}Publish TXT .*nothing answers at the address/,
    );
    assert.doesNotMatch(sender.text, /SmtpPlus/);

    const all = await status(t, 'spl', 'spu', 'vsender', '--state', state);
    for (const kind of ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'])
      assert.match(all.text, new RegExp(`^${kind} `, 'm'));
    assert.doesNotMatch(all.text, /password:/i);
    const one = await status(t, 'spu', 'shop/orders', '--state', state);
    assert.match(
      one.text,
      /^SmtpPlusUser shop\/orders\n[^]*Username: orders\.shop\n[^]*Active: False, NoVerifiedSender/,
    );
  });

  test('says what is not there, and which word it does not know', async (t) => {
    const state = await folderOf(t, {
      'status/VerifiedSender/shop/domain.yaml': 'status: {sender: "@shop.example"}\n',
    });
    const missing = await status(t, 'shop/', 'shop/other', '--state', state);
    assert.equal(missing.code, 1);
    assert.match(missing.text, /^VerifiedSender shop\/domain$/m);
    assert.match(missing.text, /^error: nothing is known of shop\/other/m);
    const unknown = await status(t, 'pods', '--state', state);
    assert.deepEqual([unknown.code, /pods is neither a kind \(spl, spu, vsender\)/.test(unknown.text)], [2, true]);
    const nowhere = await status(t, '--state', join(state, 'nowhere'));
    assert.deepEqual([nowhere.code, /name the state folder .* with --state/.test(nowhere.text)], [2, true]);
  });

  test('shows nothing of a damaged file, nor what would steer a terminal', async (t) => {
    const state = await folderOf(t, {
      'status/VerifiedSender/shop/damaged.yaml': 'status: {',
      'status/VerifiedSender/shop/hostile.yaml': String.raw`status: {sender: "\e[31mred", conditions: {}}` + '\n',
    });
    const { code, text } = await status(t, 'vsender', '--state', state);
    assert.equal(code, 0, text);
    assert.match(text, /shop\/damaged: .*damaged\.yaml is damaged/);
    assert.match(text, /Sender: \\u\{1b\}\[31mred/);
  });
});
