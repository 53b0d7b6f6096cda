import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { listen } from '../../relay/submission/listen.ts';

/** Says which kind of connection it was, and ends it. */
const target = {
  connect: (socket: Socket) => void socket.end('plain'),
  connectImplicitTls: (socket: Socket) => void socket.end('tls'),
};

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setEncoding('utf8').on('data', resolve).on('error', reject);
  });
}

/** A port that nobody has, most likely. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A port that somebody else has. */
async function busyPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

describe('listening', () => {
  test('opens every port for its kind of connection', async (t) => {
    const listening = await listen(target, { host: '127.0.0.1', ports: [0, 0], implicitTlsPorts: [0] });
    t.after(() => listening.close());
    assert.equal(listening.ports.length, 2);
    assert.deepEqual(await Promise.all(listening.ports.map(ask)), ['plain', 'plain']);
    assert.deepEqual(await Promise.all(listening.implicitTlsPorts.map(ask)), ['tls']);
  });

  test('skips an optional port that somebody else has, and says so', async (t) => {
    const busy = await busyPort(t);
    const ports = { ports: [0, busy], implicitTlsPorts: [busy], optionalPorts: new Set([busy]) };
    const listening = await listen(target, { host: '127.0.0.1', ...ports });
    t.after(() => listening.close());
    assert.equal(listening.ports.length, 1);
    assert.deepEqual(listening.implicitTlsPorts, []);
    const skip = { port: busy, reason: 'in use' };
    assert.deepEqual(listening.skippedPorts, [skip, skip]);
  });

  test('fails where a port that must be had is taken, and then listens nowhere', async (t) => {
    const [busy, free] = [await busyPort(t), await freePort()];
    const ports = { ports: [free, busy], implicitTlsPorts: [], optionalPorts: new Set([free]) };
    await assert.rejects(listen(target, { host: '127.0.0.1', ...ports }), { code: 'EADDRINUSE', port: busy });
    await assert.rejects(ask(free), /ECONNREFUSED/);
  });

  test('fails where there is not one port to be had, optional or not', async (t) => {
    const busy = await busyPort(t);
    const ports = { ports: [busy], implicitTlsPorts: [], optionalPorts: new Set([busy]) };
    await assert.rejects(listen(target, { host: '127.0.0.1', ...ports }), { code: 'EADDRINUSE' });
  });

  test('fails where the address is none of this machine: no port is skipped for that', async () => {
    const ports = { ports: [2525], implicitTlsPorts: [], optionalPorts: new Set([2525]) };
    await assert.rejects(listen(target, { host: '192.0.2.1', ...ports }), { code: 'EADDRNOTAVAIL' });
  });

  test('stops taking connections when closed', async () => {
    const listening = await listen(target, { host: '127.0.0.1', ports: [0], implicitTlsPorts: [] });
    const [port = 0] = listening.ports;
    await listening.close();
    await assert.rejects(ask(port), /ECONNREFUSED/);
  });
});
