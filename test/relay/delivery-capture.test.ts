import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createCapture } from '../../relay/delivery/capture.ts';
import { closedPort, configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, CONTENT, inMemory } from '../support/queued.ts';
import { aList } from '../support/relay-config.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

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

  test('ends a hang by itself, as a time-out', async (t) => {
    const capture = createCapture(await folderOf(t), { hangSeconds: 0.05 });
    const message = { ...aMessage(), recipients: [{ address: 'hang@x.example' }], content: inMemory(), attempts: 0 };
    const result = await capture.deliver(message, new AbortController().signal);
    assert.match(JSON.stringify(result.kind === 'answered' && [...result.verdicts]), /timed out/);
  });

  test('provokes what an upstream can do wrong', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'capture' }));
    const to = ['ok@x.example', 'tempfail-2@x.example', 'permfail@x.example'];
    const message = aMessage({ to });
    await relay.spool.put(message, inMemory());
    const lost = aMessage({ to: ['disconnect@x.example'] });
    const silent = aMessage({ to: ['hang-0@x.example'] });
    await relay.spool.put(lost, inMemory());
    await relay.spool.put(silent, inMemory());
    await until(() => relay.left().length === 2, { what: 'the rest waits' });
    await until(() => new Set(said(relay, 'deferred').map(({ id }) => id)).size === 3, { what: 'both were tried' });
    const envelope = JSON.parse(await readFile(path.join(relay.outbox, `${message.id}.json`), 'utf8')) as {
      recipients: string[];
    };
    assert.deepEqual(envelope.recipients, ['ok@x.example', 'tempfail-2@x.example']);
    const bounce = await readFile(path.join(relay.outbox, `${message.id}-r1.eml`), 'utf8');
    assert.match(bounce, /Final-Recipient: rfc822; permfail@x\.example\r\nAction: failed\r\nStatus: 5\.1\.1/);
    assert.deepEqual(relay.left().sort(), [lost.id, silent.id].sort());
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
    await until(() => said(relay, 'deferred').length >= 3, { what: 'some are deferred' });
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
    await until(() => new Set(said(relay, 'deferred').map(({ id }) => id)).size === 2, { what: 'both are deferred' });
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

describe('ending', () => {
  test('drain delivers what can go out now and leaves the rest on disk for the next start', async (t) => {
    const folder = await folderOf(t);
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
    await until(() => raw.lines.includes('.'), { what: 'the content was sent' });
    await relay.delivery.drain(50);
    assert.deepEqual(relay.left(), [message.id]);
    assert.equal((await relay.spool.read(message.id))?.queued.attempts, 0);
  });
});
