/** A user with an end: the relay keeps to it by its own clock, whether or not anybody writes another configuration. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aConfig, aUser, PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain } from '../support/smtp-client.ts';
import { aClock, beginMessage, logIn, start } from './sessions.ts';

const HOUR = 3_600_000;

describe('a user with an end', () => {
  async function startWithEnd(t: Parameters<typeof start>[0]) {
    const clock = aClock();
    const expires = new Date(clock.now() + HOUR).toISOString();
    const config = aConfig({ users: { [USER]: aUser({ expires }) } });
    return { clock, server: await start(t, { config, now: clock.now }) };
  }

  test('cannot log in from then on, in the words of a wrong password; the log knows better', async (t) => {
    const { clock, server } = await startWithEnd(t);
    (await logIn(server)).destroy();
    clock.aheadMs = HOUR;
    const client = await openSecureClient(server.port, server);
    const right = await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
    const wrong = await client.ask(`AUTH PLAIN ${plain(USER, 'wrong')}`);
    assert.equal(right, wrong);
    assert.match(right, /^535 /);
    const reasons = server.lines.filter(({ msg }) => msg === 'refused').map(({ reason, user }) => [reason, user]);
    assert.deepEqual(reasons, [
      ['login_expired', USER],
      ['login_expired', USER],
    ]);
    client.destroy();
  });

  test('cannot begin another message in a session from before, and one under way is not taken', async (t) => {
    const { clock, server } = await startWithEnd(t);
    const [idle, sending] = [await logIn(server), await logIn(server)];
    await beginMessage(sending);
    clock.aheadMs = HOUR;
    assert.match(await idle.ask('MAIL FROM:<orders@shop.example>'), /^530 /);
    assert.match(await sending.ask('From: orders@shop.example\r\n\r\nhello\r\n.'), /^530 /);
    assert.deepEqual(server.accepted, []);
    for (const client of [idle, sending]) client.destroy();
  });
});
