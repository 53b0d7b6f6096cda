/** What a kubeconfig may say about credentials and the way to the server, each with a server that tells what it has seen. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { kubeconfigCredentials } from '../../operator/kubernetes/client/kubeconfig.ts';
import { selfSigned } from './support/certificate.ts';

describe('a kubeconfig', () => {
  let folder: string;
  let certificate: { cert: string; key: string };
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'smtp-plus-kubeconfig-'));
    certificate = await selfSigned();
  });
  after(() => rmSync(folder, { recursive: true }));

  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  /** Requests through a kubeconfig, to a server that answers with what `see` says. */
  async function through(
    t: TestContext,
    parts: { user: object; cluster?: object },
    see: (request: IncomingMessage) => { status?: number; body?: object },
  ) {
    const server = createServer(
      { ...certificate, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { status = 200, body = {} } = see(request);
        response.writeHead(status).end(JSON.stringify(body));
      },
    );
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { port } = server.address() as AddressInfo;
    const file = path.join(folder, `${port}.kubeconfig`);
    const cluster = { server: `https://localhost:${port}`, 'certificate-authority-data': base64(certificate.cert) };
    const config = {
      clusters: [{ name: 'c', cluster: { ...cluster, ...parts.cluster } }],
      users: [{ name: 'u', user: parts.user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(file, JSON.stringify(config));
    const client = createClient(await kubeconfigCredentials(file));
    t.after(() => {
      client.close();
      server.closeAllConnections();
      server.close();
    });
    return () => client.request({ method: 'GET', path: '/api', attempts: 2 });
  }

  test('with a client certificate proves who we are by it', async (t) => {
    const own = await selfSigned();
    const user = { 'client-certificate-data': base64(own.cert), 'client-key-data': base64(own.key) };
    const ask = await through(t, { user }, ({ socket }) => ({
      body: { certificate: (socket as TLSSocket).getPeerCertificate().fingerprint256 },
    }));
    const { fingerprint256 } = new X509Certificate(own.cert);
    assert.deepEqual(await ask(), { ok: true, status: 200, body: { certificate: fingerprint256 } });
  });

  test('with a plugin gets a token from it, and another when that one is refused', async (t) => {
    const count = path.join(folder, 'runs');
    writeFileSync(count, '');
    const script = `echo >> ${count}; echo '{"status":{"token":"token '$(wc -l < ${count})'"}}'`;
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] } };
    const ask = await through(t, { user }, ({ headers: { authorization } }) =>
      authorization === 'Bearer token 2' ? { body: { taken: authorization } } : { status: 401 },
    );
    assert.deepEqual(await ask(), { ok: true, status: 200, body: { taken: 'Bearer token 2' } });
    await ask();
    assert.equal(readFileSync(count, 'utf8').length, 2, 'a token that is taken is kept');
  });

  test('with a proxy-url reaches the server through it', async (t) => {
    const asked: (string | undefined)[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url);
      const upstream = connect(Number(request.url?.split(':')[1]), 'localhost', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      for (const end of [socket, upstream]) end.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, resolve));
    t.after(() => proxy.close());
    const cluster = { 'proxy-url': `http://localhost:${(proxy.address() as AddressInfo).port}` };
    const ask = await through(t, { user: { token: 'a-token' }, cluster }, ({ headers }) => ({
      body: { authorization: headers.authorization },
    }));
    assert.deepEqual(await ask(), { ok: true, status: 200, body: { authorization: 'Bearer a-token' } });
    assert.match(asked.join(), /^localhost:\d+$/);
  });
});
