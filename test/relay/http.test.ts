/** The HTTP endpoint, and clients that mean it ill. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { startHttp } from '../../relay/observe/http.ts';
import { type Readers, tokenHash } from '../../relay/observe/page-readers.ts';
import { until } from '../support/eventually.ts';

async function start(
  t: TestContext,
  { list = 'shop/house', readers = 'everybody' }: { list?: string; readers?: Readers } = {},
) {
  const http = await startHttp(
    {
      readers: () => readers,
      metrics: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
      unhealthy: () => undefined,
      unready: () => 'no complete configuration yet',
      configz: () => ({}),
      upstreamz: () => ({ upstreams: [{ lists: [list] }] }),
    },
    { host: '127.0.0.1', port: 0 },
  );
  t.after(() => http.close());
  return http;
}

async function openSilent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

async function statusOf(port: number, page: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${page}`, { headers: { connection: 'close' } });
  await response.text();
  return response.status;
}

describe('the HTTP endpoint', () => {
  test('answers probes while a client holds more silent connections than there may be', async (t) => {
    const { port } = await start(t);
    const silent: Socket[] = [];
    for (let i = 0; i < 80; i++) silent.push(await openSilent(port));
    assert.equal(await statusOf(port, '/healthz'), 200);
    assert.equal(await statusOf(port, '/readyz'), 503);
    // those that came first had to go
    await until(() => silent.slice(0, 17).every((socket) => socket.closed));
    for (const socket of silent) socket.destroy();
  });

  test('tells what has not changed since it was last asked in no words', async (t) => {
    const { port } = await start(t);
    const ask = (etag = '') =>
      fetch(`http://127.0.0.1:${port}/upstreamz`, { headers: { connection: 'close', 'if-none-match': etag } });
    const first = await ask();
    assert.deepEqual(await first.json(), { upstreams: [{ lists: ['shop/house'] }] });
    const again = await ask(first.headers.get('etag') ?? '');
    assert.deepEqual([again.status, await again.text()], [304, '']);
    const other = await start(t, { list: 'shop/other' });
    const changed = await fetch(`http://127.0.0.1:${other.port}/upstreamz`, {
      headers: { connection: 'close', 'if-none-match': first.headers.get('etag') ?? '' },
    });
    assert.equal(changed.status, 200);
    assert.match(await changed.text(), /shop\/other/);
  });

  const ask = (port: number, page: string, authorization?: string) =>
    fetch(`http://127.0.0.1:${port}${page}`, {
      headers: { connection: 'close', ...(authorization !== undefined && { authorization }) },
    });

  test('shows what names tenants to nobody who has not the token, and says what to send', async (t) => {
    const { port } = await start(t, { readers: [tokenHash('of-the-class')] });
    for (const page of ['/metrics', '/configz', '/upstreamz']) {
      const none = await ask(port, page);
      assert.deepEqual([none.status, none.headers.get('www-authenticate')], [401, 'Bearer realm="smtp-plus"']);
      assert.match(
        await none.text(),
        /^This page names lists and hosts of all tenants, and needs the header "Auth[^\n]*\n$/,
      );
      for (const authorization of [
        'Bearer of-another',
        'Bearer of-the-clas',
        'Bearer of-the-class x',
        'Basic of-the-class',
        '',
      ]) {
        const wrong = await ask(port, page, authorization);
        assert.equal(wrong.status, 401, authorization);
        assert.doesNotMatch(await wrong.text(), /shop\/house/);
      }
      const wrong = await ask(port, page, 'Bearer of-another');
      assert.match(wrong.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
      assert.match(await wrong.text(), /^This is not the token for this page/);
      assert.equal((await ask(port, page, 'bearer  of-the-class')).status, 200);
      const head = await fetch(`http://127.0.0.1:${port}${page}`, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('etag')?.includes('shop')], [401, false]);
    }
    for (const page of ['/healthz', '/readyz', '/nowhere']) assert.notEqual((await ask(port, page)).status, 401, page);
  });

  test('does not tell by an unchanged tag what it would not tell in words', async (t) => {
    const open = await start(t);
    const etag = (await ask(open.port, '/upstreamz')).headers.get('etag') ?? '';
    const { port } = await start(t, { readers: [tokenHash('of-the-class')] });
    const headers = { connection: 'close', 'if-none-match': etag };
    assert.equal((await fetch(`http://127.0.0.1:${port}/upstreamz`, { headers })).status, 401);
  });

  test('keeps those pages closed while nobody has said who may read them', async (t) => {
    const { port } = await start(t, { readers: 'nobody' });
    const answer = await ask(port, '/configz', 'Bearer anything');
    assert.deepEqual(
      [answer.status, await answer.text()],
      [503, 'This page is closed until the configuration of the relay has said who may read it.\n'],
    );
    assert.equal(await statusOf(port, '/healthz'), 200);
  });

  test('ends a connection that says nothing', async (t) => {
    const { port } = await start(t);
    const silent = await openSilent(port);
    await until(() => silent.closed);
  });
});
