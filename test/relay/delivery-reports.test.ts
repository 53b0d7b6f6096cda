/** Reports that a smart host does not take: the last word about a message is never lost in silence. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, inMemory, metricValue } from '../support/queued.ts';
import { startUpstream } from '../support/upstream.ts';

/** As Amazon SES: no empty sender, and none that it does not know; `no@` is nobody. */
const PARTICULAR = {
  onMail: (from: string) => (from === '' ? '501 5.1.7 Invalid MAIL FROM address provided' : undefined),
  onRecipient: (to: string) => (to.startsWith('no@') ? '550 5.1.1 no such user' : undefined),
};
const FROM_CORP = {
  mode: 'Spool',
  maxAgeSeconds: 3600,
  delayNoticeAfterSeconds: 3600,
  reportsFrom: 'bounces@corp.example',
} as const;
const LOST = 'report could not be delivered, and is kept for people';

describe('a smart host that refuses MAIL FROM:<>', () => {
  test('makes an error line, a metric and a file of each report', async (t) => {
    const upstream = await startUpstream(t, PARTICULAR);
    const relay = await startDelivering(t, configured(upstream.smartHost()));
    const message = aMessage({ to: ['no@x.example'] });
    await relay.spool.put(message, inMemory());
    await emptied(relay);
    const [line, ...others] = said(relay, LOST);
    assert.deepEqual(others, []);
    const { id, list, user } = message;
    assert.deepEqual(
      ['level', 'id', 'message', 'sender', 'list', 'user'].map((name) => line?.[name]),
      ['error', `${id}-r1`, id, 'orders@shop.example', list, user],
    );
    assert.match(String(line?.['reply']), /Invalid MAIL FROM/);
    assert.match(String(line?.['mend']), /reports\.from/);
    assert.equal(await metricValue(relay.metrics, 'reports_lost_total', { upstream: `127.0.0.1:${upstream.port}` }), 1);
    const text = await readFile(String(line?.['kept']), 'utf8');
    assert.match(text, /Final-Recipient: rfc822; no@x\.example/);
    assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'failed' }), 1);
  });

  test('gets reports from the address that the class sets, in the envelope and in From', async (t) => {
    const upstream = await startUpstream(t, PARTICULAR);
    const relay = await startDelivering(t, configured(upstream.smartHost(), { list: { delivery: FROM_CORP } }));
    await relay.spool.put(aMessage({ to: ['no@x.example'] }), inMemory());
    await emptied(relay);
    assert.deepEqual(
      upstream.received.map(({ from, to }) => [from, to]),
      [['bounces@corp.example', ['orders@shop.example']]],
    );
    assert.match(
      upstream.received[0]?.bytes.toString() ?? '',
      /^From: Mail Delivery System <bounces@corp\.example>\r$/m,
    );
    assert.deepEqual(said(relay, LOST), []);
  });

  test('hears no report about a report, whatever sender that had', async (t) => {
    const upstream = await startUpstream(t, { onRecipient: () => '550 5.1.1 nobody at all' });
    const relay = await startDelivering(t, configured(upstream.smartHost(), { list: { delivery: FROM_CORP } }));
    await relay.spool.put(aMessage(), inMemory());
    await emptied(relay);
    assert.equal(await metricValue(relay.metrics, 'bounces_total', { kind: 'failed' }), 1);
    assert.equal(said(relay, LOST).length, 1);
    assert.equal(said(relay, LOST)[0]?.['mend'], undefined);
  });
});

test('a report that expires is kept like one that is refused', async (t) => {
  const upstream = await startUpstream(t, {
    onMail: (from) => (from === '' ? '451 4.7.1 never' : undefined),
    onRecipient: () => '550 5.1.1 no',
  });
  const delivery = { mode: 'Spool', maxAgeSeconds: 0.3, delayNoticeAfterSeconds: 0.3 } as const;
  const relay = await startDelivering(t, configured(upstream.smartHost(), { list: { delivery } }));
  await relay.spool.put(aMessage(), inMemory());
  await emptied(relay);
  assert.match(String(said(relay, LOST)[0]?.['reply']), /expired; last: 451/);
});

test('a report of before a restart is still known as one', async (t) => {
  const folder = await folderOf(t);
  let isOpen = false;
  const upstream = await startUpstream(t, {
    onMail: (from) => (from === '' && !isOpen ? '451 4.7.1 later' : undefined),
    onRecipient: () => '550 5.1.1 no',
  });
  const slow = configured(upstream.smartHost(), { settings: { retryFirstSeconds: 0.5, retryMostSeconds: 0.5 } });
  const first = await startDelivering(t, slow, { folder });
  await first.spool.put(aMessage(), inMemory());
  await first.delivery.drain(5000);
  await first.delivery.close();
  isOpen = true;
  const second = await startDelivering(t, slow, { folder });
  await emptied(second);
  assert.equal(said(second, LOST).length, 1);
});

test('a report that cannot even be kept leaves the spool with an error line', async (t) => {
  const folder = await folderOf(t);
  const upstream = await startUpstream(t, PARTICULAR);
  const relay = await startDelivering(t, configured(upstream.smartHost()), { folder });
  const reports = path.join(folder, 'spool', 'reports');
  await rm(reports, { recursive: true });
  await writeFile(reports, 'a file where the folder was');
  await relay.spool.put(aMessage({ to: ['no@x.example'] }), inMemory());
  await emptied(relay);
  const [line] = said(relay, 'report could not be delivered, nor kept');
  assert.equal(line?.['sender'], 'orders@shop.example');
  assert.ok(line?.['err'] instanceof Object);
});
