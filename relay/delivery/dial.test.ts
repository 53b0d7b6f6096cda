import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { alternate, dial } from './dial.ts';

const never = new AbortController().signal;

async function startListener(t: TestContext): Promise<{ readonly port: number; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets };
}

/** Listens and never takes a connection: once its queue is full, packets to it get no answer. */
const DEAF = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  createServer().listen({ ...workerData, backlog: 1 }, () => {
    parentPort.postMessage('listening');
    // at once: a turn of the event loop would take connections
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

async function startDeaf(t: TestContext, host: string, port: number): Promise<void> {
  const worker = new Worker(DEAF, { eval: true, workerData: { host, port } });
  await new Promise((resolve) => worker.once('message', resolve));
  const fillers = Array.from({ length: 8 }, () => connect({ host, port }).on('error', () => {}));
  t.after(async () => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  });
}

describe('connecting to one of several addresses', () => {
  test('goes on to the next where one refuses', async (t) => {
    const { port } = await startListener(t);
    const socket = await dial(['127.0.0.2', '::1', '127.0.0.1'], port, never);
    t.after(() => socket.destroy());
    assert.equal(socket.remoteAddress, '127.0.0.1');
  });

  test('does not wait for one that never answers', async (t) => {
    const { port } = await startListener(t);
    await startDeaf(t, '127.0.0.2', port);
    await assert.rejects(dial(['127.0.0.2'], port, AbortSignal.timeout(1000)), { name: 'TimeoutError' });
    const socket = await dial(['127.0.0.2', '127.0.0.1'], port, never);
    t.after(() => socket.destroy());
    assert.equal(socket.remoteAddress, '127.0.0.1');
  });

  test('tells what each address said where all refuse', async (t) => {
    const { port } = await startListener(t);
    await assert.rejects(
      dial(['127.0.0.2', '127.0.0.3'], port, never),
      new RegExp(`ECONNREFUSED 127.0.0.2:${port}; .*ECONNREFUSED 127.0.0.3:${port}`),
    );
  });

  test('ends with the reason of the signal, before and during the attempts', async () => {
    await assert.rejects(dial(['127.0.0.1'], 1, AbortSignal.abort(new Error('shutting down'))), /shutting down/);
    const ending = new AbortController();
    const attempt = dial(['127.0.0.1'], 1, ending.signal);
    ending.abort(new Error('timed out'));
    await assert.rejects(attempt, /timed out/);
  });

  test('tries the families in turn, beginning with the one that the system names first', () => {
    assert.deepEqual(alternate(['::1', '::2', '::3', '192.0.2.1']), ['::1', '192.0.2.1', '::2', '::3']);
    assert.deepEqual(alternate(['192.0.2.1', '::1', '::2']), ['192.0.2.1', '::1', '::2']);
    assert.deepEqual(alternate([]), []);
  });
});
