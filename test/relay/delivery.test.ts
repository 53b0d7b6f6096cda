import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { aTemporaryFolder, closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { aMessage, CONTENT, eventually, inMemory, metricValue } from '../support/queued.ts';
import { aList, LIST } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

describe('delivery to a smart host', () => {
  for (const tls of ['StartTLS', 'Implicit', 'None'] as const) {
    test(`arrives octet for octet with tls ${tls} and credentials`, async (t) => {
      const credentials = { username: 'relay', password: 'secret word' };
      const upstream = await startUpstream(t, { tls, credentials });
      const relay = await startDelivering(t, configured(upstream.smartHost({ host: 'localhost' })));
      const message = aMessage({ to: ['a@x.example', 'b@y.example'] });
      await relay.spool.put(message, inMemory());
      await emptied(relay);
      assert.equal(upstream.received.length, 1);
      const [got] = upstream.received;
      assert.deepEqual(got?.bytes, CONTENT);
      assert.deepEqual([got?.from, got?.to], ['orders@shop.example', ['a@x.example', 'b@y.example']]);
      assert.deepEqual([got?.user, got?.isSecure], ['relay', tls !== 'None']);
      assert.deepEqual(
        said(relay, 'delivered').map(({ id, list, recipients, attempt }) => ({ id, list, recipients, attempt })),
        [{ id: message.id, list: LIST, recipients: 2, attempt: 1 }],
      );
      const label = `localhost:${upstream.port}`;
      assert.equal(await metricValue(relay.metrics, 'deliveries_total', { upstream: label, result: 'delivered' }), 2);
    });
  }

  test('a large content goes from its file, with every dot and every octet', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const bytes = Buffer.concat([
      CONTENT,
      Buffer.from(`..dots\r\n.\r\n\r\n${'text '.repeat(15)}\r\n`.repeat(2000)),
      Buffer.from([0xc3, 0xa4, 13, 10]),
    ]);
    await relay.spool.put(aMessage({ content: bytes, envelope: { eightBit: true } }), inMemory(bytes));
    await emptied(relay);
    assert.ok(upstream.received[0]?.bytes.equals(bytes));
    assert.equal(upstream.received[0]?.mailParameters['BODY'], '8BITMIME');
  });

  test('connections are kept for the next message, and given up after as many as the upstream wants', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(
      t,
      configured(upstream.smartHost({ maxConnections: 1, messagesPerConnection: 4 })),
    );
    for (let i = 0; i < 8; i++) await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(upstream.received.length, 8);
    assert.deepEqual([upstream.connections().total, upstream.connections().most], [2, 1]);
  });

  test('no more connections than maxConnections are open at once', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 3 })));
    await Promise.all(Array.from({ length: 60 }, () => relay.spool.put(aMessage(), inMemory())));
    await emptied(relay);
    assert.equal(upstream.received.length, 60);
    assert.ok(upstream.connections().most <= 3, `${upstream.connections().most} were open`);
  });

  test('nothing is sent where STARTTLS is required and not offered, and the password stays here', async (t) => {
    const raw = await startRawUpstream(t, {
      answer: ordinaryAnswers((line) => (line === 'STARTTLS' ? '502 no' : undefined)),
    });
    const relay = await startDelivering(
      t,
      configured(aSmartHost(raw.port, { tls: 'StartTLS', username: 'u', password: 'secret word' })),
    );
    await relay.spool.put(aMessage(), inMemory());
    await eventually('it is deferred', () => said(relay, 'deferred').length > 0);
    assert.deepEqual(
      raw.lines.filter((line) => /^(AUTH|MAIL|RCPT|DATA)/.test(line)),
      [],
    );
    assert.equal(relay.left().length, 1);
  });

  test('opportunistic TLS goes on without TLS, but not with a password', async (t) => {
    const plain = await startUpstream(t);
    const relay = await startDelivering(t, configured(plain.smartHost({ tls: 'Opportunistic' })));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(plain.received[0]?.isSecure, false);
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    relay.setConfig(configured(aSmartHost(raw.port, { tls: 'Opportunistic', username: 'u', password: 'secret word' })));
    await relay.spool.put(aMessage(), inMemory());
    await eventually('it is deferred', () => said(relay, 'deferred').length > 0);
    assert.deepEqual(
      raw.lines.filter((line) => /^(AUTH|MAIL)/.test(line)),
      [],
    );
  });

  for (const [what, overrides] of [
    ['by another CA', { ca: undefined }],
    ['for another name', { serverName: 'other.example' }],
  ] as const) {
    test(`a certificate ${what} is not accepted`, async (t) => {
      const upstream = await startUpstream(t, { tls: 'StartTLS' });
      const { ca, ...host } = upstream.smartHost();
      const relay = await startDelivering(
        t,
        configured({ ...host, ...('ca' in overrides ? {} : { ca, ...overrides }) }),
      );
      await relay.spool.put(aMessage(), inMemory());
      await eventually('it is deferred', () => said(relay, 'deferred').length > 0);
      assert.deepEqual(upstream.received, []);
      assert.equal(relay.left().length, 1);
    });
  }

  test('a refused log-in defers, and what the upstream repeats of the password is not logged', async (t) => {
    const upstream = await startUpstream(t, { tls: 'StartTLS', credentials: { username: 'u', password: 'right' } });
    const relay = await startDelivering(t, configured(upstream.smartHost({ password: 'wrong-secret' })));
    await relay.spool.put(aMessage(), inMemory());
    await eventually('it is deferred', () => said(relay, 'deferred').length > 0);
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /log-in refused with 535/);
    assert.ok(!JSON.stringify(relay.lines).includes('wrong-secret'));
  });

  test('DSN parameters go on to an upstream that knows them, each recipient with its own', async (t) => {
    const upstream = await startUpstream(t, { isDsn: true });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    await relay.spool.put(
      aMessage({
        envelope: {
          ret: 'HDRS',
          envelopeId: 'QQ+2B314',
          recipients: [
            { address: 'a@x.example', notify: ['SUCCESS', 'FAILURE'], originalRecipient: 'rfc822;a+2Bb@x.example' },
            { address: 'b@x.example', notify: ['NEVER'] },
            { address: 'c@x.example' },
          ],
        },
      }),
      inMemory(),
    );
    await emptied(relay);
    assert.deepEqual(upstream.received.map(({ to }) => to.join()).sort(), [
      'a@x.example',
      'b@x.example',
      'c@x.example',
    ]);
    const parameters = Object.assign({}, ...upstream.received.map((one) => one.recipientParameters)) as Record<
      string,
      Record<string, unknown>
    >;
    assert.equal(parameters['a@x.example']?.['NOTIFY'], 'SUCCESS,FAILURE');
    assert.equal(parameters['a@x.example']?.['ORCPT'], 'rfc822;a+b@x.example');
    assert.equal(parameters['b@x.example']?.['NOTIFY'], 'NEVER');
    assert.equal(parameters['c@x.example']?.['NOTIFY'], undefined);
    assert.deepEqual(
      [upstream.received[0]?.mailParameters['RET'], upstream.received[0]?.mailParameters['ENVID']],
      ['HDRS', 'QQ+314'],
    );
  });
});

