/** Signing from the octets of a session to what the upstream gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createBodyHash } from '../../relay/dkim/body-hash.ts';
import { configured, emptied, startDelivering } from '../support/delivering.ts';
import { aSigner, verifiedByMailauth } from '../support/dkim.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aConfig } from '../support/relay-config.ts';
import { startUpstream } from '../support/upstream.ts';
import { beginMessage, logIn, start } from './sessions.ts';

const { signer, records } = aSigner();
const dkim = { 'shop/shop-example': signer };
const PASS = ['rsa-sha256 shop.example pass', 'ed25519-sha256 shop.example pass'];
const HEADER = 'From: orders@shop.example\r\nBcc: a@b.example\r\nSubject: hi\r\n\r\n';

function hashOf(body: string): string {
  const hash = createBodyHash();
  hash.push(Buffer.from(body, 'latin1'));
  return hash.digest();
}

describe('a message on its way in', () => {
  for (const [how, body] of [
    ['in memory', '..\r\ntwo  spaces\xff \r\n\r\n'],
    ['in a file', '..\r\nline  \xff\r\n'.repeat(50_000)],
    ['without a body', ''],
  ] as const) {
    test(`has its body hashed as it comes, for a user whose mail is signed: ${how}`, async (t) => {
      const server = await start(t, { config: aConfig({ dkim }) });
      const client = await logIn(server);
      await beginMessage(client);
      await client.send(`${HEADER}${body.replaceAll(/^\./gm, '..')}.\r\n`);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      assert.equal(server.accepted[0]?.bodyHash, hashOf(body));
      const queued = await server.spool.read(server.accepted[0]?.id ?? '');
      assert.equal(queued?.queued.bodyHash, hashOf(body));
    });
  }

  test('has nothing hashed for a user whose mail is not', async (t) => {
    for (const config of [aConfig(), aConfig({ dkim: { 'else/else': signer } })]) {
      const server = await start(t, { config });
      const client = await logIn(server);
      await beginMessage(client);
      await client.send(`${HEADER}hi\r\n.\r\n`);
      assert.match(await client.reply(), /^250 2\.0\.0 /);
      assert.equal(server.accepted[0]?.bodyHash, undefined);
    }
  });
});

describe('a message on its way out', () => {
  test('is signed in each attempt, and stays unsigned in the spool', async (t) => {
    const answers = ['451 4.3.0 later', undefined];
    const upstream = await startUpstream(t, { onRecipient: () => answers.shift() });
    const relay = await startDelivering(t, {
      ...configured(upstream.smartHost()),
      dkim: new Map(Object.entries(dkim)),
    });
    const content = Buffer.from(`${HEADER}hi\r\n`);
    await relay.spool.put(aMessage({ content }), inMemory(content));
    await emptied(relay);
    const [received] = upstream.received;
    assert.deepEqual(await verifiedByMailauth(received?.bytes ?? content, records), PASS);
  });

  test('is signed where it passes through', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, {
      ...configured(upstream.smartHost()),
      dkim: new Map(Object.entries(dkim)),
    });
    const content = Buffer.from(`${HEADER}hi\r\n`);
    const reply = await relay.delivery.passThrough(aMessage({ content }), inMemory(content));
    assert.equal(reply.code, 250);
    assert.deepEqual(await verifiedByMailauth(upstream.received[0]?.bytes ?? content, records), PASS);
  });

  test('is signed for those whom it was redirected to, below what we add for them', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startDelivering(t, {
      ...configured(upstream.smartHost()),
      dkim: new Map(Object.entries(dkim)),
    });
    const content = Buffer.from(`${HEADER}hi\r\n`);
    const recipients = [{ address: 'team@shop.example', redirectedFrom: ['you@else.example'] }];
    await relay.spool.put(aMessage({ content, envelope: { recipients } }), inMemory(content));
    await emptied(relay);
    const bytes = upstream.received[0]?.bytes ?? content;
    assert.match(bytes.toString(), /^X-Original-To: you@else\.example\r\nDKIM-Signature/);
    assert.deepEqual(await verifiedByMailauth(bytes, records), PASS);
  });

  test('goes as it is once its sender is not verified any more', async (t) => {
    const upstream = await startUpstream(t, { onRecipient: () => undefined });
    const config = configured(upstream.smartHost());
    const relay = await startDelivering(t, { ...config, namespaces: new Map(), dkim: new Map(Object.entries(dkim)) });
    const content = Buffer.from(`${HEADER}hi\r\n`);
    await relay.spool.put(aMessage({ content }), inMemory(content));
    await emptied(relay);
    assert.deepEqual(upstream.received[0]?.bytes, content);
  });
});
