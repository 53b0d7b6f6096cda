/** Upstreams that take fewer recipients at once than a message has. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

const addresses = (count: number) => Array.from({ length: count }, (_, i) => `r${i}@x.example`);
/** What waits for another time would wait for ever. */
const NO_RETRY = { retryFirstSeconds: 3600, retryMostSeconds: 3600 };

/** Takes `most` recipients of a message, and answers the others with `reply`. */
function limited(most: number, reply: string) {
  let taken = 0;
  return {
    onMail: () => {
      taken = 0;
      return undefined;
    },
    onRecipient: () => (taken++ < most ? undefined : reply),
  };
}

describe('recipients beyond what an upstream takes at once', () => {
  for (const reply of [
    '452 4.5.3 Too many recipients',
    '552 5.5.3 Too many recipients',
    '552 too many',
    '550 5.5.3 no',
  ]) {
    test(`go in further transactions at once: ${reply}`, async (t) => {
      const upstream = await startUpstream(t, limited(10, reply));
      const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
      await relay.spool.put(aMessage({ to: addresses(25) }), inMemory());
      await emptied(relay);
      assert.deepEqual(
        upstream.received.map(({ to }) => to.length),
        [10, 10, 5],
      );
      assert.deepEqual(upstream.received.flatMap(({ to }) => to).sort(), addresses(25).sort());
      assert.deepEqual([said(relay, 'deferred'), said(relay, 'bounced')], [[], []]);
    });
  }

  test('are no news for the next message: it does not ask for more', async (t) => {
    let refused = 0;
    const { onMail, onRecipient } = limited(10, '452 4.5.3 Too many recipients');
    const count = () => {
      const answer = onRecipient();
      if (answer !== undefined) refused++;
      return answer;
    };
    const upstream = await startUpstream(t, { onMail, onRecipient: count });
    const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
    for (let i = 0; i < 2; i++) {
      await relay.spool.put(aMessage({ to: addresses(25) }), inMemory());
      await emptied(relay);
    }
    assert.equal(refused, 15);
    assert.equal(upstream.received.length, 6);
  });

  test('are told apart from mailboxes that are refused for themselves', async (t) => {
    const { onMail, onRecipient } = limited(5, '552 Too many recipients');
    const upstream = await startUpstream(t, {
      onMail,
      onRecipient: (to) => (to.startsWith('full@') ? '552 5.2.2 over quota' : onRecipient()),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
    await relay.spool.put(aMessage({ to: ['full@x.example', ...addresses(7)] }), inMemory());
    await emptied(relay);
    assert.deepEqual(
      said(relay, 'bounced').map(({ recipients, reply }) => [recipients, reply]),
      [[1, '552 5.2.2 over quota']],
    );
    const mail = upstream.received.filter(({ from }) => from !== '');
    assert.deepEqual(
      mail.map(({ to }) => to.length),
      [5, 2],
    );
  });

  test('wait as usual where an upstream takes none at all', async (t) => {
    const upstream = await startUpstream(t, limited(0, '552 too many'));
    const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
    const message = aMessage({ to: addresses(3) });
    await relay.spool.put(message, inMemory());
    await relay.delivery.drain(2000);
    assert.deepEqual(
      said(relay, 'deferred').map(({ recipients }) => recipients),
      [3],
    );
    assert.deepEqual(relay.left(), [message.id]);
  });

  test('cost nobody the message where the upstream ends the session for so many refusals', async (t) => {
    let [accepted, refused] = [0, 0];
    const raw = await startRawUpstream(t, {
      greet: (socket) => {
        [accepted, refused] = [0, 0];
        socket.write('220 raw\r\n');
      },
      answer: ordinaryAnswers((line, socket) => {
        if (line.startsWith('EHLO')) return '250-raw\r\n250 PIPELINING';
        if (socket.writableEnded) return '';
        if (line.startsWith('MAIL')) accepted = 0;
        if (!line.startsWith('RCPT') || ++accepted <= 50) return undefined;
        if (++refused <= 20) return '452 4.5.3 Error: too many recipients';
        socket.end('421 4.7.0 Error: too many errors\r\n');
        return '';
      }),
    });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: NO_RETRY }));
    await relay.spool.put(aMessage({ to: addresses(100) }), inMemory());
    await emptied(relay);
    assert.equal(raw.lines.filter((line) => line === '.').length, 2);
    assert.deepEqual(said(relay, 'deferred'), []);
  });
});

