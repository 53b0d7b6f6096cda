import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import tls from 'node:tls';
import { once } from 'node:events';
import { ensureCertificates } from './self-signed.ts';

describe("the relay's own certificates", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-tls-'));
  after(() => rm(folder, { recursive: true }));
  const hostnames = ['localhost', '127.0.0.1', 'smtp.mail.svc'];

  test('are verified by a client that trusts the CA alone, by name and by address', async () => {
    const { ca, cert, key } = await ensureCertificates(folder, { hostnames });
    const server = tls.createServer({ cert, key }, (socket) => socket.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    for (const servername of ['localhost', 'smtp.mail.svc']) {
      const socket = tls.connect({ host: '127.0.0.1', port, ca, servername });
      await once(socket, 'secureConnect');
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
    const byAddress = tls.connect({ host: '127.0.0.1', port, ca });
    await once(byAddress, 'secureConnect');
    assert.equal(byAddress.authorized, true);
    byAddress.destroy();
    server.close();
  });

  test('are kept over restarts', async () => {
    const first = await ensureCertificates(folder, { hostnames });
    assert.deepEqual(await ensureCertificates(folder, { hostnames }), first);
  });

  test('are signed anew by the same CA when a host name is added, or the end is near', async () => {
    const first = await ensureCertificates(folder, { hostnames });
    const named = await ensureCertificates(folder, { hostnames: [...hostnames, 'mail.example'] });
    assert.equal(named.ca, first.ca);
    assert.ok(new X509Certificate(named.cert).checkHost('mail.example'));
    const later = new Date(Date.now() + 340 * 24 * 3600 * 1000);
    const renewed = await ensureCertificates(folder, { hostnames, now: later });
    assert.equal(renewed.ca, first.ca);
    assert.ok(renewed.notAfter > named.notAfter);
  });

  test('have keys that only their owner can read', async () => {
    for (const name of ['ca.key', 'tls.key']) assert.equal((await stat(path.join(folder, name))).mode & 0o777, 0o600);
  });
});
