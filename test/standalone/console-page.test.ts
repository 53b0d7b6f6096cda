/** The console of one process, from the outside. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openTab } from '../support/chromium.ts';
import { needsCommand } from '../support/commands.ts';
import { sender, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf, writeFiles } from '../support/folder.ts';
import { replyTo } from '../support/send.ts';
import { credentialsOf, startStandalone } from '../support/standalone.ts';

const VOUCHED = ['--existing-sender', 'shop=shop.example'];

async function start(
  t: TestContext,
  { flags = VOUCHED, settings }: { flags?: readonly string[]; settings?: string } = {},
) {
  const folder = await folderOf(t, {
    'sender.yaml': sender,
    'user.yaml': user('orders'),
    'idle.yaml': user('idle', 'active: false'),
  });
  const file = join(folder, 'settings.yaml');
  if (settings !== undefined) await writeFiles(folder, { 'settings.yaml': settings });
  const process = await startStandalone(t, { folder, flags, ...(settings !== undefined && { settings: file }) });
  const base = `http://127.0.0.1:${process.ready.http}`;
  const get = async (path: string) => {
    const response = await fetch(base + path, { redirect: 'manual' });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { process, folder, base, get };
}

/** With a name of one's own in the field Host, as a browser sends the one in its address line. */
function statusAs(base: string, host: string, path = '/console/'): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  request(base + path, { headers: { host } }, (response) => {
    response.resume();
    resolve(response.statusCode);
  })
    .on('error', reject)
    .end();
  return promise;
}