describe('one message with an ORCPT for each of 50 recipients', () => {
  const addresses = Array.from({ length: 50 }, (_, i) => `r${i}@x.example`);
  for (const [what, isDsn, prefix, transactions] of [
    ['goes out once where each repeats its recipient', true, '', 1],
    ['goes out once where the upstream has no DSN', false, 'other-', 1],
    ['goes out eleven times at most where each is another', true, 'other-', 11],
  ] as const) {
    test(what, async (t) => {
      const upstream = await startUpstream(t, { isDsn });
      const relay = await startDelivering(t, configured(upstream.smartHost()));
      const recipients = addresses.map((address) => ({ address, originalRecipient: `rfc822;${prefix}${address}` }));
      await relay.spool.put(aMessage({ envelope: { recipients } }), inMemory());
      await emptied(relay);
      assert.equal(upstream.received.length, transactions);
      assert.deepEqual(upstream.received.flatMap(({ to }) => to).sort(), addresses.toSorted());
      assert.deepEqual([...new Set(said(relay, 'delivered').map(({ attempt }) => attempt))], [1]);
    });
  }
});

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
    await eventually('many attempts', () => said(relay, 'deferred').length > 14);
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

describe('routing', () => {
  test('queued mail goes where its list leads now', async (t) => {
    const dead = await closedPort();
    const upstream = await startUpstream(t);
    const relay = await startDelivering(
      t,
      configured(aSmartHost(dead), { settings: { retryFirstSeconds: 3600, retryMostSeconds: 3600 } }),
    );
    for (let i = 0; i < 6; i++) await relay.spool.put(aMessage(), inMemory());
    await eventually('some are deferred', () => said(relay, 'deferred').length >= 3);
    relay.setConfig(configured(upstream.smartHost()));
    await emptied(relay);
    assert.equal(upstream.received.length, 6);
  });

  test('mail of a list whose upstream is not resolved, or that is gone, waits and says why', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(
      t,
      configured({ kind: 'unresolved', message: 'Secret shop/smarthost not found' }),
    );
    await relay.spool.put(aMessage(), inMemory());
    await relay.spool.put(aMessage({ list: 'gone/list' }), inMemory());
    await eventually('both are deferred', () => new Set(said(relay, 'deferred').map(({ id }) => id)).size === 2);
    assert.deepEqual([...new Set(said(relay, 'deferred').map(({ reply }) => String(reply)))].sort(), [
      'Secret shop/smarthost not found',
      'list gone/list is not in the configuration',
    ]);
    relay.setConfig(
      configured(upstream.smartHost(), { others: { 'gone/list': aList({ upstream: upstream.smartHost() }) } }),
    );
    await emptied(relay);
    assert.equal(upstream.received.length, 2);
  });
});

