/** A connection over a pair of streams, so that a test decides which octets come together. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { certificates } from '../../../test/support/certificates.ts';
import { createTlsServer } from './client-socket.ts';
import { Connection, GONE } from './connection.ts';

const { cert, key } = await certificates();

async function open() {
  const [client, server] = duplexPair();
  const tls = createTlsServer({ cert, key }, () => undefined);
  const conn = new Connection((onChange) => tls.attach(server as unknown as Socket, { implicitTls: false, onChange }));
  await conn.open();
  return { client, conn };
}

describe('octets behind a command', () => {
  test('are seen where they came with it, and where it was the last that came there are none', async () => {
    const { client, conn } = await open();
    const seen: unknown[] = [];
    for (const octets of ['a\r\nb\r\n', 'c\r\n', 'd', '\r\n']) {
      client.write(octets);
      await turn();
      for (const _ of octets.match(/\r\n/g) ?? []) seen.push([await conn.readLine(100), conn.hasUnread]);
    }
    assert.deepEqual(seen, [
      ['a', true],
      ['b', false],
      ['c', false],
      ['d', false],
    ]);
  });

  test('are seen where they came after it, while a command before it took its time', async () => {
    const { client, conn } = await open();
    client.write('slow\r\nDATA\r\n');
    assert.equal(await conn.readLine(100), 'slow');
    client.write('From: ');
    await turn();
    assert.equal(await conn.readLine(100), 'DATA');
    assert.equal(conn.hasUnread, true);
  });

  test('are none where the group of commands that waited ends', async () => {
    const { client, conn } = await open();
    client.write('slow\r\nMAIL\r\n');
    await conn.readLine(100);
    client.write('DATA\r\n');
    await turn();
    assert.deepEqual([await conn.readLine(100), conn.hasUnread], ['MAIL', true]);
    assert.deepEqual([await conn.readLine(100), conn.hasUnread], ['DATA', false]);
  });
});

describe('what comes in place of a line', () => {
  for (const [what, octets] of [
    ['a line that is too long', `${'x'.repeat(9)}\r\n`],
    ['one that is too long before it ends', 'x'.repeat(11)],
    ['one that ends in a bare LF', 'x\n'],
  ] as const) {
    test(`${what} ends the session`, async () => {
      const { client, conn } = await open();
      client.write(octets);
      const answer = await conn.readLine(10);
      assert.ok(typeof answer === 'object' && answer.close === true && answer.reason === 'bad_line');
    });
  }

  test('of a client that sends no more, only whole lines count', async () => {
    const { client, conn } = await open();
    client.end('a\r\nQUIT');
    assert.equal(await conn.readLine(100), 'a');
    assert.equal(await conn.readLine(100), GONE);
  });

  test('an interruption reaches who waits', async () => {
    const { conn } = await open();
    const line = conn.readLine(100);
    assert.equal(conn.isWaiting, true);
    conn.interrupt(GONE);
    assert.equal(await line, GONE);
    assert.equal(conn.isWaiting, false);
  });
});

test('replies to pipelined commands leave in one piece', async () => {
  const { client, conn } = await open();
  const pieces: string[] = [];
  client.on('data', (piece: Buffer) => pieces.push(piece.toString()));
  client.write('a\r\nb\r\nc\r\n');
  for (const word of ['a', 'b', 'c']) {
    assert.equal(await conn.readLine(100), word);
    conn.reply({ code: 250, lines: [word] });
  }
  await turn();
  assert.deepEqual(pieces, ['250 a\r\n250 b\r\n250 c\r\n']);
});
