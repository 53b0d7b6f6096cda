/** Connections that an upstream ends in the middle of a transaction, and what it had said by then. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory, metricValue } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

/** A retry would come too late for any test here. */
const NO_RETRY = { retryFirstSeconds: 3600, retryMostSeconds: 3600 };

const EHLO = { 'with pipelining': '250-raw\r\n250-PIPELINING\r\n250 8BITMIME', 'without pipelining': undefined };

/** Knows no recipient at bad.example, and ends each session after as many of them as Postfix does. */
async function startErrorLimited(t: TestContext, ehlo: string | undefined) {
  const errors = new WeakMap<Socket, number>();
  return startRawUpstream(t, {
    answer: ordinaryAnswers((line, socket) => {
      if (socket.writableEnded) return '';
      if (line.startsWith('EHLO')) return ehlo;
      if (!line.startsWith('RCPT') || !line.includes('@bad.example')) return undefined;
      const count = (errors.get(socket) ?? 0) + 1;
      errors.set(socket, count);
      return count > 20 ? ending(socket, '421 4.7.0 Error: too many errors') : '550 5.1.1 User unknown';
    }),
  });
}

function ending(socket: Socket, reply: string): string {
  socket.end(`${reply}\r\n`);
  return '';
}

for (const [how, ehlo] of Object.entries(EHLO)) {
  describe(`an upstream ${how} that ends sessions with too many unknown recipients`, () => {
    const bad = Array.from({ length: 50 }, (_, i) => `r${i}@bad.example`);

    test('gets the message to the others in the same attempt, and the sender one report of all', async (t) => {
      const raw = await startErrorLimited(t, ehlo);
      const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
      await relay.spool.put(aMessage({ to: [...bad, 'a@good.example', 'b@good.example'] }), inMemory());
      await emptied(relay);
      assert.deepEqual(said(relay, 'deferred'), []);
      assert.deepEqual(
        said(relay, 'bounced').map(({ recipients, reply }) => [recipients, reply]),
        [[50, '550 5.1.1 User unknown']],
      );
      assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'failed' }), 1);
      assert.equal(raw.lines.filter((line) => line.startsWith('Final-Recipient:')).length, 50);
      // the message to the two, and the report
      assert.equal(raw.lines.filter((line) => line === '.').length, 2);
      assert.equal(raw.connections(), 3);
    });

    test('keeps its circuit closed', async (t) => {
      const raw = await startErrorLimited(t, ehlo);
      const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
      for (let i = 0; i < 6; i++) await relay.spool.put(aMessage({ to: [...bad, 'a@good.example'] }), inMemory());
      await emptied(relay);
      assert.equal(said(relay, 'deferred').length, 0);
    });

    test('refuses a message of the passthrough with the reply to the recipient', async (t) => {
      const raw = await startErrorLimited(t, ehlo);
      const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
      const reply = await relay.delivery.passThrough(aMessage({ to: [...bad, 'a@good.example'] }), inMemory());
      assert.equal(reply.code, 550);
      assert.match(reply.lines[0], /r0@bad\.example: .*User unknown/);
    });
  });

  for (const command of ['MAIL', 'RCPT']) {
    test(`421 to ${command} of an upstream ${how} is told as the reason`, async (t) => {
      const raw = await startRawUpstream(t, {
        answer: ordinaryAnswers((line, socket) => {
          if (line.startsWith('EHLO')) return ehlo;
          if (socket.writableEnded) return '';
          return line.startsWith(command) ? ending(socket, '421 4.7.0 rate limit, see example.test/why') : undefined;
        }),
      });
      const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
      await relay.spool.put(aMessage({ to: ['a@x.example', 'b@x.example'] }), inMemory());
      await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
      assert.equal(said(relay, 'deferred')[0]?.['reply'], '421 4.7.0 rate limit, see example.test/why');
    });
  }

  test(`550 to MAIL stays a refusal where an upstream ${how} closes after it`, async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line, socket) => {
        if (line.startsWith('EHLO')) return ehlo;
        if (socket.writableEnded) return '';
        return line.startsWith('MAIL FROM:<orders') ? ending(socket, '550 5.7.1 not from you') : undefined;
      }),
    });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.deepEqual(
      said(relay, 'bounced').map(({ reply }) => reply),
      ['550 5.7.1 not from you'],
    );
  });
}

test('250 to DATA is no go-ahead: nothing of the content is sent, and the message waits', async (t) => {
  const raw = await startRawUpstream(t, {
    answer: ordinaryAnswers((line) => (line === 'DATA' ? '250 ok' : undefined)),
  });
  const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
  const content = Buffer.from(
    'From: orders@shop.example\r\n\r\nMAIL FROM:<ceo@victim.example>\r\nRCPT TO:<x@y.example>\r\n',
  );
  const message = aMessage({ content });
  await relay.spool.put(message, inMemory(content));
  await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
  assert.deepEqual(relay.left(), [message.id]);
  assert.equal(said(relay, 'deferred')[0]?.['reply'], 'no 354 to DATA');
  await until(() => raw.open() === 0, { what: 'the connection is closed' });
  assert.equal(raw.lines.at(-1), 'DATA');
});

