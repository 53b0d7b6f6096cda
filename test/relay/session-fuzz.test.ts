/** Whatever clients send, in whatever pieces, and however they leave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { until } from '../support/eventually.ts';
import { PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { beginMessage, logIn, MESSAGE, start } from './sessions.ts';

const LINES = [
  'EHLO a',
  'HELO a',
  'STARTTLS',
  'AUTH PLAIN',
  'AUTH LOGIN',
  `AUTH PLAIN ${plain(USER, PASSWORD)}`,
  plain(USER, PASSWORD),
  '*',
  'MAIL FROM:<orders@shop.example>',
  'RCPT TO:<a@b.example>',
  'DATA',
  MESSAGE,
  'From: orders@shop.example\r\n\r\n..\r\n',
  '.',
  'RSET',
  'NOOP',
  'QUIT',
  'BDAT 3',
  'x'.repeat(5000),
  '\0\r\n\x16\x03\x01',
];
const octets = fc
  .array(fc.tuple(fc.constantFrom(...LINES), fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '')), {
    maxLength: 14,
  })
  .map((lines) => lines.flat().join(''));
const opening = fc.constantFrom('clear', 'handshake', 'secure', 'logged in', 'in data');
const leaving = fc.constantFrom('end', 'destroy', 'reset', 'wait');

async function open(server: { port: number; ca: string }, how: string): Promise<SmtpClient> {
  if (how === 'secure') return openSecureClient(server.port, server);
  if (how === 'logged in') return logIn(server);
  if (how === 'in data') {
    const client = await logIn(server);
    await beginMessage(client);
    return client;
  }
  const client = await openClient(server.port, { ca: server.ca });
  await client.reply();
  if (how === 'handshake') await client.ask('STARTTLS');
  return client;
}

test('clients that send and leave as they like harm nobody, and every connection comes to its end', async (t) => {
  const server = await start(t);
  await fc.assert(
    fc.asyncProperty(opening, octets, fc.integer({ min: 1, max: 400 }), leaving, async (how, text, size, way) => {
      const client = await open(server, how);
      const socket = client.socket();
      for (let at = 0; at < text.length && socket.writable; at += size) {
        await client.send(text.slice(at, at + size));
        await turn();
      }
      if (way === 'end') socket.end();
      else if (way === 'reset' && 'resetAndDestroy' in socket && how === 'clear') socket.resetAndDestroy();
      else if (way !== 'wait') socket.destroy();
      else client.destroy();
    }),
    { numRuns: 300 },
  );
  await until(async () => (await server.metrics.connections.get()).values[0]?.value === 0, { ms: 15_000 });
  assert.equal(server.server.inFlight(), 0);
  assert.deepEqual(await server.incoming(), []);
  assert.deepEqual(
    server.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );
  const client = await logIn(server);
  await beginMessage(client);
  await client.send(`${MESSAGE}.\r\n`);
  assert.match(await client.reply(), /^250 /);
});
