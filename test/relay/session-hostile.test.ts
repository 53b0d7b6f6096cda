/** Clients that send without end, read nothing, or close half of their connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { aClass, aConfig, aUser, USER } from '../support/relay-config.ts';
import { openClient } from '../support/smtp-client.ts';
import { replies, type Reply } from '../../relay/replies.ts';
import { beginMessage, logIn, MESSAGE, start } from './sessions.ts';

const UNLIMITED = aConfig({
  relayClass: aClass({ session: { commands: 1e9, unauthenticatedCommands: 1e9, failedCommands: 1e9 } }),
});

/** A client that has connected and reads nothing. */
async function deafClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  return socket;
}

/** Of what a client wrote, the octets that left its process. */
function sentBy(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

describe('a client that does not read its replies', () => {
  test('has no more commands run, until it reads', async (t) => {
    let commands = 0;
    const server = await start(t, { config: UNLIMITED, monotonicNow: () => (commands++, performance.now()) });
    const socket = await deafClient(server.port);
    t.after(() => socket.destroy());
    const total = 150_000;
    socket.write('EHLO a\r\n'.repeat(total));
    let before = -1;
    await until(
      async () => {
        before = commands;
        await sleep(400);
        // the deadlines are looked at meanwhile
        return commands > 1000 && commands - before < 10;
      },
      { ms: 30_000 },
    );
    assert.ok(commands < total, `${commands} of ${total} were run`);
    let replied = 0;
    socket.on('data', (chunk: Buffer) => (replied += chunk.toString('latin1').split('\r\n250 ').length - 1));
    socket.resume();
    await until(() => replied > total * 0.9, { ms: 30_000 });
  });

  test('is not read from without end after our last reply', async (t) => {
    const server = await start(t);
    const socket = await deafClient(server.port);
    socket.write('GET / HTTP/1.1\r\n');
    const chunk = Buffer.alloc(65_536, 'x');
    const most = 64 * 1024 * 1024;
    while (!socket.closed && sentBy(socket) < most) {
      if (!socket.writableNeedDrain) socket.write(chunk);
      await turn();
    }
    assert.ok(sentBy(socket) < most, `${sentBy(socket)} octets were taken`);
    await until(async () => (await server.metrics.connections.get()).values[0]?.value === 0, { ms: 10_000 });
  });
});

describe('a client that pipelines', () => {
  test('does not keep other connections waiting for all of its commands', async (t) => {
    const counts = { commands: 0 };
    const server = await start(t, {
      config: UNLIMITED,
      monotonicNow: () => (counts.commands++, performance.now()),
    });
    const client = await openClient(server.port);
    await client.reply();
    const total = 5000;
    await client.send('NOOP\r\n'.repeat(total));
    let most = 0;
    while (counts.commands < total) {
      const before = counts.commands;
      await turn();
      most = Math.max(most, counts.commands - before);
    }
    assert.ok(most <= 200, `${most} commands in one turn of the event loop`);
  });
});

describe('a client that closes its sending side', () => {
  test('after the final dot hears what became of its message', async (t) => {
    let stored: (reply: Reply) => void = () => undefined;
    const server = await start(t, { accept: () => new Promise<Reply>((resolve) => (stored = resolve)) });
    const client = await logIn(server);
    await beginMessage(client);
    await client.send(`${MESSAGE}.\r\n`);
    client.socket().end();
    await until(() => server.server.inFlight() === 1);
    await sleep(100);
    stored(replies.accepted('x'));
    assert.match(await client.reply(), /^250 /);
    assert.equal(await client.closed(), '');
  });

  test('has its session ended when it has had its answers', async (t) => {
    const server = await start(t);
    const client = await openClient(server.port);
    await client.reply();
    client.socket().end('NOOP\r\nNOOP\r\n');
    assert.equal(await client.reply(), '250 2.0.0 Ok');
    assert.equal(await client.reply(), '250 2.0.0 Ok');
    assert.equal(await client.closed(), '');
    await until(async () => (await server.metrics.connections.get()).values[0]?.value === 0);
  });
});

describe('the answer to a message', () => {
  test('comes when it is stored, and not before', async (t) => {
    let stored: ((reply: Reply) => void) | undefined;
    const accept = () => new Promise<Reply>((resolve) => (stored = resolve));
    const server = await start(t, { accept });
    const client = await logIn(server);
    await beginMessage(client);
    let answer: string | undefined;
    await client.send(`${MESSAGE}.\r\n`);
    void client.reply().then((reply) => (answer = reply));
    await until(() => stored !== undefined);
    await sleep(200);
    assert.equal(answer, undefined);
    stored?.(replies.accepted('x'));
    await until(() => answer === '250 2.0.0 Ok: queued as x');
  });
});

describe('TLS', () => {
  test('is not renegotiated at the wish of a client', async (t) => {
    const server = await start(t);
    const client = await openClient(server.implicitTlsPort, { ca: server.ca, tls: { maxVersion: 'TLSv1.2' } });
    await client.reply();
    await assert.rejects(
      new Promise<void>((resolve, reject) => {
        client.socket().once('close', () => reject(new Error('closed')));
        client.tls().renegotiate({}, (error) => (error === null ? resolve() : reject(error)));
      }),
    );
  });
});

describe('a line of a message', () => {
  for (const [what, length, code] of [
    ['as long as may be is taken', 2000, '250'],
    ['one octet longer is refused, and the session goes on', 2001, '554'],
  ] as const) {
    test(what, async (t) => {
      const server = await start(t, { config: aConfig({ relayClass: aClass({ session: { lineBytes: 2000 } }) }) });
      const client = await logIn(server);
      await beginMessage(client);
      for (const piece of [MESSAGE, 'x'.repeat(1500), 'x'.repeat(length - 1500), '\r\n.\r\n']) {
        await client.send(piece);
        await turn();
      }
      const reply = await client.reply();
      assert.equal(reply.slice(0, 3), code, reply);
      if (code === '554') assert.equal(reply, '554 5.6.0 Message has a line of more than 2000 octets');
      assert.match(await client.ask('NOOP'), /^250 /);
    });
  }
});

describe('a message that is refused', () => {
  for (const [why, header, reason, words] of [
    ['for its header', 'From: orders@shop.example\r\nFrom : x', 'header_invalid', /header is not valid: line 2 /],
    [
      'for its sender',
      'From: ceo@elsewhere.example',
      'from_not_authorized',
      /ceo@elsewhere\.example is not authorized/,
    ],
  ] as const) {
    test(`${why} is one line of the log, with its id and the words that the client was told`, async (t) => {
      const server = await start(t);
      const client = await logIn(server);
      await beginMessage(client);
      await client.send(`${header}\r\n\r\nbody\r\n.\r\n`);
      assert.match(await client.reply(), /^5/);
      const [line, ...others] = server.lines;
      assert.deepEqual(others, []);
      assert.deepEqual([line?.['reason'], line?.['from'], line?.['user']], [reason, 'orders@shop.example', USER]);
      assert.match(String(line?.['words']), words);
      assert.match(String(line?.['id']), /^[0-9A-Z]{18}$/);
    });
  }

  test('while it comes in, by a time-out, has its id in the log', async (t) => {
    const clock = { aheadMs: 0 };
    const server = await start(t, { monotonicNow: () => performance.now() + clock.aheadMs });
    const client = await logIn(server);
    await beginMessage(client);
    await client.send('From: orders@shop.example\r\n');
    clock.aheadMs = 700_000;
    assert.match(await client.reply(), /^421 4\.4\.2 /);
    const line = server.lines.find(({ reason }) => reason === 'timeout');
    assert.match(String(line?.['id']), /^[0-9A-Z]{18}$/);
    assert.equal(line?.['stage'], 'data');
  });

  for (const [limits, reason] of [
    [{ messagesPerHour: 1 }, 'messages_per_hour'],
    [{ recipientsPerDay: 1 }, 'recipients_per_day'],
  ] as const) {
    test(`for ${reason} says so in the log`, async (t) => {
      const server = await start(t, { config: aConfig({ users: { [USER]: aUser({ limits }) } }) });
      const client = await logIn(server);
      await beginMessage(client);
      await client.send(`${MESSAGE}.\r\n`);
      await client.reply();
      await client.ask('MAIL FROM:<orders@shop.example>');
      await client.ask('RCPT TO:<another@b.example>');
      assert.ok(server.lines.some((line) => line['reason'] === reason));
    });
  }
});
