/** The HTTP endpoint, and clients that mean it ill. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { startHttp } from '../../relay/http.ts';
import { until } from '../support/until.ts';

async function start(t: TestContext, list = 'shop/house') {
  const http = await startHttp(
    {
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
    const other = await start(t, 'shop/other');
    const changed = await fetch(`http://127.0.0.1:${other.port}/upstreamz`, {
      headers: { connection: 'close', 'if-none-match': first.headers.get('etag') ?? '' },
    });
    assert.equal(changed.status, 200);
    assert.match(await changed.text(), /shop\/other/);
  });

  test('ends a connection that says nothing', async (t) => {
    const { port } = await start(t);
    const silent = await openSilent(port);
    await until(() => silent.closed);
  });
});
