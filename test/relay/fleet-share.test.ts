/** Limits of a user on one of several relays. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Limits } from '../../relay/config/config.ts';
import { aClass, aConfig, aUser, PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';

interface Limited {
  readonly relays: number;
  readonly limits?: Partial<Limits>;
  readonly failedLogins?: number;
}

const configOf = ({ relays, limits = {}, failedLogins = 10 }: Limited) =>
  aConfig({ relayClass: aClass({ relays, session: { failedLogins } }), users: { [USER]: aUser({ limits }) } });

async function start(t: TestContext, limited: Limited) {
  const server = await startSubmission({ config: configOf(limited) });
  t.after(() => server.stop());
  return server;
}

const logIn = (client: SmtpClient, password = PASSWORD) => client.ask(`AUTH PLAIN ${plain(USER, password)}`);

async function sends(client: SmtpClient, recipients = 1): Promise<string> {
  const answer = await client.ask('MAIL FROM:<orders@shop.example>');
  if (!answer.startsWith('250')) return answer;
  for (let i = 0; i < recipients; i++) {
    const said = await client.ask(`RCPT TO:<r${i}@elsewhere.example>`);
    if (!said.startsWith('250')) return said;
  }
  await client.ask('DATA');
  return client.ask('From: orders@shop.example\r\n\r\nhello\r\n.');
}

describe('one of several relays', () => {
  test('allows its share of an hour’s messages, says so, and takes up another number of relays in open sessions', async (t) => {
    const limits = { messagesPerHour: 4 };
    const server = await start(t, { relays: 2, limits });
    const client = await openSecureClient(server.port, server);
    await logIn(client);
    for (let i = 0; i < 2; i++) assert.match(await sends(client), /^250 /);
    assert.match(
      await sends(client),
      /^450 4\.7\.1 Sending limit of SMTP\+ user orders\.shop reached \(1\/2 of it at this one of 2 relays\), retry after \d+ s/,
    );
    server.config = configOf({ relays: 1, limits });
    for (let i = 0; i < 2; i++) assert.match(await sends(client), /^250 /);
    assert.match(await sends(client), /^450 4\.7\.1 Sending limit of SMTP\+ user orders\.shop reached, retry/);
    server.config = configOf({ relays: 4, limits });
    assert.match(await sends(client), /^450 /);
  });

  test('lets one message through where the limit is one and there are more relays', async (t) => {
    const server = await start(t, { relays: 3, limits: { messagesPerHour: 1 } });
    const client = await openSecureClient(server.port, server);
    await logIn(client);
    assert.match(await sends(client), /^250 /);
    assert.match(await sends(client), /^450 /);
  });

  test('allows its share of a day’s recipients, rounded up', async (t) => {
    const server = await start(t, { relays: 2, limits: { recipientsPerDay: 5 } });
    const client = await openSecureClient(server.port, server);
    await logIn(client);
    assert.match(await sends(client, 3), /^250 /);
    assert.match(await sends(client), /^450 4\.7\.1 .*1\/2 of it/);
  });

  test('allows all of a month’s messages, which the operator adds up', async (t) => {
    const server = await start(t, { relays: 2, limits: { messagesPerMonth: 2 } });
    const client = await openSecureClient(server.port, server);
    await logIn(client);
    for (let i = 0; i < 2; i++) assert.match(await sends(client), /^250 /);
    assert.match(await sends(client), /^450 /);
  });

  test('allows its share of connections', async (t) => {
    const server = await start(t, { relays: 2, limits: { connections: 3 } });
    const answers: string[] = [];
    for (let i = 0; i < 3; i++) answers.push(await logIn(await openSecureClient(server.port, server)));
    assert.deepEqual(
      answers.map((answer) => answer.slice(0, 3)),
      ['235', '235', '421'],
    );
  });

  test('locks out after its share of failed log-ins, though not for the first slip or two', async (t) => {
    const server = await start(t, { relays: 10, failedLogins: 10 });
    const answers: string[] = [];
    for (let i = 0; i < 3; i++) answers.push(await logIn(await openSecureClient(server.port, server), 'wrong'));
    answers.push(await logIn(await openSecureClient(server.port, server)));
    assert.deepEqual(
      answers.map((answer) => answer.slice(0, 3)),
      ['535', '535', '535', '421'],
    );
  });
});
