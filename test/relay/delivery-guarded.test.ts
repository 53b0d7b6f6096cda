/** The guard of a list where its mail leaves: copies for somebody else, and mail that was queued before the guard. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { RecipientGuard, UpstreamConfig } from '../../relay/config/config.ts';
import type { Recipient } from '../../relay/message.ts';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, CONTENT, inMemory, metricValue } from '../support/queued.ts';
import { LIST } from '../support/relay-config.ts';
import { startUpstream } from '../support/upstream.ts';

const allow = [
  { recipient: '@qa.example', includeSubdomains: false },
  { recipient: 'tester@shop.example', includeSubdomains: false },
];
const REFUSE: RecipientGuard = { otherwise: 'Refuse', allow };
const CAPTURE: RecipientGuard = { otherwise: 'Capture', allow };
const REDIRECT: RecipientGuard = { otherwise: 'Redirect', allow, redirectTo: 'tester@shop.example' };

const unresolved: UpstreamConfig = { kind: 'unresolved', message: 'not yet' };
const byGuard = (recipients: RecipientGuard) => ({ list: { recipients } });

/** What the session makes of recipients by REDIRECT. */
const redirected = (...redirectedFrom: string[]): Recipient => ({ address: 'tester@shop.example', redirectedFrom });
const fields = (...addresses: string[]) => addresses.map((address) => `X-Original-To: ${address}\r\n`).join('');

describe('a redirected copy', () => {
  test('says for whom it was, to its own recipient alone', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const recipients = [{ address: 'x@qa.example' }, redirected('a@real.example', 'blind@real.example')];
    await relay.spool.put(aMessage({ envelope: { recipients } }), inMemory());
    await emptied(relay);
    const byRecipient = Object.fromEntries(upstream.received.map(({ to, bytes }) => [to.join(), bytes.toString()]));
    assert.deepEqual(byRecipient, {
      'x@qa.example': CONTENT.toString(),
      'tester@shop.example': fields('a@real.example', 'blind@real.example') + CONTENT.toString(),
    });
  });

  test('is whole where the content lies in a file', async (t) => {
    const upstream = await startUpstream(t, { maxBytes: 1_000_000 });
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const large = Buffer.concat([CONTENT, Buffer.from('line\r\n'.repeat(50_000))]);
    await relay.spool.put(
      aMessage({ content: large, envelope: { recipients: [redirected('a@real.example')] } }),
      inMemory(large),
    );
    await emptied(relay);
    assert.equal(
      upstream.received[0]?.bytes.equals(Buffer.concat([Buffer.from(fields('a@real.example')), large])),
      true,
    );
    assert.equal(upstream.received[0]?.mailParameters['SIZE'], String(large.length + fields('a@real.example').length));
  });

  test('names a hundred, and how many more there are', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const all = Array.from({ length: 103 }, (_, i) => `${i}@real.example`);
    await relay.spool.put(aMessage({ envelope: { recipients: [redirected(...all)] } }), inMemory());
    await emptied(relay);
    const text = upstream.received[0]?.bytes.toString() ?? '';
    assert.equal(text, fields(...all.slice(0, 100), 'and 3 more') + CONTENT.toString());
  });

  test('is as signed where a signature says that there is no such field', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const signed = (names: string) =>
      Buffer.concat([
        Buffer.from(`DKIM-Signature: v=1; a=rsa-sha256; d=shop.example;\r\n\th=${names};\r\n\tb=AAAA\r\n`),
        CONTENT,
      ]);
    const over = signed('from:to:\r\n\t X-Original-To');
    const other = signed('from:to');
    for (const content of [over, other]) {
      await relay.spool.put(
        aMessage({ content, envelope: { recipients: [redirected('a@real.example')] } }),
        inMemory(content),
      );
      await emptied(relay);
    }
    assert.deepEqual(
      upstream.received.map(({ bytes }) => bytes.toString()),
      [over.toString(), fields('a@real.example') + other.toString()],
    );
  });

  test('gives the upstream the original recipient for its reports', async (t) => {
    const upstream = await startUpstream(t, { isDsn: true });
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    await relay.spool.put(aMessage({ to: ['a@real.example'] }), inMemory());
    await emptied(relay);
    relay.setConfig(configured(upstream.smartHost(), byGuard(REDIRECT)));
    await relay.spool.put(aMessage({ to: ['a@real.example'] }), inMemory());
    await emptied(relay);
    assert.deepEqual(
      upstream.received.map(({ to }) => to),
      [['a@real.example'], ['tester@shop.example']],
    );
    const parameters = upstream.received[1]?.recipientParameters['tester@shop.example'];
    assert.equal(parameters?.['ORCPT'], 'rfc822;a@real.example');
  });

  test('that is refused comes back with those whom it was for', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to === 'tester@shop.example' ? '550 5.1.1 no' : undefined),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const recipients = [
      { ...redirected('a@real.example'), originalRecipient: 'rfc822;a@real.example' },
      { address: 'x@qa.example' },
    ];
    await relay.spool.put(aMessage({ envelope: { recipients } }), inMemory());
    await emptied(relay);
    assert.deepEqual(upstream.received.map(({ to }) => to.join()).toSorted(), ['orders@shop.example', 'x@qa.example']);
    const report = upstream.received.find(({ from }) => from === '')?.bytes.toString() ?? '';
    assert.match(report, /<tester@shop\.example>:\r\n {4}in place of <a@real\.example>\r\n {4}550/);
    assert.match(
      report,
      /Original-Recipient: rfc822; a@real\.example\r\nFinal-Recipient: rfc822; tester@shop\.example/,
    );
  });

  test('has a file of its own in the capture folder', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'capture' }, byGuard(REDIRECT)));
    const message = aMessage({ envelope: { recipients: [{ address: 'x@qa.example' }, redirected('a@real.example')] } });
    await relay.spool.put(message, inMemory());
    await emptied(relay);
    const read = (name: string) => readFile(path.join(relay.outbox, name), 'utf8');
    assert.equal(await read(`${message.id}.eml`), CONTENT.toString());
    assert.equal(await read(`${message.id}-redirected.eml`), fields('a@real.example') + CONTENT.toString());
  });
});

