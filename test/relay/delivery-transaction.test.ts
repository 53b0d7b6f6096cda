/** How a message is said to a smart host: what it offers is used, and its connection is kept in order. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, CONTENT, inMemory } from '../support/queued.ts';
import { startScripted } from '../support/scripted-server.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

const NO_RETRY = { retryFirstSeconds: 3600, retryMostSeconds: 3600 };
const QUIET = { acts: [], pieces: [] };

describe('an upstream with CHUNKING', () => {
  const keywords = ['PIPELINING', 'CHUNKING', '8BITMIME'];

  test('gets the content in one chunk, as it is in the spool', async (t) => {
    const server = await startScripted(t, { ...QUIET, keywords });
    const relay = await startDelivering(t, configured(aSmartHost(server.port)));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.ok(server.commands.includes(`BDAT ${CONTENT.length} LAST`), server.commands.join());
    assert.ok(!server.commands.includes('DATA'));
    assert.deepEqual(server.taken[0]?.bytes, CONTENT);
  });

  test('gets a content of many pieces in one chunk, too', async (t) => {
    const server = await startScripted(t, { ...QUIET, keywords });
    const relay = await startDelivering(t, configured(aSmartHost(server.port)));
    const large = Buffer.alloc(3_000_000, 'From: a line of it\r\n.\r\n');
    await relay.spool.put(aMessage({ content: large }), inMemory(large));
    await emptied(relay);
    assert.ok(server.taken[0]?.bytes.equals(large));
  });

  test('is sent nothing of it where it takes no recipient: what it does not skip it would run', async (t) => {
    const server = await startScripted(t, { ...QUIET, keywords, acts: ['yes', 'no'] });
    const relay = await startDelivering(t, configured(aSmartHost(server.port)));
    await relay.spool.put(aMessage({ envelope: { from: '' } }), inMemory());
    await emptied(relay);
    assert.ok(!server.commands.some((command) => command.startsWith('BDAT')));
  });
});

test('an upstream that refuses every recipient and wants the content all the same gets none', async (t) => {
  const raw = await startRawUpstream(t, {
    answer: ordinaryAnswers((line) => {
      if (line.startsWith('EHLO')) return '250-raw\r\n250 PIPELINING';
      return line.startsWith('RCPT') ? '550 5.1.1 nobody' : undefined;
    }),
  });
  const relay = await startDelivering(t, configured(aSmartHost(raw.port)));
  await relay.spool.put(aMessage({ envelope: { from: '' } }), inMemory());
  await emptied(relay);
  assert.match(String(said(relay, 'bounced')[0]?.['reply']), /550 5\.1\.1 nobody/);
  await until(() => raw.open() === 0, { what: 'the connection is closed' });
  assert.equal(raw.lines.at(-1), 'DATA');
});

test('a refused transaction is reset before the next one, over the same connection', async (t) => {
  for (const keywords of [['PIPELINING'], []]) {
    const server = await startScripted(t, { ...QUIET, keywords, acts: ['yes', 'no'] });
    const relay = await startDelivering(t, configured(aSmartHost(server.port, { maxConnections: 1 })));
    await relay.spool.put(aMessage({ envelope: { from: '' } }), inMemory());
    await emptied(relay);
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    const commands = server.commands.map((command) => command.slice(0, 4));
    assert.equal(commands.filter((command) => command === 'EHLO').length, 1);
    assert.equal(commands[commands.indexOf('RSET') + 1], 'MAIL');
    assert.equal(server.taken.length, 1);
  }
});

describe('a kept connection', () => {
  for (const [what, isOpenStill] of [
    ['without a word', false],
    ['with 421', false],
    ['only when it is used', true],
  ] as const) {
    test(`that the upstream closed ${what} costs no attempt`, async (t) => {
      let isFirst = true;
      const raw = await startRawUpstream(t, {
        answer: ordinaryAnswers((line, socket) => {
          if (what === 'only when it is used' && line.startsWith('MAIL') && raw.lines.includes('.') && isFirst) {
            isFirst = false;
            socket.destroy();
            return '';
          }
          if (line !== '.' || isOpenStill) return undefined;
          socket.write('250 ok\r\n');
          setTimeout(() => socket.end(what === 'with 421' ? '421 4.4.2 idle\r\n' : ''), 10);
          return '';
        }),
      });
      const relay = await startDelivering(
        t,
        configured(aSmartHost(raw.port, { maxConnections: 1 }), { settings: NO_RETRY }),
      );
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      if (!isOpenStill) await until(() => raw.open() === 0, { what: 'it is closed' });
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.deepEqual(said(relay, 'deferred'), []);
      assert.equal(raw.lines.filter((line) => line === '.').length, 2);
      assert.equal(raw.connections(), 2);
    });
  }

  test('that breaks off once the content was on its way is no reason to send it again at once', async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line, socket) => {
        if (line === '.' && raw.lines.filter((one) => one === '.').length === 2) socket.destroy();
        return undefined;
      }),
    });
    const relay = await startDelivering(
      t,
      configured(aSmartHost(raw.port, { maxConnections: 1 }), { settings: NO_RETRY }),
    );
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    await relay.delivery.drain(200);
    assert.equal(raw.connections(), 1);
    assert.equal(raw.lines.filter((line) => line === '.').length, 2);
  });
});

describe('replies out of turn', () => {
  test('make the connection one that nobody trusts any more', async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => (line.startsWith('MAIL') ? '250 ok\r\n250 and ok to what comes' : undefined)),
    });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /reply to nothing: 250 and ok to what comes/);
    assert.ok(!raw.lines.includes('DATA'));
  });
});

test('no transaction has more recipients than the upstream is set to take, and one attempt does for all', async (t) => {
  const upstream = await startUpstream(t);
  const relay = await startDelivering(t, configured(upstream.smartHost({ recipientsPerTransaction: 50 })));
  const to = Array.from({ length: 120 }, (_, i) => `r${i}@x.example`);
  await relay.spool.put(aMessage({ to }), inMemory());
  await emptied(relay);
  assert.deepEqual(
    upstream.received.map((one) => one.to.length),
    [50, 50, 20],
  );
  assert.deepEqual(
    upstream.received.flatMap((one) => one.to),
    to,
  );
});
