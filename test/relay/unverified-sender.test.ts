import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aConfig, aList, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';

test('a message carries into the spool that only an audit let its envelope sender through', async (t) => {
  const senderPolicy = { ...aList().senderPolicy, envelopeFrom: 'Audit', nullSender: 'Allow' } as const;
  const server = await startSubmission({ config: aConfig({ lists: { [LIST]: aList({ senderPolicy }) } }) });
  t.after(() => server.stop());
  const client = await openSecureClient(server.port, server);
  assert.match(await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
  for (const from of ['stranger@elsewhere.example', 'orders@shop.example', '']) {
    await client.ask(`MAIL FROM:<${from}>`);
    await client.ask('RCPT TO:<a@b.example>');
    await client.ask('DATA');
    await client.send('From: orders@shop.example\r\n\r\nbody\r\n.\r\n');
    assert.match(await client.reply(), /^250 /);
  }
  const stored = await Promise.all(server.accepted.map(({ id }) => server.spool.read(id)));
  assert.deepEqual(
    stored.map((one) => [one?.queued.envelope.from, one?.queued.unverifiedSender]),
    [
      ['stranger@elsewhere.example', true],
      ['orders@shop.example', undefined],
      ['', undefined],
    ],
  );
});
