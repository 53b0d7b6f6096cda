import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory, metricValue } from '../support/queued.ts';
import { startUpstream } from '../support/upstream.ts';

describe('what an upstream refuses', () => {
  test('each recipient has its own end: taken, bounced, or tried again without the others', async (t) => {
    let tries = 0;
    const upstream = await startUpstream(t, {
      onRecipient: (to) => {
        if (to.startsWith('no@')) return '550 5.1.1 no such user';
        return to.startsWith('later@') && ++tries < 3 ? '451 4.2.0 not now' : undefined;
      },
    });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    await relay.spool.put(aMessage({ to: ['yes@x.example', 'no@x.example', 'later@x.example'] }), inMemory());
    await emptied(relay);
    const mail = upstream.received.filter(({ from }) => from !== '');
    assert.deepEqual(
      mail.map(({ to }) => to),
      [['yes@x.example'], ['later@x.example']],
    );
    const bounces = upstream.received.filter(({ from }) => from === '');
    assert.deepEqual(
      bounces.map(({ to }) => to),
      [['orders@shop.example']],
    );
    const text = bounces[0]?.bytes.toString() ?? '';
    assert.match(
      text,
      /Final-Recipient: rfc822; no@x\.example\r\nAction: failed\r\nStatus: 5\.1\.1\r\nDiagnostic-Code: smtp; 550 5\.1\.1 no such user/,
    );
    assert.ok(!text.includes('yes@x.example') && !text.includes('later@'));
  });

  for (const [stage, options] of [
    ['MAIL', { onMail: (from: string) => (from === '' ? undefined : '550 5.7.1 not from you') }],
    ['every RCPT', { onRecipient: (to: string) => (to.startsWith('orders') ? undefined : '550 5.7.1 not to them') }],
    ['the content', { onContent: ({ from }: { from: string }) => (from === '' ? undefined : '554 5.7.1 not that') }],
  ] as const) {
    test(`5yz to ${stage} bounces to the sender, and the connection serves the next message`, async (t) => {
      const upstream = await startUpstream(t, options);
      const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 1 })));
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.deepEqual(
        upstream.received.map(({ from, to }) => [from, to]),
        [['', ['orders@shop.example']]],
      );
      assert.match(upstream.received[0]?.bytes.toString() ?? '', /Status: 5\.7\.1/);
      assert.equal(upstream.connections().total, 1);
    });

    test(`4yz to ${stage} is tried again`, async (t) => {
      let refused = 0;
      const once = (answer: string | undefined) =>
        answer === undefined || refused++ > 0 ? undefined : `4${answer.slice(1).replace(' 5.', ' 4.')}`;
      const [[name, hook]] = Object.entries(options) as [[string, (argument: never) => string | undefined]];
      const upstream = await startUpstream(t, { [name]: (argument: never) => once(hook(argument)) });
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.deepEqual(
        upstream.received.map(({ to }) => to),
        [['you@elsewhere.example']],
      );
      assert.equal(said(relay, 'deferred').length, 1);
    });
  }

  test('a refusal is not reported to a sender that only an audit let through, but logged', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to.startsWith('no@') ? '550 5.1.1 no' : undefined),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const from = 'stranger@elsewhere.example';
    await relay.spool.put(aMessage({ to: ['no@x.example'], envelope: { from }, unverifiedSender: true }), inMemory());
    await emptied(relay);
    assert.deepEqual(upstream.received, []);
    assert.deepEqual(
      said(relay, 'report withheld').map((line) => [line['from'], line['kind'], line['recipients']]),
      [[from, 'failed', 1]],
    );
  });

  test('a report that is refused makes no report', async (t) => {
    const upstream = await startUpstream(t, { onRecipient: () => '550 5.1.1 nobody' });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(said(relay, 'bounced').length, 2);
    assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'failed' }), 1);
  });

  for (const ret of [undefined, 'HDRS', 'FULL'] as const) {
    test(`8-bit content is bounced where the upstream lacks 8BITMIME, with RET ${ret}, and never sent`, async (t) => {
      const upstream = await startUpstream(t, { isEightBit: false });
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      const content = Buffer.from('From: orders@shop.example\r\nSubject: \u00e4\r\n\r\nGr\u00fc\u00dfe\r\n');
      const envelope = { eightBit: true, ...(ret === undefined ? {} : { ret }) };
      await relay.spool.put(aMessage({ content, envelope }), inMemory(content));
      await emptied(relay);
      assert.deepEqual(
        upstream.received.map(({ from }) => from),
        [''],
      );
      const report = upstream.received[0]?.bytes ?? Buffer.from('\u00e4');
      assert.match(report.toString(), /Status: 5\.6\.3/);
      assert.ok(report.every((byte) => byte < 128));
    });
  }

  test('a message larger than the upstream takes is bounced without sending it', async (t) => {
    const upstream = await startUpstream(t, { maxBytes: 100_000 });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const bytes = Buffer.alloc(200_000, 'line\r\n');
    await relay.spool.put(aMessage({ content: bytes }), inMemory(bytes));
    await emptied(relay);
    assert.match(upstream.received[0]?.bytes.toString() ?? '', /Status: 5\.3\.4/);
  });

  test('mail that expires is bounced with the last reply', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to.startsWith('orders') ? undefined : '451 4.2.0 never'),
    });
    const relay = await startDelivering(
      t,
      configured(upstream.smartHost(), {
        list: { delivery: { mode: 'Spool', maxAgeSeconds: 0.2, delayNoticeAfterSeconds: 3600 } },
      }),
    );
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.match(
      upstream.received[0]?.bytes.toString() ?? '',
      /Status: 4\.4\.7\r\nDiagnostic-Code: X-SMTP-Plus; delivery time expired; last: 451 4\.2\.0 never/,
    );
  });

  test('a delay is told once, and not to who did not ask for it', async (t) => {
    let isOpen = false;
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (isOpen || to.startsWith('orders') ? undefined : '451 4.2.0 later'),
    });
    const relay = await startDelivering(
      t,
      configured(upstream.smartHost(), {
        list: { delivery: { mode: 'Spool', maxAgeSeconds: 3600, delayNoticeAfterSeconds: 0.1 } },
      }),
    );
    await relay.spool.put(aMessage(), inMemory());
    await relay.spool.put(
      aMessage({ envelope: { recipients: [{ address: 'quiet@x.example', notify: ['FAILURE'] }] } }),
      inMemory(),
    );
    await until(() => said(relay, 'deferred').length > 14, { what: 'many attempts' });
    isOpen = true;
    await emptied(relay);
    const notices = upstream.received.filter(({ from }) => from === '');
    assert.equal(notices.length, 1);
    assert.match(
      notices[0]?.bytes.toString() ?? '',
      /Final-Recipient: rfc822; you@elsewhere\.example\r\nAction: delayed/,
    );
  });

  test('success is reported as relayed where it was asked for and the upstream does not report', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    await relay.spool.put(
      aMessage({ envelope: { recipients: [{ address: 'a@x.example', notify: ['SUCCESS'] }] } }),
      inMemory(),
    );
    await emptied(relay);
    assert.match(upstream.received[1]?.bytes.toString() ?? '', /Action: relayed\r\nStatus: 2\./);
  });
});