for (const [how, ehlo] of Object.entries(EHLO)) {
  test(`of a passthrough message with a refused recipient nothing is sent to an upstream ${how}`, async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => {
        if (line.startsWith('EHLO')) return ehlo;
        return line.startsWith('RCPT TO:<no@') ? '550 5.1.1 no such user' : undefined;
      }),
    });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
    const message = aMessage({ to: ['yes@x.example', 'no@x.example'] });
    assert.equal((await relay.delivery.passThrough(message, inMemory())).code, 550);
    await relay.delivery.close();
    await until(() => raw.open() === 0, { what: 'the connection is closed' });
    assert.deepEqual(
      raw.lines.filter((line) => !/^(EHLO|MAIL|RCPT|QUIT)/.test(line)),
      [],
    );
  });
}

describe('421 after the content', () => {
  /** Takes no content for bad.example. */
  const answer = () => {
    let isBad = false;
    return ordinaryAnswers((line) => {
      if (line.startsWith('RCPT')) isBad = line.includes('@bad.example');
      return line === '.' && isBad ? '421 4.7.0 not this content' : undefined;
    });
  };

  test('defers that message, and leaves the upstream open for others', async (t) => {
    const raw = await startRawUpstream(t, { answer: answer() });
    const host = aSmartHost(raw.port, { maxConnections: 1 });
    const relay = await startDelivering(t, configured(host, { settings: NO_RETRY }));
    for (let i = 0; i < 4; i++) await relay.spool.put(aMessage({ to: ['a@bad.example'] }), inMemory());
    await relay.spool.put(aMessage({ to: ['a@good.example'] }), inMemory());
    await until(() => said(relay, 'delivered').length > 0, { what: 'the other is delivered' });
    assert.deepEqual(
      said(relay, 'deferred').map(({ reply }) => reply),
      Array(4).fill('421 4.7.0 not this content'),
    );
  });

  test('is 451 to a client of the passthrough, whose session goes on', async (t) => {
    const raw = await startRawUpstream(t, { answer: answer() });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
    const reply = await relay.delivery.passThrough(aMessage({ to: ['a@bad.example'] }), inMemory());
    assert.equal(reply.code, 451);
    assert.match(reply.lines[0], /not this content/);
  });
});

test('an upstream has its time for the answer to each recipient, not for all together', async (t) => {
  const raw = await startRawUpstream(t, {
    answer: ordinaryAnswers((line, socket) => {
      if (!line.startsWith('RCPT')) return undefined;
      setTimeout(() => socket.write('250 ok\r\n'), 200);
      return '';
    }),
  });
  const relay = await startDelivering(
    t,
    configured(aSmartHost(raw.port), { settings: { ...NO_RETRY, commandSeconds: 0.5 } }),
  );
  await relay.spool.put(aMessage({ to: Array.from({ length: 8 }, (_, i) => `r${i}@x.example`) }), inMemory());
  await until(() => relay.lines.length > 0, { what: 'it ends' });
  assert.deepEqual(
    relay.lines.map(({ msg, recipients }) => [msg, recipients]),
    [['delivered', 8]],
  );
});

describe('an upstream that answers before the content is through', () => {
  const large = Buffer.concat([
    Buffer.from('From: orders@shop.example\r\n\r\n'),
    Buffer.alloc(20_000_000, `${'x'.repeat(76)}\r\n`),
  ]);

  /** Gives its answer 30 ms after the first DATA of a connection, and takes no final dot. */
  async function startHasty(t: TestContext, answer: string) {
    return startRawUpstream(t, {
      answer: ordinaryAnswers((line, socket) => {
        if (line.startsWith('EHLO')) return EHLO['with pipelining'];
        if (line === 'DATA') setTimeout(() => socket.write(`${answer}\r\n`), 30);
        return line === '.' ? '' : undefined;
      }),
    });
  }

  for (const [answer, outcome] of [
    ['552 5.3.4 too big', 'bounced'],
    ['250 2.0.0 ok', 'deferred'],
  ] as const) {
    test(`is not sent commands in the middle of it: ${answer}`, async (t) => {
      const raw = await startHasty(t, answer);
      const upstream = { ...aSmartHost(raw.port), maxConnections: 1 };
      const relay = await startDelivering(t, configured(upstream, { settings: NO_RETRY }));
      await relay.spool.put(aMessage({ content: large, envelope: { from: '' } }), inMemory(large));
      await until(() => said(relay, outcome).length === 1, { what: 'there is an outcome' });
      assert.equal(said(relay, 'delivered').length, 0);
      await relay.spool.put(aMessage(), inMemory());
      await until(() => raw.connections() === 2, { what: 'the next one has a connection of its own' });
      await until(() => raw.lines.filter((line) => line.startsWith('MAIL')).length === 2, {
        what: 'the next one is said',
      });
      assert.deepEqual(
        raw.lines.filter((line) => /x(MAIL|QUIT)|RSET/.test(line)),
        [],
      );
    });
  }
});
