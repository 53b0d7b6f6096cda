import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { ListConfig } from '../../relay/config/config.ts';
import { closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory, metricValue } from '../support/queued.ts';
import { aList } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

describe('an upstream that is down or hostile', () => {
  const cases: Record<string, Parameters<typeof startRawUpstream>[1]> = {
    'closes at once': { greet: (socket) => socket.destroy() },
    'greets with 554': { greet: (socket) => socket.write('554 go away\r\n') },
    'says nothing': { greet: () => {} },
    'greets without end in one line': { greet: (socket) => pour(socket, 'x'.repeat(65_536)) },
    'greets without end in many lines': { greet: (socket) => pour(socket, '220-more\r\n'.repeat(6000)) },
    'sends empty lines without end': { greet: (socket) => pour(socket, '\r\n'.repeat(30_000)) },
    'sends garbage': { greet: (socket) => socket.write(Buffer.from([0, 1, 2, 255, 254, 13, 10, 0, 13, 10])) },
    'closes at MAIL': {
      answer: ordinaryAnswers((line, socket) => (line.startsWith('MAIL') ? closing(socket) : undefined)),
    },
    'closes after DATA': { answer: ordinaryAnswers((line, socket) => (line === 'DATA' ? closing(socket) : undefined)) },
    'closes after the final dot': {
      answer: ordinaryAnswers((line, socket) => (line === '.' ? closing(socket) : undefined)),
    },
    'says 421 to RCPT': { answer: ordinaryAnswers((line) => (line.startsWith('RCPT') ? '421 4.3.2 bye' : undefined)) },
    'never answers MAIL': { answer: ordinaryAnswers((line) => (line.startsWith('MAIL') ? '' : undefined)) },
    'never answers the final dot': { answer: ordinaryAnswers((line) => (line === '.' ? '' : undefined)) },
    'answers the final dot without end': {
      answer: ordinaryAnswers((line, socket) => {
        if (line === '.') pour(socket, '250-more\r\n'.repeat(6000));
        return line === '.' ? '' : undefined;
      }),
    },
    'drips its answer to MAIL': {
      answer: ordinaryAnswers((line, socket) => {
        if (!line.startsWith('MAIL')) return undefined;
        const timer = setInterval(() => socket.write('2'), 100);
        socket.on('close', () => clearInterval(timer));
        return '';
      }),
    },
  };
  for (const [what, script] of Object.entries(cases)) {
    test(`that ${what} costs an attempt, and the message waits`, async (t) => {
      const raw = await startRawUpstream(t, script);
      const relay = await startDelivering(
        t,
        configured(aSmartHost(raw.port), {
          settings: {
            connectSeconds: 0.5,
            commandSeconds: 0.5,
            finalDotSeconds: 0.5,
            retryFirstSeconds: 3600,
            retryMostSeconds: 3600,
          },
        }),
      );
      const message = aMessage();
      await relay.spool.put(message, inMemory());
      await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
      assert.deepEqual(relay.left(), [message.id]);
      const reply = String(said(relay, 'deferred')[0]?.['reply']);
      assert.ok(reply.length <= 400 && /^[\x20-\x7e]+$/.test(reply), reply);
      assert.equal((await relay.spool.read(message.id))?.queued.attempts, 1);
    });
  }

  for (const [what, answer] of [
    ['garbage', (socket: Socket) => socket.write(`220 go\r\n${'garbage'.repeat(100)}`)],
    ['no handshake', (socket: Socket) => socket.write('220 go\r\n')],
    ['clear text after its yes', (socket: Socket) => socket.write('220 go\r\n250 ok\r\n250 ok\r\n')],
  ] as const) {
    test(`that answers STARTTLS with ${what} hears no mail and no password`, async (t) => {
      const raw = await startRawUpstream(t, {
        answer: ordinaryAnswers((line, socket) => {
          if (line.startsWith('EHLO')) return '250-raw\r\n250 STARTTLS';
          return line === 'STARTTLS' && answer(socket) !== undefined ? '' : undefined;
        }),
      });
      const host = aSmartHost(raw.port, { tls: 'StartTLS', username: 'relay', password: 'secret word' });
      const relay = await startDelivering(
        t,
        configured(host, { settings: { connectSeconds: 0.3, retryFirstSeconds: 3600, retryMostSeconds: 3600 } }),
      );
      await relay.spool.put(aMessage(), inMemory());
      await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
      assert.deepEqual(
        raw.lines.filter((line) => /^(AUTH|MAIL|RCPT|DATA)/.test(line)),
        [],
      );
      assert.equal(relay.left().length, 1);
    });
  }

  test('control characters, endless text and header lines in a reply reach neither log nor report', async (t) => {
    const nasty = `550-5.1.1 \x1b[31mred\r\n550 5.1.1 ${'long '.repeat(2000)}\xff`;
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => (line.startsWith('RCPT TO:<you') ? nasty : undefined)),
    });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port)));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    const report = raw.lines.slice(raw.lines.lastIndexOf('DATA'));
    assert.ok(report.some((line) => line.startsWith('Diagnostic-Code: smtp; 550-5.1.1 [31mred 550 5.1.1 long')));
    assert.ok(report.every((line) => line.length <= 998 && /^[\x20-\x7e\t]*$/.test(line)));
    assert.ok(String(said(relay, 'bounced')[0]?.['reply']).length <= 400);
  });

  test('a dead upstream is probed, not tried once for each message', async (t) => {
    const raw = await startRawUpstream(t, { greet: (socket) => socket.destroy() });
    const relay = await startDelivering(
      t,
      configured(aSmartHost(raw.port, { maxConnections: 5 }), {
        settings: { retryFirstSeconds: 3600, retryMostSeconds: 3600 },
      }),
    );
    await Promise.all(Array.from({ length: 200 }, () => relay.spool.put(aMessage(), inMemory())));
    await until(() => said(relay, 'deferred').length >= 3, { what: 'some are deferred' });
    await relay.delivery.drain(1000);
    assert.ok(raw.connections() <= 10, `${raw.connections()} connections`);
    assert.equal(relay.left().length, 200);
  });

  test('mail flows again by itself once the upstream is back', async (t) => {
    const port = await closedPort();
    const relay = await startDelivering(t, configured(aSmartHost(port)));
    for (let i = 0; i < 20; i++) await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length >= 3, { what: 'some are deferred' });
    const received: string[] = [];
    const server = createServer((socket) => {
      const answer = ordinaryAnswers((line) => (received.push(line), undefined));
      let rest = '';
      socket.on('data', (chunk) => {
        const parts = (rest + chunk.toString()).split('\r\n');
        rest = parts.pop() ?? '';
        for (const line of parts) answer(line, socket);
      });
      socket.on('error', () => {});
      socket.write('220 back\r\n');
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    t.after(() => server.close());
    await emptied(relay);
    assert.equal(received.filter((line) => line === '.').length, 20);
  });

  test('mail that was never tried because the upstream is down has its delay told and its end', async (t) => {
    let jumped = 0;
    const settings = { retryFirstSeconds: 7 * 24 * 3600, retryMostSeconds: 7 * 24 * 3600 };
    const relay = await startDelivering(
      t,
      configured(aSmartHost(await closedPort(), { maxConnections: 1 }), { settings }),
      {
        now: () => Date.now() + jumped,
      },
    );
    const ids = Array.from({ length: 8 }, () => aMessage());
    for (const message of ids) await relay.spool.put(message, inMemory());
    await until(() => said(relay, 'deferred').length === 3, { what: 'the circuit is open' });
    jumped = 5 * 3600 * 1000;
    relay.delivery.wake();
    const noticed = () => [...relay.spool.entries()].filter(({ delayNoticeSent }) => delayNoticeSent).length;
    await until(() => noticed() >= 8, { what: 'every delay is told' });
    jumped = 6 * 24 * 3600 * 1000;
    relay.delivery.wake();
    await until(() => ids.every(({ id }) => !relay.left().includes(id)), { what: 'every message ends' });
    assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'delayed' }), 8);
    assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'failed' }), 8);
  });

  test('upstreams that hang hold up no other list', async (t) => {
    const lists: Record<string, ListConfig> = {};
    for (let i = 0; i < 4; i++) {
      const raw = await startRawUpstream(t, { greet: () => {} });
      lists[`hanging/${i}`] = aList({ upstream: aSmartHost(raw.port) });
    }
    const upstream = await startUpstream(t);
    const relay = await startDelivering(
      t,
      configured(upstream.smartHost(), {
        others: lists,
        settings: { concurrency: 10, connectSeconds: 60, commandSeconds: 60 },
      }),
    );
    for (const list of Object.keys(lists)) {
      for (let i = 0; i < 20; i++) await relay.spool.put(aMessage({ list }), inMemory());
    }
    for (let i = 0; i < 10; i++) await relay.spool.put(aMessage(), inMemory());
    await until(() => relay.left().length === 80, { what: 'the other list is served' });
    assert.equal(upstream.received.length, 10);
  });

  test('upstreams that hang take every place, and still one that is well gets its own', async (t) => {
    const lists: Record<string, ListConfig> = {};
    const hanging = await Promise.all(Array.from({ length: 8 }, () => startRawUpstream(t, { greet: () => {} })));
    for (const [i, raw] of hanging.entries()) lists[`hanging/${i}`] = aList({ upstream: aSmartHost(raw.port) });
    const upstream = await startUpstream(t);
    const relay = await startDelivering(
      t,
      configured(upstream.smartHost(), {
        others: lists,
        settings: { concurrency: 6, connectSeconds: 60, commandSeconds: 60 },
      }),
    );
    for (const list of Object.keys(lists)) await relay.spool.put(aMessage({ list }), inMemory());
    for (const list of Object.keys(lists)) await relay.spool.put(aMessage({ list }), inMemory());
    await until(() => hanging.every((raw) => raw.connections() > 0), { what: 'each is tried' });
    for (let i = 0; i < 5; i++) await relay.spool.put(aMessage(), inMemory());
    await until(() => upstream.received.length === 5, { what: 'the other list is served' });
    assert.deepEqual(
      hanging.map((raw) => raw.open()),
      Array(8).fill(1),
    );
  });

  test('a flood of one list does not make another one wait at the upstream they share', async (t) => {
    const upstream = await startUpstream(t);
    const host = upstream.smartHost({ maxConnections: 1 });
    const relay = await startDelivering(t, configured(host, { others: { 'flood/all': aList({ upstream: host }) } }));
    await Promise.all(
      Array.from({ length: 300 }, () =>
        relay.spool.put(aMessage({ list: 'flood/all', envelope: { from: 'flood@shop.example' } }), inMemory()),
      ),
    );
    const late = aMessage();
    await relay.spool.put(late, inMemory());
    await emptied(relay);
    const place = upstream.received.findIndex(({ from }) => from === 'orders@shop.example');
    assert.ok(place < 290, `served as number ${place}`);
  });
});

function pour(socket: Socket, text: string): void {
  const write = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', write);
  write();
}

function closing(socket: Socket): string {
  socket.destroy();
  return '';
}
