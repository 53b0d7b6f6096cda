import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import diagnosticsChannel from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient, NotWritable, type ClientOptions } from '../../operator/kubernetes/client/client.ts';
import { inClusterCredentials } from '../../operator/kubernetes/client/service-account.ts';
import { selfSigned } from './support/certificate.ts';

/** A server that injects faults; the real one answers in the other files. */
describe('Kubernetes client', () => {
  let folder: string;
  let certificate: { cert: string; key: string };
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'smtp-plus-client-'));
    certificate = await selfSigned();
    writeFileSync(path.join(folder, 'ca.crt'), certificate.cert);
    writeFileSync(path.join(folder, 'token'), 'first\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;
  async function withServer(handler: Handler, options: ClientOptions = {}) {
    let count = 0;
    let connections = 0;
    const server = createServer(certificate, (request, response) => handler(request, response, ++count));
    server.on('secureConnection', () => connections++);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}`);
    const client = createClient(inClusterCredentials(url, folder), options);
    return {
      client,
      count: () => count,
      connections: () => connections,
      [Symbol.dispose]: () => {
        client.close();
        server.closeAllConnections();
        server.close();
      },
    };
  }
  const get = { method: 'GET', path: '/api' } as const;

  test('many requests share few connections', async () => {
    using server = await withServer((_, response) => response.end('{}'));
    for (let i = 0; i < 50; i++) assert.ok((await server.client.request(get)).ok);
    assert.equal(server.connections(), 1);
  });

  test('429 and 503 are tried again, not before Retry-After has passed', async () => {
    const events: string[] = [];
    const handler: Handler = (_, response, count) => {
      events.push(`request ${count}`);
      if (count === 1) response.writeHead(429, { 'retry-after': '7' });
      if (count === 2) response.writeHead(503);
      response.end('{}');
    };
    const pause = async (milliseconds: number): Promise<void> =>
      void events.push(milliseconds >= 7000 ? 'the pause that was asked for' : 'a short pause');
    using server = await withServer(handler, { pause });
    assert.ok((await server.client.request(get)).ok);
    const expected = ['request 1', 'the pause that was asked for', 'request 2', 'a short pause', 'request 3'];
    assert.deepEqual(events, expected);
  });

  test('a reset connection is tried again on a new one', async () => {
    using server = await withServer((request, response, count) => {
      if (count === 1) request.socket.destroy();
      else response.end('{}');
    });
    assert.ok((await server.client.request(get)).ok);
  });

  test('after five failures the answer is given as it is', async () => {
    using server = await withServer((_, response) => response.writeHead(500).end('{"message":"etcd is away"}'));
    const answer = await server.client.request(get);
    assert.deepEqual(answer, { ok: false, status: 500, reason: 'Unknown', message: 'etcd is away' });
    assert.equal(server.count(), 5);
  });

  test('a refusal is an answer, not tried again', async () => {
    using server = await withServer((_, response) =>
      response.writeHead(403).end('{"reason":"Forbidden","message":"no"}'),
    );
    assert.deepEqual(await server.client.request(get), { ok: false, status: 403, reason: 'Forbidden', message: 'no' });
    assert.equal(server.count(), 1);
  });

  test('a token that was replaced on disk is used after the first 401', async () => {
    using server = await withServer((request, response, count) => {
      if (count === 1) {
        writeFileSync(path.join(folder, 'token'), 'second\n');
        response.writeHead(401);
      }
      response.end(JSON.stringify({ token: request.headers.authorization }));
    });
    const answer = await server.client.request(get);
    assert.deepEqual(answer, { ok: true, status: 200, body: { token: 'Bearer second' } });
  });

  test('a watch that falls silent ends with an error', async () => {
    using server = await withServer((_, response) => void response.write('{"type":"ADDED","object":{}}\n'), {
      watchSilenceMs: 2000,
    });
    const events = server.client.watch('/api', { signal: new AbortController().signal });
    assert.equal((await events.next()).value?.type, 'ADDED');
    await assert.rejects(events.next());
  });

  test('watch events that are cut anywhere by the network are put together', async () => {
    const lines = ['{"type":"ADDED","object":{"a":"ü"}}', '{"type":"DELETED","object":{"b":1}}'].join('\n') + '\n';
    using server = await withServer((_, response) => {
      const bytes = Buffer.from(lines);
      for (const byte of bytes) response.write(Buffer.of(byte));
      response.end();
    });
    const types: string[] = [];
    for await (const event of server.client.watch('/api', { signal: new AbortController().signal })) {
      types.push(JSON.stringify(event));
    }
    assert.equal(types.join('\n') + '\n', lines);
  });

  test('a write without the lease is never sent, a read is', async () => {
    using server = await withServer((_, response) => response.end('{}'), { writableMs: () => 0 });
    await assert.rejects(server.client.request({ method: 'DELETE', path: '/api' }), NotWritable);
    assert.equal(server.count(), 0);
    assert.ok((await server.client.request(get)).ok);
  });

  test('a write that takes longer than the lease is given up', async () => {
    using server = await withServer(() => undefined, { writableMs: () => 100.5 });
    await assert.rejects(server.client.request({ method: 'POST', path: '/api', body: {}, attempts: 1 }));
  });

  test('a write is not sent when its connection stands only after the lease is over', async (t) => {
    // long enough for a connection on a machine that is busy
    const leaseMs = 3000;
    using server = await withServer((_, response) => response.end('{}'), { writableMs: () => leaseMs });
    // as in a process that was stopped: it goes on here, and none of its timers has fired yet
    const stop = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs);
    diagnosticsChannel.subscribe('undici:client:connected', stop);
    t.after(() => diagnosticsChannel.unsubscribe('undici:client:connected', stop));
    const request = server.client.request({ method: 'POST', path: '/api', body: {}, attempts: 1 });
    await assert.rejects(request, /too late to be sent/);
    assert.equal(server.count(), 0);
  });

  test('requests beyond the burst wait for their turn', async () => {
    const turns: (() => void)[] = [];
    const pause = (): Promise<void> => new Promise((resolve) => turns.push(resolve));
    // of a rate that gives no further turn while this test runs
    const options = { perSecond: 0.001, burst: 5, pause };
    using server = await withServer((_, response) => response.end('{}'), options);
    const requests = Array.from({ length: 15 }, () => server.client.request(get));
    await Promise.all(requests.slice(0, 5));
    assert.equal(server.count(), 5);
    assert.equal(turns.length, 10);
    for (const takeTurn of turns) takeTurn();
    await Promise.all(requests);
    assert.equal(server.count(), 15);
  });

  test('nobody is asked twice who refuses the credentials for good', async () => {
    using server = await withServer((_, response) => response.writeHead(401).end('{"message":"who are you?"}'));
    const answer = await server.client.request(get);
    assert.ok(!answer.ok && answer.status === 401);
    assert.equal(server.count(), 2, 'once with what was known, once with what was read anew');
  });

  test('a request whose signal aborts while it waits for a connection ends at once', async () => {
    const never = new AbortController();
    // accepts connections, and never says a word
    const mute = createTcpServer();
    await new Promise<void>((resolve) => mute.listen(0, resolve));
    const url = new URL(`https://localhost:${(mute.address() as AddressInfo).port}`);
    const client = createClient(inClusterCredentials(url, folder));
    const request = client.request({ ...get, attempts: 1, signal: never.signal });
    await once(mute, 'connection');
    never.abort(new Error('given up'));
    await assert.rejects(request, /given up/);
    client.close();
    mute.close();
  });
});
