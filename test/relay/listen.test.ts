import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { listen } from '../../relay/session/listen.ts';

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

  test('skips a port that somebody else has, and says so', async (t) => {
    const busy = await busyPort(t);
    const listening = await listen(target, { host: '127.0.0.1', ports: [0, busy], implicitTlsPorts: [busy] });
    t.after(() => listening.close());
    assert.equal(listening.ports.length, 1);
    assert.deepEqual(listening.implicitTlsPorts, []);
    assert.deepEqual(listening.skippedPorts, [busy, busy]);
  });

  test('fails when there is not one port to be had', async (t) => {
    const busy = await busyPort(t);
    await assert.rejects(listen(target, { host: '127.0.0.1', ports: [busy], implicitTlsPorts: [] }), /EADDRINUSE/);
  });

  test('stops taking connections when closed', async () => {
    const listening = await listen(target, { host: '127.0.0.1', ports: [0], implicitTlsPorts: [] });
    const [port = 0] = listening.ports;
    await listening.close();
    await assert.rejects(ask(port), /ECONNREFUSED/);
  });
});
