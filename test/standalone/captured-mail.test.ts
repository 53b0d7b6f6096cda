/** Captured mail in the console of one process: by plain requests, and in a real browser with mail that means harm. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openTab, type Tab } from '../support/chromium.ts';
import { needsCommand } from '../support/commands.ts';
import { sender, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { hostileMails, placeMails } from '../support/hostile-mail.ts';
import { delivered } from '../support/outbox.ts';
import { replyTo } from '../support/send.ts';
import { startStandalone } from '../support/standalone.ts';

const VOUCHED = ['--existing-sender', 'shop=shop.example'];

async function start(t: TestContext) {
  const folder = await folderOf(t, { 'sender.yaml': sender, 'user.yaml': user('orders') });
  const process = await startStandalone(t, { folder, flags: VOUCHED });
  const base = `http://127.0.0.1:${process.ready.http}/console`;
  const get = async (path: string) => {
    const response = await fetch(base + path, { redirect: 'error' });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { process, base, get, outbox: join(process.state, 'outbox') };
}

/** Of the first message in the list. */
const keyIn = (text: string): string => /href="\/console\/mail\/([a-z]-[A-Za-z0-9-]+)"/.exec(text)?.[1] ?? '';

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const MAIL = {
  from: 'Orders <orders@shop.example>',
  to: 'Jane <jane@elsewhere.example>',
  subject: 'Your órder 4711',
  text: 'It is on its way, says the plain text.',
  html: '<style>p { color: rgb(1, 2, 3) }</style><p id="way">It is on its way. <img src="cid:logo"> <a href="https://shop.example/track?id=1&x=2">Track it</a></p>',
  attachments: [
    { filename: 'logo.png', content: PICTURE, cid: 'logo' },
    { filename: 'Rechnung für Jane.html', content: '<script>alert(1)</script>' },
  ],
};

/** Counts connections: some ways to reach a server send nothing over them. */
async function startListener(t: TestContext) {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: () => calls };
}