describe('a message refused after its content for the number of its recipients', () => {
  for (const [reply, sizes] of [
    ['554 Transaction failed: Recipient count exceeds 50.', [50, 50]],
    ['554 5.5.3 Too many', [50, 50]],
    ['452 4.5.3 Too many', [50, 50]],
  ] as const) {
    test(`goes to fewer at once, and to each of them once: ${reply}`, async (t) => {
      const upstream = await startUpstream(t, { onContent: ({ to }) => (to.length > 50 ? reply : undefined) });
      const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
      await relay.spool.put(aMessage({ to: addresses(100) }), inMemory());
      await emptied(relay);
      assert.deepEqual(
        upstream.received.map(({ to }) => to.length),
        sizes,
      );
      assert.deepEqual(upstream.received.flatMap(({ to }) => to).sort(), addresses(100).sort());
    });
  }

  test('bounces where the upstream says so of one recipient, too', async (t) => {
    let tries = 0;
    const upstream = await startUpstream(t, {
      onContent: ({ from }) => {
        if (from === '') return undefined;
        tries++;
        return '554 5.5.3 Too many recipients';
      },
    });
    const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
    await relay.spool.put(aMessage({ to: addresses(8) }), inMemory());
    await emptied(relay);
    // to 8, 4, 2, and then to each of the 8
    assert.equal(tries, 11);
    assert.equal(said(relay, 'bounced')[0]?.['recipients'], 8);
  });
});

describe('passthrough to an upstream that takes fewer recipients', () => {
  for (const reply of ['452 4.5.3 Too many recipients', '552 Too many recipients']) {
    test(`is refused for good, since no repetition helps: ${reply}`, async (t) => {
      const upstream = await startUpstream(t, limited(10, reply));
      const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
      const answer = await relay.delivery.passThrough(aMessage({ to: addresses(11) }), inMemory());
      assert.deepEqual([answer.code, answer.enhanced], [552, '5.5.3']);
      assert.match(answer.lines[0], /takes 10 recipients at once/);
      assert.deepEqual(upstream.received, []);
    });
  }

  test('hears what the upstream said after the content', async (t) => {
    const upstream = await startUpstream(t, { onContent: () => '554 Recipient count exceeds 5.' });
    const relay = await startDelivering(t, configured(upstream.smartHost(), { settings: NO_RETRY }));
    const answer = await relay.delivery.passThrough(aMessage({ to: addresses(10) }), inMemory());
    assert.equal(answer.code, 554);
    assert.match(answer.lines[0], /Recipient count exceeds 5/);
  });
});

describe('what an upstream says about us is no word about a message', () => {
  const authenticated = (reply: string) =>
    ordinaryAnswers((line) => {
      if (line.startsWith('EHLO')) return '250-raw\r\n250 AUTH PLAIN';
      return line.startsWith('AUTH') ? reply : undefined;
    });
  for (const [what, script] of [
    ['550 for a greeting', { greet: (socket: { write(text: string): void }) => socket.write('550 5.7.1 blocked\r\n') }],
    [
      '554 to EHLO and HELO',
      { answer: ordinaryAnswers((line) => (/^(EHLO|HELO)/.test(line) ? '554 5.7.1 no' : undefined)) },
    ],
    ['535 to AUTH', { answer: authenticated('535 5.7.8 wrong password') }],
    ['550 to AUTH', { answer: authenticated('550 5.7.1 account disabled') }],
    ['530 to MAIL', { answer: ordinaryAnswers((line) => (line.startsWith('MAIL') ? '530 5.7.0 log in' : undefined)) }],
    [
      '550 5.7.57 to RCPT',
      { answer: ordinaryAnswers((line) => (line.startsWith('RCPT') ? '550 5.7.57 not authenticated' : undefined)) },
    ],
  ] as const) {
    test(`${what}: the message waits`, async (t) => {
      const raw = await startRawUpstream(t, script);
      const host = aSmartHost(raw.port, what.includes('AUTH') ? { username: 'relay', password: 'wrong' } : {});
      const relay = await startDelivering(t, configured(host, { settings: NO_RETRY }));
      const message = aMessage();
      await relay.spool.put(message, inMemory());
      await relay.delivery.drain(2000);
      assert.equal(said(relay, 'deferred').length, 1);
      assert.deepEqual(said(relay, 'bounced'), []);
      assert.deepEqual(relay.left(), [message.id]);
    });
  }
});
