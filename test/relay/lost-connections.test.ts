/** No connection fails in silence: a line with address and reason, and a count. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { until } from '../support/eventually.ts';
import { PASSWORD, USER, aClass, aConfig } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import type { SubmissionFixture } from '../support/submission.ts';
import { aClock, beginMessage, logIn, start } from './sessions.ts';

type Server = SubmissionFixture;

async function counted(server: Server, reason: string): Promise<number> {
  const metric = await server.metrics.registry.getSingleMetric('smtpplus_connections_failed_total')?.get();
  return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}

/** Waits for the count, and returns the lines with that reason. */
async function linesOf(server: Server, reason: string): Promise<Record<string, unknown>[]> {
  await until(async () => (await counted(server, reason)) > 0);
  return server.lines.filter((line) => line['reason'] === reason);
}

async function expectLine(server: Server, reason: string, words: RegExp): Promise<void> {
  const lines = await linesOf(server, reason);
  assert.equal(lines.length, 1, JSON.stringify(server.lines));
  assert.equal(lines[0]?.['remote'], '127.0.0.1');
  assert.equal(lines[0]?.['level'], 'info');
  assert.match(String(lines[0]?.['msg']), words);
}

/** Tries a handshake, by STARTTLS or from the first octet, and waits until it has failed. */
const HANDSHAKES = {
  STARTTLS: async (server: Server, options: ConnectionOptions) => {
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    await client.ask('STARTTLS');
    await assert.rejects(client.startTls({ ca: server.ca, ...options }));
    client.destroy();
  },
  'TLS from the first octet': async (server: Server, options: ConnectionOptions) => {
    const tls = { ca: server.ca, ...options };
    await assert.rejects(openClient(server.implicitTlsPort, { tls }));
  },
};

const OLD_PROTOCOL = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
const OLD_CIPHER = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' } as const;
const FAILURES: readonly (readonly [string, ConnectionOptions, string, RegExp])[] = [
  ['an old protocol', OLD_PROTOCOL, 'tls_protocol', /no TLS 1\.2/],
  ['no cipher in common', OLD_CIPHER, 'tls_cipher', /no cipher/],
  ['a client that looks at the certificate later, without our CA', { ca: [] }, 'tls_abandoned', /needs our CA/],
];

for (const [kind, handshake] of Object.entries(HANDSHAKES)) {
  describe(`a failed handshake of ${kind}`, () => {
    for (const [what, options, reason, words] of FAILURES) {
      test(`tells of ${what}`, async (t) => {
        const server = await start(t);
        await handshake(server, options);
        await expectLine(server, reason, words);
      });
    }
  });
}

describe('a handshake that does not come to its end', () => {
  test('since the client speaks no TLS', async (t) => {
    const server = await start(t);
    const socket = connect(server.implicitTlsPort, '127.0.0.1').on('error', () => undefined);
    socket.write('EHLO client.example\r\n');
    await expectLine(server, 'tls_missing', /no TLS/);
    socket.destroy();
  });

  test('since the client closes the connection', async (t) => {
    const server = await start(t);
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    await client.ask('STARTTLS');
    client.socket().end();
    await expectLine(server, 'tls_closed', /asked for TLS and closed/);
  });

  test('since the client goes silent', async (t) => {
    const clock = aClock();
    const server = await start(t, { monotonicNow: clock.now });
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    await client.ask('STARTTLS');
    clock.aheadMs = 61_000;
    await expectLine(server, 'tls_timeout', /took too long/);
    client.destroy();
  });
});

describe('a connection that is refused', () => {
  test('for there are too many', async (t) => {
    const server = await start(t, { config: aConfig({ relayClass: aClass({ session: { connections: 1 } }) }) });
    const first = await logIn(server);
    await first.ask('MAIL FROM:<orders@shop.example>');
    const second = await openClient(server.port);
    await second.closed();
    const [line, ...more] = await linesOf(server, 'conn_limited');
    assert.deepEqual(more, []);
    assert.deepEqual([line?.['remote'], line?.['code'], line?.['words']], ['127.0.0.1', 421, 'Too many connections']);
    first.destroy();
  });

  test('before its handshake, where TLS comes first', async (t) => {
    const server = await start(t, { config: aConfig({ relayClass: aClass({ session: { connections: 1 } }) }) });
    const first = await logIn(server);
    await first.ask('MAIL FROM:<orders@shop.example>');
    const second = connectTls({ port: server.implicitTlsPort, host: '127.0.0.1' }).on('error', () => undefined);
    assert.equal((await linesOf(server, 'conn_limited')).length, 1);
    first.destroy();
    second.destroy();
  });
});

describe('a connection that is cut', () => {
  const cut = async (t: TestContext, talk: (client: SmtpClient) => Promise<unknown>): Promise<Server> => {
    const server = await start(t);
    const client = await logIn(server);
    await talk(client);
    client.destroy();
    return server;
  };

  test('in the middle of a message', async (t) => {
    const server = await cut(t, async (client) => {
      await beginMessage(client);
      await client.send('From: orders@shop.example\r\n');
    });
    await expectLine(server, 'cut_in_message', /in the middle of a message/);
    assert.equal(server.lines.at(-1)?.['user'], USER);
  });

  test('between MAIL and the message', async (t) => {
    const server = await cut(t, (client) => client.ask('MAIL FROM:<orders@shop.example>'));
    await expectLine(server, 'cut_in_transaction', /between MAIL and the message/);
  });

  test('before the log-in', async (t) => {
    const server = await start(t);
    const client = await openSecureClient(server.port, server);
    client.socket().end();
    await expectLine(server, 'closed_before_login', /before it logged in/);
  });

  test('by a time-out', async (t) => {
    const clock = aClock();
    const server = await start(t, { monotonicNow: clock.now });
    const client = await openClient(server.port);
    await client.reply();
    clock.aheadMs = 61_000;
    assert.match(await client.reply(), /^421 4\.4\.2/);
    assert.equal((await linesOf(server, 'timeout')).length, 1);
    client.destroy();
  });

  test('by the end of the relay', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await beginMessage(client);
    const drained = server.server.drain(10);
    await expectLine(server, 'shutdown', /cut off by our shutdown/);
    await drained;
  });
});

describe('a connection that ends as many do', () => {
  test('is counted without a line: a probe of either port, and one of a pool', async (t) => {
    const server = await start(t);
    for (const port of [server.port, server.implicitTlsPort]) {
      const probe = connect(port, '127.0.0.1');
      await once(probe, 'connect');
      probe.end();
    }
    await until(async () => (await counted(server, 'no_command')) === 2);
    const client = await logIn(server);
    client.socket().end();
    assert.deepEqual(await linesOf(server, 'closed'), []);
    assert.deepEqual(server.lines, []);
  });

  test('by QUIT has not failed', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('QUIT');
    await client.closed();
    await until(() => server.server.inFlight() === 0);
    const metric = await server.metrics.registry.getSingleMetric('smtpplus_connections_failed_total')?.get();
    assert.deepEqual(metric?.values, []);
  });
});

test('a flood of failures costs so many lines, is counted in full, and keeps nobody out', async (t) => {
  const server = await start(t);
  for (let i = 0; i < 70; i++) {
    const client = await openClient(server.port);
    await client.reply();
    await client.ask('EHLO client.example');
    client.socket().end();
    await client.closed();
  }
  await until(async () => (await counted(server, 'closed_before_login')) === 70);
  assert.equal(server.lines.length, 60);
  const client = await openSecureClient(server.port, server);
  assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
  client.destroy();
});
