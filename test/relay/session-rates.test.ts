/** Sending rates where a message comes to its end in more than one way at once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/eventually.ts';
import { aConfig, aUser, PASSWORD, USER, VERIFIER } from '../support/relay-config.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';
import { filler } from './sessions.ts';
import { sha256Verifier } from '../../relay/password-hash.ts';

describe('a password that is rotated while a large message comes in', () => {
  test('ends the message, which frees nothing of what other messages took', async (t) => {
    const limits = { messagesPerHour: 2 };
    const rotated = aConfig({ users: { [USER]: aUser({ limits }) } });
    const credentials = [{ verifier: VERIFIER }, { verifier: sha256Verifier('the one before', Buffer.alloc(16, 8)) }];
    const server = await startSubmission({ config: aConfig({ users: { [USER]: aUser({ limits, credentials }) } }) });
    t.after(() => server.stop());
    const stays = await openSecureClient(server.port, server);
    const ends = await openSecureClient(server.port, server);
    assert.match(await stays.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`), /^235 /);
    assert.match(await ends.ask(`AUTH PLAIN ${plain(USER, 'the one before')}`), /^235 /);
    for (const client of [stays, ends]) {
      await client.ask('MAIL FROM:<orders@shop.example>');
      await client.ask('RCPT TO:<a@b.example>');
      assert.match(await client.ask('DATA'), /^354 /);
    }
    await stays.send('From: orders@shop.example\r\n\r\nbody\r\n.\r\n');
    assert.match(await stays.reply(), /^250 /);
    server.config = rotated;
    await ends.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}\r\n.\r\n`);
    assert.match(await ends.reply(), /^530 /);
    await until(() => server.server.inFlight() === 0);
    assert.match(await stays.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    const another = await openSecureClient(server.port, server);
    await another.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
    assert.match(await another.ask('MAIL FROM:<orders@shop.example>'), /^450 /);
  });
});
