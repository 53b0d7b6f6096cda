/** What a session makes of international mail, for the spool and from it again. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { createLog } from '../../relay/observe/log.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { logIn, start } from './sessions.ts';

/** As the wire has it. */
const octets = (text: string) => Buffer.from(text).toString('latin1');

describe('a session that asks for SMTPUTF8', () => {
  const taken = async (t: Parameters<typeof start>[0], parameters: string, header: string) => {
    const server = await start(t);
    const client = await logIn(server);
    assert.match(await client.ask(octets(`MAIL FROM:<orders@shop.example>${parameters}`)), /^250 /);
    assert.match(await client.ask('RCPT TO:<a@b.example>'), /^250 /);
    await client.ask('DATA');
    await client.send(octets(`${header}\r\n\r\nтело\r\n.\r\n`));
    assert.match(await client.reply(), /^250 /);
    const [message] = server.accepted;
    return { server, message, content: Buffer.from(await server.contentOf(message), 'latin1').toString() };
  };

  test('has the spool remember that its header is in UTF-8, and Received say how it came', async (t) => {
    const { message, content } = await taken(t, ' SMTPUTF8', 'From: orders@shop.example\r\nSubject: жук');
    assert.deepEqual([message?.envelope.hasUtf8Header, message?.envelope.eightBit], [true, true]);
    assert.match(content, / with UTF8SMTPSA /);
    assert.ok(content.endsWith('\r\nSubject: жук\r\n\r\nтело\r\n'));
  });

  test('leaves a message alone that is international in its body only', async (t) => {
    const { message } = await taken(t, ' SMTPUTF8', 'From: orders@shop.example');
    assert.equal(message?.envelope.hasUtf8Header, undefined);
  });

  test('without that, has octets in its header that nobody calls UTF-8', async (t) => {
    const { message, content } = await taken(t, '', 'From: orders@shop.example\r\nSubject: жук');
    assert.deepEqual([message?.envelope.hasUtf8Header, message?.envelope.eightBit], [undefined, true]);
    assert.match(content, / with ESMTPSA /);
  });

  test('gives a domain out in A-labels, and the part before the at sign composed for a sender, as written for a recipient', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask(octets('MAIL FROM:<Cafe\u0301@SHOP.example> SMTPUTF8'));
    await client.ask(octets('RCPT TO:<Cafe\u0301@Bücher.example>'));
    await client.ask(octets('RCPT TO:<Caf\u00e9@xn--bcher-kva.example>'));
    await client.ask('DATA');
    await client.send(octets('From: Caf\u00e9@shop.example\r\n\r\n.\r\n'));
    assert.match(await client.reply(), /^250 /);
    const { from, recipients } = server.accepted[0]?.envelope ?? {};
    assert.equal(from, 'Caf\u00e9@shop.example');
    // the same recipient twice is one: the last form counts
    assert.deepEqual(
      recipients?.map(({ address }) => address),
      ['Caf\u00e9@xn--bcher-kva.example'],
    );
  });
});

test('the spool has international addresses after a restart as they were', async (t) => {
  const folder = await folderOf(t);
  const parts = { metrics: createMetrics(), log: createLog({ write: () => {} }), reserveBytes: () => 0 };
  const message = aMessage({
    to: ['сова@b.example', '😀@b.example'],
    envelope: { from: 'жук@shop.example', hasUtf8Header: true },
  });
  const before = await openSpool(folder, parts);
  await before.put(message, inMemory());
  await before.close();
  const after = await openSpool(folder, parts);
  t.after(async () => {
    await after.close();
    await rm(folder, { recursive: true, force: true });
  });
  const found = await after.read(message.id);
  assert.deepEqual(found?.queued.envelope, { from: 'жук@shop.example', eightBit: false, hasUtf8Header: true });
  assert.deepEqual(found.queued.pending, message.envelope.recipients);
});
