/** Recipients go on as they came (RFC 5321 section 4.1.2), whatever their form. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { configured, emptied, startDelivering } from '../support/delivering.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

const UNUSUAL = [
  '"foo..bar"@docomo.ne.jp',
  'foo..bar@docomo.ne.jp',
  String.raw`"say \"hi\" \\ "@C.example`,
  '" "@c.example',
  'a@[192.0.2.1]',
  'a@[IPv6:2001:db8::1]',
  'a@mailhost',
  'PostMaster',
];

test('to a smart host', async (t) => {
  const raw = await startRawUpstream(t, {
    answer: ordinaryAnswers(),
  });
  const relay = await startDelivering(t, configured(aSmartHost(raw.port)));
  await relay.spool.put(aMessage({ id: 'A1', to: UNUSUAL }), inMemory());
  await emptied(relay);
  assert.deepEqual(
    raw.lines.filter((line) => line.startsWith('RCPT')),
    UNUSUAL.map((address) => `RCPT TO:<${address}>`),
  );
});

test('into the capture folder', async (t) => {
  const relay = await startDelivering(t, configured({ kind: 'capture' }));
  await relay.spool.put(aMessage({ id: 'A1', to: UNUSUAL }), inMemory());
  await emptied(relay);
  const envelope: unknown = JSON.parse(await readFile(path.join(relay.outbox, 'A1.json'), 'utf8'));
  assert.deepEqual((envelope as { recipients: string[] }).recipients, UNUSUAL);
});

test('in reports about them', async (t) => {
  const raw = await startRawUpstream(t, {
    answer: ordinaryAnswers((line) => {
      return line.startsWith('RCPT') && !line.includes('orders@') ? '550 5.1.1 nobody' : undefined;
    }),
  });
  const relay = await startDelivering(t, configured(aSmartHost(raw.port)));
  await relay.spool.put(aMessage({ to: UNUSUAL }), inMemory());
  await emptied(relay);
  for (const address of UNUSUAL) assert.ok(raw.lines.includes(`Final-Recipient: rfc822; ${address}`), address);
});
