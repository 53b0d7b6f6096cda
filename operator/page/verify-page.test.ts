import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { startHttp } from '../../relay/observe/http.ts';
import { createInstallation } from '../installation.ts';
import { createVerifyPage, type KnownLink, type Links, type PageResult } from './verify-page.ts';

const { linkHash } = createInstallation('cd'.repeat(32));

/** The page on a port of its own, with one link that is open. */
async function start(
  t: TestContext,
  { names = {}, links: given }: { names?: Partial<KnownLink>; links?: Partial<Links> } = {},
) {
  const token = randomBytes(32).toString('base64url');
  let state: KnownLink['state'] = 'Open';
  const confirmed: string[] = [];
  const links: Links = {
    find: (hash) =>
      hash === linkHash(token) ? { namespace: 'shop', address: 'news@shop.example', ...names, state } : undefined,
    confirm: async (hash) => {
      confirmed.push(hash);
      state = 'Used';
      return 'Confirmed';
    },
    ...given,
  };
  const answers: PageResult[] = [];
  const page = createVerifyPage({ linkHash, links, onAnswer: (answer) => answers.push(answer), now: () => 0 });
  const http = await startHttp(
    {
      readers: () => 'nobody',
      metrics: async () => ({ contentType: 'text/plain', body: '' }),
      unhealthy: () => undefined,
      unready: () => undefined,
      configz: () => ({}),
    },
    { host: '127.0.0.1', port: 0, forPeople: page },
  );
  t.after(() => http.close());
  const url = (path = `/verify/${token}`): string => `http://127.0.0.1:${http.port}${path}`;
  const ask = async (method = 'GET', path?: string) => {
    const response = await fetch(url(path), { method, redirect: 'error' });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { token, ask, url, confirmed, answers, port: http.port };
}

const forged = (): string => `/verify/${randomBytes(32).toString('base64url')}`;

describe('the page behind the link in a mail', () => {
  test('says what is to be confirmed, and confirms by the button alone', async (t) => {
    const { ask, confirmed, token } = await start(t);
    const before = await ask();
    assert.equal(before.status, 200);
    for (const words of ['news@shop.example', 'namespace <strong>shop</strong>', '<form method="post">']) {
      assert.ok(before.text.includes(words), before.text);
    }
    assert.deepEqual(confirmed, []);
    const done = await ask('POST');
    assert.match(done.text, /The address is confirmed/);
    assert.deepEqual(confirmed, [linkHash(token)]);
  });

  test('confirms nothing to a scanner that opens and asks for every link, however often', async (t) => {
    const { ask, confirmed } = await start(t);
    for (let i = 0; i < 50; i++) {
      assert.equal((await ask('HEAD')).text, '');
      assert.equal((await ask('GET')).status, 200);
    }
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) assert.equal((await ask(method)).status, 405);
    assert.deepEqual(confirmed, []);
  });

  test('is done in two tabs that both confirm, and is done once', async (t) => {
    const { ask, confirmed } = await start(t);
    const [first, second] = await Promise.all([ask('POST'), ask('POST')]);
    const third = await ask('POST');
    for (const { status, text } of [first, second, third]) {
      assert.equal(status, 200);
      assert.match(text, /The address is confirmed/);
      assert.ok(!text.includes('news@shop.example'));
    }
    assert.ok(confirmed.length <= 2);
  });

  test('is one and the same for what was used, what nobody knows, and what is nonsense, and takes none of a hundred forged links', async (t) => {
    const { ask, confirmed, token } = await start(t);
    await ask('POST');
    const used = await ask();
    const others = ['/verify', '/verify/', '/verify/x', `/verify/${token}x`, `/verify/${token}/`, '/verify/%00'];
    const paths = [...others, ...Array.from({ length: 100 }, forged)];
    const pages = [];
    for (const path of paths) pages.push(await ask('GET', path));
    for (const path of paths.slice(0, 50)) pages.push(await ask('POST', path));
    assert.equal(used.status, 404);
    for (const { status, text } of pages) assert.deepEqual([status, text], [404, used.text]);
    assert.match(used.text, /smtpplus\.io\/resend/);
    assert.equal(confirmed.length, 1);
  });

  test('is there for whoever has a link, while a thousand requests come without one', async (t) => {
    const { ask, answers } = await start(t);
    const statuses = new Map<number, number>();
    for (let i = 0; i < 100; i++) {
      const some = await Promise.all(Array.from({ length: 10 }, () => ask('GET', forged())));
      for (const { status } of some) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    // the clock stands still: so many are answered at once, and no more
    assert.deepEqual(
      [...statuses],
      [
        [404, 200],
        [429, 800],
      ],
    );
    assert.equal((await ask()).status, 200);
    assert.match((await ask('POST')).text, /The address is confirmed/);
    assert.equal(answers.filter((answer) => answer === 'limited').length, 800);
  });

  test('loads nothing, runs nothing, is kept nowhere and tells nobody where it was', async (t) => {
    const { ask } = await start(t);
    for (const { headers, text } of [await ask(), await ask('GET', forged()), await ask('POST')]) {
      const policy = headers.get('content-security-policy') ?? '';
      assert.match(
        policy,
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(text, /^<!doctype html>\n<html lang="en">[^]*<main>\s*<h1>[^]*<\/html>\n$/);
      assert.doesNotMatch(text, /<script|<img|<link|style="|https?:\/\//);
    }
  });

  test('shows names as text, whatever they are', async (t) => {
    const { ask } = await start(t, { names: { namespace: '<b>"\'&', address: "o'<script>&@shop.example" } });
    const { text } = await ask();
    assert.doesNotMatch(text, /<b>|<script>|o'</);
    assert.match(text, /&lt;script&gt;/);
  });

  test('says so where the confirmation could not be written down, or has not taken effect yet', async (t) => {
    const failing = await start(t, { links: { confirm: () => Promise.reject(new Error('no API server')) } });
    const { status, text } = await failing.ask('POST');
    assert.equal(status, 503);
    assert.match(text, /try again/);
    assert.doesNotMatch(text, /no API server/);
    const slow = await start(t, { links: { confirm: async () => 'Received' } });
    assert.match((await slow.ask('POST')).text, /takes effect within a minute/);
  });

  test('reads nothing of what a POST brings, and takes no second request behind it', async (t) => {
    const { token, port, confirmed } = await start(t);
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('error', () => undefined);
    const head = (method: string): string => `${method} /verify/${token} HTTP/1.1\r\nhost: x\r\n`;
    socket.write(`${head('POST')}content-length: 5\r\n\r\nab=cd${head('GET')}\r\n`);
    await once(socket, 'close');
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1);
    assert.match(text, /connection: close/i);
    assert.equal(confirmed.length, 1);
  });
});