describe('mail that was queued before the guard', () => {
  const all = ['a@real.example', 'x@qa.example'];

  test('is judged before it is sent: others are refused, and the sender is told', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(unresolved));
    await relay.spool.put(aMessage({ to: all }), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it waits' });
    relay.setConfig(configured(upstream.smartHost(), byGuard(REFUSE)));
    await emptied(relay);
    assert.deepEqual(upstream.received.map(({ to }) => to.join()).toSorted(), ['orders@shop.example', 'x@qa.example']);
    const report = upstream.received.find(({ from }) => from === '')?.bytes.toString() ?? '';
    assert.match(report, /Final-Recipient: rfc822; a@real\.example\r\nAction: failed\r\nStatus: 5\.7\.1\r\n/);
    assert.match(report, /recipient not allowed by SMTP\+ list shop\/transactional; add it to spec\.recipients\.allow/);
    assert.equal(await metricValue(relay.metrics, 'guarded_recipients_total', { list: LIST, outcome: 'refused' }), 1);
  });

  test('goes to nobody where the guard allows none of its recipients', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(unresolved));
    await relay.spool.put(aMessage({ to: ['a@real.example'] }), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it waits' });
    relay.setConfig(configured(upstream.smartHost(), byGuard(REFUSE)));
    await emptied(relay);
    assert.deepEqual(
      upstream.received.map(({ from, to }) => [from, to.join()]),
      [['', 'orders@shop.example']],
    );
  });

  for (const guard of [REFUSE, CAPTURE, REDIRECT]) {
    test(`goes to nobody (${guard.otherwise}) where a field of it may name further recipients to the smart host`, async (t) => {
      const upstream = await startUpstream(t);
      const relay = await startDelivering(t, configured(unresolved));
      const content = Buffer.concat([Buffer.from('X-SMTPAPI: {"to": ["a@real.example"]}\r\n'), CONTENT]);
      await relay.spool.put(aMessage({ content, to: all }), inMemory(content));
      await until(() => said(relay, 'deferred').length > 0, { what: 'it waits' });
      relay.setConfig(configured(upstream.smartHost(), byGuard(guard)));
      await emptied(relay);
      assert.deepEqual(
        upstream.received.map(({ from, to }) => [from, to.join()]),
        [['', 'orders@shop.example']],
      );
      const report = upstream.received[0]?.bytes.toString() ?? '';
      for (const address of all) assert.ok(report.includes(`Final-Recipient: rfc822; ${address}`), address);
      assert.match(report, /X-SMTPAPI may name further recipients to the smart host/);
    });
  }

  test('is captured for others, and nobody is told that it was delivered', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(unresolved));
    const both = aMessage({ envelope: { recipients: all.map((address) => ({ address, notify: ['SUCCESS'] })) } });
    const alone = aMessage({ to: ['a@real.example'] });
    await relay.spool.put(both, inMemory());
    await relay.spool.put(alone, inMemory());
    await until(() => said(relay, 'deferred').length > 1, { what: 'they wait' });
    relay.setConfig(configured(upstream.smartHost(), byGuard(CAPTURE)));
    await emptied(relay);
    const folder = path.join(path.dirname(relay.outbox), 'spool/captured', LIST);
    const names = [both, alone].flatMap(({ id }) => [`${id}.eml`, `${id}.json`]);
    assert.deepEqual((await readdir(folder)).toSorted(), names.toSorted());
    const { recipients } = JSON.parse(await readFile(path.join(folder, `${both.id}.json`), 'utf8')) as {
      recipients: unknown;
    };
    assert.deepEqual(recipients, ['a@real.example']);
    const reports = upstream.received.filter(({ from }) => from === '').map(({ bytes }) => bytes.toString());
    assert.equal(reports.length, 1);
    assert.match(reports[0] ?? '', /Final-Recipient: rfc822; x@qa\.example/);
    assert.doesNotMatch(reports[0] ?? '', /Final-Recipient: rfc822; a@real\.example/);
  });

  test('is redirected for others', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(unresolved));
    await relay.spool.put(aMessage({ to: all }), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it waits' });
    relay.setConfig(configured(upstream.smartHost(), byGuard(REDIRECT)));
    await emptied(relay);
    assert.deepEqual(upstream.received.map(({ to }) => to.join()).toSorted(), ['tester@shop.example', 'x@qa.example']);
  });

  test('waits with its list where that is gone, whatever guard it comes back with', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(undefined));
    await relay.spool.put(aMessage({ to: ['a@real.example'] }), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it waits' });
    relay.setConfig(configured(upstream.smartHost(), byGuard(CAPTURE)));
    await emptied(relay);
    assert.deepEqual(upstream.received, []);
  });

  test('does not keep reports from their senders', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to === 'x@qa.example' ? '550 5.1.1 no' : undefined),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REFUSE)));
    await relay.spool.put(aMessage({ to: ['x@qa.example'] }), inMemory());
    await emptied(relay);
    assert.deepEqual(
      upstream.received.map(({ from, to }) => [from, to.join()]),
      [['', 'orders@shop.example']],
    );
  });

  test('from the null sender is no report: a client may send it, too', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REFUSE)));
    await relay.spool.put(aMessage({ to: ['a@real.example'], envelope: { from: '' } }), inMemory());
    await emptied(relay);
    assert.deepEqual(upstream.received, []);
  });
});

