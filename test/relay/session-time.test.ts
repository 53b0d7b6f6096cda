/** Sessions and the passing of time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { aClass, aConfig, PASSWORD, USER } from '../support/relay-config.ts';
import { openClient, openSecureClient, plain } from '../support/smtp-client.ts';
import { aClock, beginMessage, filler, logIn, start } from './sessions.ts';

describe('deadlines', () => {
  const config = aConfig({
    relayClass: aClass({
      session: {
        idleSeconds: 300,
        unauthenticatedSeconds: 60,
        sessionSeconds: 3600,
        dataSeconds: 600,
        dataBytesPerSecond: 256,
      },
    }),
  });

  for (const [name, aheadSeconds] of [
    ['a session in which nobody logs in ends', 61],
    ['a session that is silent ends', 301],
  ] as const) {
    test(name, async (t) => {
      const clock = aClock();
      const server = await start(t, { config, monotonicNow: clock.now });
      const client = aheadSeconds < 300 ? await openClient(server.port) : await logIn(server);
      if (aheadSeconds < 300) await client.reply();
      clock.aheadMs = (aheadSeconds - 2) * 1000;
      assert.match(await client.ask('NOOP'), /^250 /);
      clock.aheadMs += aheadSeconds * 1000;
      assert.equal(await client.reply(), '421 4.4.2 Timeout, closing connection');
      assert.equal(await client.closed(), '');
    });
  }

  test('octets of a command that never ends do not keep a session open', async (t) => {
    const clock = aClock();
    const server = await start(t, { config, monotonicNow: clock.now });
    const client = await logIn(server);
    for (let i = 0; i < 4; i++) {
      clock.aheadMs += 100_000;
      await client.send('N');
    }
    assert.match(await client.reply(), /^421 4\.4\.2 /);
  });

  test('a session that is never silent ends all the same', async (t) => {
    const clock = aClock();
    const server = await start(t, { config, monotonicNow: clock.now });
    const client = await logIn(server);
    for (let i = 0; i < 12; i++) {
      clock.aheadMs += 299_000;
      assert.match(await client.ask('NOOP'), /^250 /);
    }
    clock.aheadMs += 100_000;
    assert.match(await client.reply(), /^421 4\.4\.2 /);
  });

  test('a handshake that never comes ends the connection', async (t) => {
    const clock = aClock();
    const server = await start(t, { config, monotonicNow: clock.now });
    const client = await openClient(server.implicitTlsPort);
    clock.aheadMs = 61_000;
    assert.equal(await client.closed(), '');
  });

  for (const [name, octets, aheadSeconds, ends] of [
    ['a message that trickles in is given up, and leaves nothing behind', 1000, 35, true],
    ['a message that comes fast enough may take its time', 1_000_000, 590, false],
    ['a message that takes too long is given up, however fast it comes', 1_000_000, 601, true],
  ] as const) {
    test(name, async (t) => {
      const clock = aClock();
      const server = await start(t, { config, monotonicNow: clock.now });
      const client = await logIn(server);
      await beginMessage(client);
      await client.send(`From: orders@shop.example\r\n\r\n${filler(octets)}`);
      if (octets > 300_000) await until(async () => (await server.incoming()).length > 0);
      clock.aheadMs = aheadSeconds * 1000;
      if (ends) {
        assert.equal(await client.reply(), '421 4.4.2 Timeout, closing connection');
        client.destroy();
        await until(() => server.server.inFlight() === 0);
        await until(async () => (await server.incoming()).length === 0);
      } else {
        await client.send('\r\n.\r\n');
        assert.match(await client.reply(), /^250 /);
      }
    });
  }
});

describe('a clock that is set back', () => {
  test('neither delays the answer to a failed log-in nor keeps an idle session open', async (t) => {
    let time = Date.now();
    const monotonic = aClock();
    // an hour back whenever somebody looks
    const now = () => (time -= 3_600_000);
    const server = await start(t, { now, monotonicNow: monotonic.now });
    const client = await openSecureClient(server.port, server);
    const replies: string[] = [];
    void client.ask(`AUTH PLAIN ${plain(USER, 'wrong')}`).then((reply) => replies.push(reply));
    await until(() => replies[0]?.startsWith('535 '));
    assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    monotonic.aheadMs = 301_000;
    void client.reply().then((reply) => replies.push(reply));
    await until(() => replies[1]?.startsWith('421 '));
  });
});