describe('captured mail', () => {
  test('is listed, found by words, and shown as HTML, text, header fields, attachments and source', async (t) => {
    const { process, get } = await start(t);
    assert.match((await get('/mail')).text, /No mail has been captured yet/);
    assert.match(await replyTo(process, 'orders-smtp', MAIL), /^250 /);
    await delivered(process.state, 1);
    const { text: list } = await get('/mail');
    assert.match(list, /Your órder 4711/);
    assert.match(list, /jane@elsewhere\.example/);
    const key = keyIn(list);
    for (const words of ['ÓRDER', 'plain+text', 'jane@', 'orders.shop+4711']) {
      assert.equal(keyIn((await get(`/mail?q=${words}`)).text), key, words);
    }
    assert.match((await get('/mail?q=elephant')).text, /Nothing was found/);

    const page = async (show: string) => (await get(`/mail/${key}?show=${show}`)).text;
    assert.match(await page('html'), /<iframe sandbox[^>]* src="\/console\/mail\/[^"]+\/frame\.html">/);
    assert.match(await page('html'), /<a href="https:\/\/shop\.example\/track\?id=1&amp;x=2"[^>]*noopener/);
    assert.match(await page('text'), /says the plain text/);
    assert.match(await page('headers'), /Message-ID/i);
    assert.match(await page('source'), /Content-Type: multipart/);
    assert.match(await page('html'), /from orders@shop\.example to jane@elsewhere\.example/);
    assert.match(await page('attachments'), /Rechnung für Jane\.html/);
    const frame = await get(`/mail/${key}/frame.html`);
    assert.match(frame.text, /data:image\/png;base64,iVBOR/);
    assert.doesNotMatch(frame.text, /href=/);
  });

  test('is downloaded as it is, and attachments as files that no browser opens as a page of ours', async (t) => {
    const { process, get, base } = await start(t);
    await replyTo(process, 'orders-smtp', MAIL);
    const [{ content } = assert.fail()] = await delivered(process.state, 1);
    const key = keyIn((await get('/mail')).text);
    const whole = await fetch(`${base}/mail/${key}/message.eml`);
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), content);
    const { text } = await get(`/mail/${key}?show=attachments`);
    const paths = [...text.matchAll(/href="\/console(\/mail\/[^"]+\/attachments\/\d+)"/g)].map(([, path = '']) => path);
    assert.equal(paths.length, 2);
    const files = await Promise.all(paths.map(get));
    const file = files.find(({ text }) => text === '<script>alert(1)</script>') ?? assert.fail();
    assert.equal(file.headers.get('content-type'), 'application/octet-stream');
    assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
    assert.match(file.headers.get('content-security-policy') ?? '', /sandbox/);
    assert.equal(
      file.headers.get('content-disposition'),
      `attachment; filename="Rechnung f_r Jane.html"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Jane.html`,
    );
  });

  test('is looked up among what is there: no path leads elsewhere on the disk', async (t) => {
    const { get, process } = await start(t);
    await replyTo(process, 'orders-smtp', MAIL);
    await delivered(process.state, 1);
    const key = keyIn((await get('/mail')).text);
    const tries = [
      'o-..%2f..%2fsecrets',
      '..%2fsecrets',
      `${key}%2f..`,
      'x-1',
      `${key}/attachments/0`,
      `${key}/attachments/9`,
    ];
    for (const path of [...tries, `${key}/attachments/1e0`, `${key}/../../../etc/passwd`, `${key}/frame`, '%00']) {
      assert.equal((await get(`/mail/${path}`)).status, 404, path);
    }
  });

  test('does nothing in a browser, whatever it wants: no request, no script, no way out of its frame', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const { base, outbox } = await start(t);
    const listener = await startListener(t);
    await mkdir(outbox, { recursive: true });
    const ids = await placeMails(outbox, hostileMails(listener.base));
    const tab = await openTab(t);
    for (const [what, id] of ids) {
      for (const show of ['html', 'headers']) {
        const url = `${base}/mail/o-${id}?show=${show}`;
        await tab.open(url);
        await settled(tab);
        assert.equal(await tab.evaluate('location.href'), url, `${what} has led somewhere else`);
        assert.match(String(await tab.evaluate('document.title')), / · SMTP\+$/, what);
        assert.equal(
          await tab.evaluate('document.querySelectorAll("main script, main img, main form").length'),
          0,
          what,
        );
      }
      // opened by itself, it does no more
      await tab.open(`${base}/mail/o-${id}/frame.html`);
      await settled(tab);
    }
    await tab.open(`${base}/mail`);
    await settled(tab);
    assert.equal(listener.calls(), 0, 'something was loaded from elsewhere');
    assert.equal(await tab.evaluate('document.querySelectorAll("tbody tr").length'), ids.size);
    // and the listener would have noticed
    await tab.command('Page.navigate', { url: listener.base });
    await until(() => listener.calls() > 0);
  });

  test('with hostile names of attachments has plain ones', async (t) => {
    const { get, outbox } = await start(t);
    await mkdir(outbox, { recursive: true });
    const ids = await placeMails(outbox, hostileMails('http://127.0.0.1:9'));
    const { text } = await get(`/mail/o-${ids.get('attachments with paths')}?show=attachments`);
    const names = [...text.matchAll(/attachments\/\d+">([^<]*)</g)].map(([, name]) => name);
    assert.deepEqual(names, [
      'passwd',
      'boot.ini',
      'absolute',
      'htaccess',
      'a_gpj.html',
      'x_.html',
      'con_aux___.html',
      'attachment-8',
    ]);
  });

  test('that comes in while somebody looks is there without reloading, and is said', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const { process, base } = await start(t);
    const tab = await openTab(t);
    await tab.open(`${base}/mail`);
    await replyTo(process, 'orders-smtp', MAIL);
    await until(async () => (await tab.text()).includes('Your órder 4711'));
    assert.equal(await tab.evaluate('document.getElementById("news").textContent'), '1 message');
    assert.deepEqual(tab.complaints, []);
  });

  test('is shown in its frame with its styles and its own pictures', async (t) => {
    if (!needsCommand(t, 'chromium')) return;
    const { process, base, get } = await start(t);
    await replyTo(process, 'orders-smtp', MAIL);
    await delivered(process.state, 1);
    const tab = await openTab(t);
    await tab.open(`${base}/mail/${keyIn((await get('/mail')).text)}/frame.html`);
    const shown = `[getComputedStyle(document.querySelector('p')).color, document.images[0].naturalWidth].join(' ')`;
    assert.equal(await tab.evaluate(shown), 'rgb(1, 2, 3) 1');
  });
});

/** What is shown has been painted, and what a page begins by itself has begun. */
async function settled(tab: Tab): Promise<void> {
  await tab.command('Page.captureScreenshot', { format: 'jpeg', quality: 1 });
}
