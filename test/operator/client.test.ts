import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient, NotWritable, type ClientOptions } from '../../operator/kubernetes/client/client.ts';
import { inClusterCredentials } from '../../operator/kubernetes/client/credentials.ts';
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
    const times: number[] = [];
    using server = await withServer((_, response, count) => {
      times.push(performance.now());
      if (count === 1) response.writeHead(429, { 'retry-after': '1' });
      if (count === 2) response.writeHead(503);
      response.end('{}');
    });
    assert.ok((await server.client.request(get)).ok);
    assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 990);
    assert.equal(server.count(), 3);
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
      watchSilenceMs: 200,
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

  test('a write is not sent when its connection stands only after the lease is over', async () => {
    using server = await withServer((_, response) => response.end('{}'), { writableMs: () => 100 });
    const request = server.client.request({ method: 'POST', path: '/api', body: {}, attempts: 1 });
    // no timer of ours fires while the handshake waits to go on, as in a process that was stopped
    await new Promise((resolve) => setImmediate(resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    await assert.rejects(request);
    assert.equal(server.count(), 0);
  });

  test('requests beyond the burst wait for their turn', async () => {
    using server = await withServer((_, response) => response.end('{}'), { perSecond: 50, burst: 5 });
    const began = performance.now();
    await Promise.all(Array.from({ length: 15 }, () => server.client.request(get)));
    assert.ok(performance.now() - began >= 180);
  });
});