describe('the console of one process', () => {
  test('is where the ready event says, is led to from the port alone, and shows users, senders and relay', async (t) => {
    const { process, get } = await start(t);
    assert.equal(process.ready.console, `http://127.0.0.1:${process.ready.http}/console/`);
    assert.equal((await get('/')).headers.get('location'), '/console/');
    assert.match((await get('/console/')).text, /2 users, 1 of them active/);
    assert.match((await get('/console/users')).text, /idle\.shop[^]*no: Inactive[^]*orders\.shop[^]*✓/);
    assert.match((await get('/console/users/shop/orders')).text, /Port with STARTTLS/);
    assert.match((await get('/console/senders/shop/shop-example')).text, /Grandfathered/);
    assert.match((await get('/console/relays')).text, /Valid until[^]*Configuration/);
    assert.match((await get('/metrics')).text, /smtpplus_/);
  });

  test('holds no password, neither a user’s nor a hash of it', async (t) => {
    const { process, get } = await start(t);
    const { password } = await credentialsOf(process.state, 'shop', 'orders-smtp');
    for (const path of ['/', '/users', '/users/shop/orders', '/lists', '/senders', '/refusals', '/queue', '/relays']) {
      const { text, status } = await get(`/console${path}`);
      assert.equal(status, 200, path);
      assert.ok(!text.includes(password) && !/sha256\$|PRIVATE KEY/.test(text), path);
    }
  });

  test('shows a refusal at once, with whose it was and what to do', async (t) => {
    const { process, get } = await start(t);
    const mail = { from: 'ceo@elsewhere.example', to: 'a@x.example', text: 'x' };
    assert.match(await replyTo(process, 'orders-smtp', mail), /550 5\.7\.1/);
    const { text } = await get('/console/refusals');
    assert.match(text, /sender_not_authorized[^]*shop\/orders[^]*Send as an address that is verified/);
  });

  test('shows what waits, for which smart host, and what is wrong with that', async (t) => {
    const upstream = 'upstream: {host: 127.0.0.1, port: 9, tls: None}';
    const settings = `classes: {default: {${upstream}, delivery: {unreachableSeconds: 1}, existingSenders: [{shop: shop.example}]}}`;
    const { process, get } = await start(t, { flags: [], settings });
    assert.match(
      await replyTo(process, 'orders-smtp', { from: 'a@shop.example', to: 'a@x.example', text: 'x' }),
      /^250/,
    );
    const queue = async () => (await get('/console/queue')).text;
    assert.match(await queue(), /127\.0\.0\.1:9[^]*<td>1<\/td>/);
  });

  test('takes up what changes in the folder', async (t) => {
    const { folder, get } = await start(t);
    await writeFiles(folder, { 'idle.yaml': user('idle', 'active: true') });
    await until(async () => (await get('/console/')).text.includes('2 of them active'));
  });

  test('is not read by a web site that leads its own name here, and is by names that the settings have', async (t) => {
    const settings =
      'console: {hosts: [mail.dev.example]}\nclasses: {default: {existingSenders: [{shop: shop.example}]}}';
    const { base, process } = await start(t, { flags: [], settings });
    const { http } = process.ready;
    for (const host of [
      'localhost',
      `localhost:${http}`,
      `127.0.0.1:${http}`,
      `[::1]:${http}`,
      `mail.dev.example:${http}`,
    ]) {
      assert.equal(await statusAs(base, host), 200, host);
    }
    const foreign = [
      'attacker.example',
      `attacker.example:${http}`,
      'localhost.attacker.example',
      '127.0.0.1.nip.example',
      '[::1',
    ];
    for (const host of foreign) {
      assert.equal(await statusAs(base, host), 403, host);
      assert.equal(await statusAs(base, host, '/'), 403, host);
    }
  });

  test('is not there where others can reach the port, unless the settings say so', async (t) => {
    const open = await start(t, { flags: [...VOUCHED, '--host', '0.0.0.0'] });
    assert.equal(open.process.ready.console, null);
    assert.equal((await open.get('/console/')).status, 404);
    const settings = 'console: {enabled: true}\nclasses: {default: {existingSenders: [{shop: shop.example}]}}';
    const asked = await start(t, { flags: ['--host', '0.0.0.0'], settings });
    assert.equal((await asked.get('/console/')).status, 200);
    const off = await start(t, { flags: [], settings: settings.replace('true', 'false') });
    assert.equal((await off.get('/console/')).status, 404);
  });

  test('fits on a phone and a wall, in the dark, with the keyboard, and without scripts', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const { base } = await start(t);
    const tab = await openTab(t);
    await tab.command('Emulation.setScriptExecutionDisabled', { value: true });
    for (const [width, height] of [
      [360, 640],
      [1280, 800],
      [3840, 2160],
    ] as const) {
      await tab.command('Emulation.setDeviceMetricsOverride', {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: width < 600,
      });
      for (const path of [
        '/',
        '/users',
        '/users/shop/orders',
        '/lists',
        '/senders',
        '/senders/shop/shop-example',
        '/relays',
        '/mail',
      ]) {
        await tab.open(`${base}/console${path}`);
        assert.equal(
          await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'),
          true,
          `${path} at ${width}`,
        );
      }
    }
    const color = 'getComputedStyle(document.body).backgroundColor';
    assert.equal(await tab.evaluate(color), 'rgb(255, 255, 255)');
    await tab.command('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
    assert.equal(await tab.evaluate(color), 'rgb(20, 22, 26)');
    await tab.open(`${base}/console/`);
    await tab.press('Tab');
    assert.equal(await tab.evaluate('document.activeElement.textContent'), 'Skip to the content');
    for (let stops = 0; stops < 3; stops++) await tab.press('Tab');
    await tab.loading(() => tab.press('Enter'));
    assert.match(await tab.text(), /^[^]*Lists/);
    assert.deepEqual(tab.complaints, []);
  });

  test('keeps itself up to date where scripts run, and the focus where it was', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const { base, folder } = await start(t);
    const tab = await openTab(t);
    await tab.open(`${base}/console/`);
    await tab.evaluate(`document.querySelector('main a[href="/console/users"]').focus()`);
    await writeFiles(folder, { 'idle.yaml': user('idle', 'active: true') });
    await until(async () => (await tab.text()).includes('2 of them active'));
    assert.equal(await tab.evaluate('document.activeElement.getAttribute("href")'), '/console/users');
    assert.deepEqual(tab.complaints, []);
  });
});
