/** From the greeting to the log-in: what an upstream offers, and what it may not make us say. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

const EIGHT_BIT = Buffer.from('From: orders@shop.example\r\n\r\nGrüße\r\n');

describe('an upstream that offers STARTTLS and refuses it', () => {
  test('gets 8-bit mail by opportunistic TLS as it offered, in clear text', async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => {
        if (line.startsWith('EHLO')) return '250-raw\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n250 STARTTLS';
        return line === 'STARTTLS' ? '454 4.7.0 TLS not available due to local problem' : undefined;
      }),
    });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port, { tls: 'Opportunistic' })));
    const message = aMessage({ content: EIGHT_BIT, envelope: { eightBit: true } });
    await relay.spool.put(message, inMemory(EIGHT_BIT));
    await emptied(relay);
    assert.equal(said(relay, 'delivered').length, 1);
    assert.ok(
      raw.lines.includes(`MAIL FROM:<orders@shop.example> BODY=8BITMIME SIZE=${EIGHT_BIT.length}`),
      raw.lines.join(),
    );
  });
});

test('an upstream without EHLO is one without extensions', async (t) => {
  const raw = await startRawUpstream(t, {
    answer: ordinaryAnswers((line) => (line.startsWith('EHLO') ? '502 5.5.1 what' : undefined)),
  });
  const relay = await startDelivering(t, configured(aSmartHost(raw.port)));
  await relay.spool.put(aMessage(), inMemory());
  await emptied(relay);
  assert.ok(raw.lines.includes('MAIL FROM:<orders@shop.example>'), raw.lines.join());
});

describe('the password', () => {
  for (const [what, reply] of [
    ['repeats AUTH without a line end', (line: string) => `535 5.7.8 refused: ${line}`],
    ['repeats AUTH in two replies', (line: string) => `334 go on\r\n334 ${line}\r\n421 4.7.0 ${line}\r\n`],
  ] as const) {
    test(`is not told by an upstream that ${what} and closes`, async (t) => {
      const raw = await startRawUpstream(t, {
        answer: ordinaryAnswers((line, socket) => {
          if (line.startsWith('EHLO')) return '250-raw\r\n250 AUTH PLAIN';
          if (line.startsWith('AUTH')) socket.end(reply(line));
          return line.startsWith('AUTH') ? '' : undefined;
        }),
      });
      const host = aSmartHost(raw.port, { username: 'relay', password: 'secret word' });
      const relay = await startDelivering(
        t,
        configured(host, { settings: { retryFirstSeconds: 3600, retryMostSeconds: 3600 } }),
      );
      await relay.spool.put(aMessage(), inMemory());
      await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
      const secret = Buffer.from('\0relay\0secret word').toString('base64');
      assert.ok(!JSON.stringify(relay.lines).includes(secret), JSON.stringify(relay.lines));
      assert.match(String(said(relay, 'deferred')[0]?.['reply']), /log-in/);
    });
  }
});

describe('EHLO', () => {
  for (const [what, helo, expected] of [
    ['has the name that the upstream is set', 'smtp.shop.example', 'EHLO smtp.shop.example'],
    ['has the server name of the class where the upstream has none', undefined, 'EHLO relay.example'],
  ] as const) {
    test(what, async (t) => {
      const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
      const host = aSmartHost(raw.port, helo === undefined ? {} : { helo });
      const relay = await startDelivering(t, configured(host));
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.equal(raw.lines[0], expected);
    });
  }

  test('has the address of the relay where only the cluster knows the name of the class', async (t) => {
    const raw = await startRawUpstream(t, {
      // as a server that looks the name up
      answer: ordinaryAnswers((line) =>
        line.startsWith('EHLO') && line.endsWith('.svc') ? '450 4.7.1 not found' : undefined,
      ),
    });
    const config = configured(aSmartHost(raw.port));
    const relay = await startDelivering(t, { ...config, class: { ...config.class, hostname: 'relay.smtp-plus.svc' } });
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(raw.lines[0], 'EHLO [127.0.0.1]');
  });
});