describe('passthrough with a guard', () => {
  test('sends the redirected copy and the message, and says yes after both', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const message = aMessage({ envelope: { recipients: [{ address: 'x@qa.example' }, redirected('a@real.example')] } });
    const reply = await relay.delivery.passThrough(message, inMemory());
    assert.equal(reply.code, 250);
    assert.deepEqual(
      upstream.received.map(({ to, bytes }) => [to.join(), bytes.toString()]),
      [
        ['tester@shop.example', fields('a@real.example') + CONTENT.toString()],
        ['x@qa.example', CONTENT.toString()],
      ],
    );
  });

  test('sends nothing to the others where the redirected copy is refused', async (t) => {
    const upstream = await startUpstream(t, {
      onRecipient: (to) => (to === 'tester@shop.example' ? '550 5.1.1 no' : undefined),
    });
    const relay = await startDelivering(t, configured(upstream.smartHost(), byGuard(REDIRECT)));
    const message = aMessage({ envelope: { recipients: [{ address: 'x@qa.example' }, redirected('a@real.example')] } });
    const reply = await relay.delivery.passThrough(message, inMemory());
    assert.equal(reply.code, 550);
    assert.deepEqual(upstream.received, []);
  });

  test('sends nothing where the guard became tighter while the message waited for its place', async (t) => {
    const { promise: opened, resolve: open } = Promise.withResolvers<undefined>();
    const upstream = await startUpstream(t, { onContent: () => opened });
    const smartHost = upstream.smartHost({ maxConnections: 1 });
    const relay = await startDelivering(t, configured(smartHost));
    const first = relay.delivery.passThrough(aMessage({ to: ['x@qa.example'] }), inMemory());
    await until(() => upstream.connections().open === 1, { what: 'the first is under way' });
    const second = relay.delivery.passThrough(aMessage({ to: ['a@real.example'] }), inMemory());
    relay.setConfig(configured(smartHost, byGuard(REFUSE)));
    open(undefined);
    assert.equal((await first).code, 250);
    const reply = await second;
    assert.deepEqual([reply.code, reply.reason], [451, 'recipients_changed']);
    assert.equal(upstream.received.length, 1);
  });
});