describe('the capture upstream', () => {
  test('writes the content octet for octet and the envelope beside it', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'capture' }));
    const message = aMessage({ to: ['a@x.example', 'b@x.example'] });
    await relay.spool.put(message, inMemory());
    await emptied(relay);
    assert.deepEqual((await readdir(relay.outbox)).sort(), [`${message.id}.eml`, `${message.id}.json`]);
    assert.deepEqual(await readFile(path.join(relay.outbox, `${message.id}.eml`)), CONTENT);
    assert.deepEqual(JSON.parse(await readFile(path.join(relay.outbox, `${message.id}.json`), 'utf8')), {
      id: message.id,
      time: message.received,
      user: message.user,
      list: message.list,
      from: 'orders@shop.example',
      recipients: ['a@x.example', 'b@x.example'],
    });
  });

  test('names a recipient once when its message comes again after a crash', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'capture' }));
    const message = aMessage({ to: ['a@x.example', 'b@x.example'] });
    for (let i = 0; i < 2; i++) {
      await relay.spool.put(message, inMemory());
      await emptied(relay);
    }
    const envelope = JSON.parse(await readFile(path.join(relay.outbox, `${message.id}.json`), 'utf8')) as object;
    assert.deepEqual('recipients' in envelope && envelope.recipients, ['a@x.example', 'b@x.example']);
  });

  test('provokes what an upstream can do wrong', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'capture' }, { settings: { commandSeconds: 0.1 } }));
    const to = ['ok@x.example', 'tempfail-2@x.example', 'permfail@x.example'];
    const message = aMessage({ to });
    await relay.spool.put(message, inMemory());
    const lost = aMessage({ to: ['disconnect@x.example'] });
    const silent = aMessage({ to: ['hang@x.example'] });
    await relay.spool.put(lost, inMemory());
    await relay.spool.put(silent, inMemory());
    await eventually('the rest waits', () => relay.left().length === 2);
    await eventually('both were tried', () => new Set(said(relay, 'deferred').map(({ id }) => id)).size === 3);
    const envelope = JSON.parse(await readFile(path.join(relay.outbox, `${message.id}.json`), 'utf8')) as {
      recipients: string[];
    };
    assert.deepEqual(envelope.recipients, ['ok@x.example', 'tempfail-2@x.example']);
    const bounce = await readFile(path.join(relay.outbox, `${message.id}-r1.eml`), 'utf8');
    assert.match(bounce, /Final-Recipient: rfc822; permfail@x\.example\r\nAction: failed\r\nStatus: 5\.1\.1/);
    assert.deepEqual(relay.left().sort(), [lost.id, silent.id].sort());
  });
});

describe('ending', () => {
  test('drain delivers what can go out now and leaves the rest on disk for the next start', async (t) => {
    const folder = await aTemporaryFolder(t);
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to.startsWith('later') ? '451 4.2.0 not now' : undefined),
    });
    const config = configured(upstream.smartHost(), { settings: { retryFirstSeconds: 3600, retryMostSeconds: 3600 } });
    const first = await startDelivering(t, config, { folder });
    const later = aMessage({ to: ['later@x.example'] });
    await first.spool.put(later, inMemory());
    for (let i = 0; i < 30; i++) await first.spool.put(aMessage(), inMemory());
    await first.delivery.drain(5000);
    assert.equal(upstream.received.length, 30);
    await first.delivery.close();
    const second = await startDelivering(t, config, { folder });
    assert.deepEqual(second.left(), [later.id]);
  });

  test('drain breaks off at its deadline, and what was under way is as it was', async (t) => {
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers((line) => (line === '.' ? '' : undefined)) });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port), { settings: { finalDotSeconds: 600 } }));
    const message = aMessage();
    await relay.spool.put(message, inMemory());
    await eventually('the content was sent', () => raw.lines.includes('.'));
    await relay.delivery.drain(50);
    assert.deepEqual(relay.left(), [message.id]);
    assert.equal((await relay.spool.read(message.id))?.queued.attempts, 0);
  });
});

describe('passthrough', () => {
  test('says yes only after the upstream said yes, and puts nothing on disk', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const reply = await relay.delivery.passThrough(aMessage(), inMemory());
    assert.deepEqual([reply.code, reply.reason], [250, 'accepted']);
    assert.deepEqual(upstream.received[0]?.bytes, CONTENT);
    assert.deepEqual(relay.left(), []);
  });

  test('says what the upstream said, and sends to nobody where one recipient is refused', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to.startsWith('no@') ? '550 5.1.1 no such user' : undefined),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const reply = await relay.delivery.passThrough(aMessage({ to: ['yes@x.example', 'no@x.example'] }), inMemory());
    assert.equal(reply.code, 550);
    assert.match(reply.lines[0], /no@x\.example: .*no such user/);
    assert.deepEqual(upstream.received, []);
    const second = await relay.delivery.passThrough(aMessage({ to: ['yes@x.example'] }), inMemory());
    assert.equal(second.code, 250);
    const replies = (name: string) =>
      metricValue(relay.metrics, 'upstream_replies_total', { upstream: `127.0.0.1:${upstream.port}`, class: name });
    assert.deepEqual([await replies('5yz'), await replies('2yz')], [2, 1]);
  });

  test('waits for a place at the upstream, and hears at once when the relay ends', async (t) => {
    const { promise: opened, resolve: open } = Promise.withResolvers<undefined>();
    const upstream = await startUpstream(t, { onContent: () => opened });
    const relay = await startDelivering(t, configured(upstream.smartHost({ maxConnections: 1 })));
    const first = relay.delivery.passThrough(aMessage(), inMemory());
    const second = relay.delivery.passThrough(aMessage(), inMemory());
    open(undefined);
    assert.deepEqual([(await first).code, (await second).code], [250, 250]);
    assert.equal(upstream.connections().most, 1);
    const silent = await startRawUpstream(t, { greet: () => {} });
    relay.setConfig(configured(aSmartHost(silent.port, { maxConnections: 1 }), { settings: { connectSeconds: 60 } }));
    const replies = Promise.all([1, 2, 3].map(() => relay.delivery.passThrough(aMessage(), inMemory())));
    await eventually('one is under way', () => silent.connections() === 1);
    await relay.delivery.close();
    assert.deepEqual(
      (await replies).map(({ code }) => code),
      [451, 451, 451],
    );
  });

  test('says 451 where there is no upstream', async (t) => {
    const relay = await startDelivering(t, configured(aSmartHost(await closedPort())));
    const reply = await relay.delivery.passThrough(aMessage(), inMemory());
    assert.deepEqual([reply.code, reply.reason], [451, 'upstream_unavailable']);
  });
});
