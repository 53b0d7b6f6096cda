/** Whom a list lets its mail reach, as clients hear of it. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { ListConfig, RecipientGuard, RelayConfig } from '../../relay/config/config.ts';
import { metricValue } from '../support/queued.ts';
import { aClass, aConfig, aList, aUser, LIST, USER } from '../support/relay-config.ts';
import type { SmtpClient } from '../support/smtp-client.ts';
import { logIn, MESSAGE, start } from './sessions.ts';

const allow = [
  { recipient: '@qa.example', includeSubdomains: false },
  { recipient: 'tester@shop.example', includeSubdomains: false },
];
const REFUSE: RecipientGuard = { otherwise: 'Refuse', allow };
const CAPTURE: RecipientGuard = { otherwise: 'Capture', allow };
const REDIRECT: RecipientGuard = { otherwise: 'Redirect', allow, redirectTo: 'tester@shop.example' };

const REFUSED = `550 5.7.1 a@real.example: recipient not allowed by SMTP+ list ${LIST}; add it to spec.recipients.allow there, if the relay class allows it`;
const CAPTURED = `250 2.1.5 Ok, but SMTP+ list ${LIST} captures mail for this recipient instead of sending it`;
const REDIRECTED = `250 2.1.5 Ok, but SMTP+ list ${LIST} redirects mail for this recipient to another address`;
const CHANGED = `451 4.7.1 SMTP+ list ${LIST} has changed which recipients it allows, send again`;

function guarded(recipients: RecipientGuard | undefined, list: Partial<ListConfig> = {}): RelayConfig {
  return aConfig({ lists: { [LIST]: aList({ ...(recipients && { recipients }), ...list }) } });
}

async function mailTo(client: SmtpClient, ...recipients: readonly string[]): Promise<string[]> {
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  const replies: string[] = [];
  for (const recipient of recipients) replies.push(await client.ask(`RCPT TO:<${recipient}>`));
  return replies;
}

async function send(client: SmtpClient): Promise<string> {
  assert.match(await client.ask('DATA'), /^354 /);
  return client.ask(`${MESSAGE}.`);
}

describe('a list that guards its recipients', () => {
  test('refuses others at RCPT, says where to mend it, and sends to those whom it allows', async (t) => {
    const server = await start(t, { config: guarded(REFUSE) });
    const client = await logIn(server);
    assert.deepEqual(await mailTo(client, 'a@real.example', 'x@qa.example'), [REFUSED, '250 2.1.5 Ok']);
    assert.match(await send(client), /^250 2\.0\.0 Ok: queued as /);
    assert.deepEqual(server.accepted[0]?.envelope.recipients, [{ address: 'x@qa.example' }]);
    const outcome = (name: string) =>
      metricValue(server.metrics, 'guarded_recipients_total', { list: LIST, outcome: name });
    assert.equal(await outcome('refused'), 1);
    const refusal = server.lines.find(({ msg }) => msg === 'refused');
    assert.deepEqual([refusal?.['reason'], refusal?.['list']], ['recipient_not_allowed', LIST]);
  });

  for (const path of [
    'A@REAL.example',
    'a@qa.example.',
    '"a"@qa.example',
    'a@[192.0.2.1]',
    '@qa.example:a@real.example',
    'real%real.example@qa.example',
    'real.example!real@qa.example',
    'a@qa.example@real.example',
    'a@b\\@qa.example',
    'postmaster',
  ]) {
    test(`does not take ${path}, in whatever words`, async (t) => {
      const server = await start(t, { config: guarded(REFUSE) });
      const [reply = ''] = await mailTo(await logIn(server), path);
      assert.match(reply, /^5(01|50) /);
    });
  }

  test('takes no message in which its smart host would find others, but where all of it is captured', async (t) => {
    const hiding = `X-SMTPAPI: {"to": ["a@real.example"]}\r\n${MESSAGE}`;
    const sendHiding = async (recipients: RecipientGuard | undefined, ...to: readonly string[]) => {
      const client = await logIn(await start(t, { config: guarded(recipients) }));
      await mailTo(client, ...to);
      assert.match(await client.ask('DATA'), /^354 /);
      return client.ask(`${hiding}.`);
    };
    const refused = /^550 5\.7\.1 X-SMTPAPI may name further recipients to the smart host; not enabled where list /;
    assert.match(await sendHiding(REFUSE, 'x@qa.example'), refused);
    assert.match(await sendHiding(REDIRECT, 'a@real.example'), refused);
    assert.match(await sendHiding(CAPTURE, 'a@real.example', 'x@qa.example'), refused);
    assert.match(await sendHiding(CAPTURE, 'a@real.example'), /^250 /);
    assert.match(await sendHiding(undefined, 'a@real.example'), /^250 /);
  });

  test('takes those whom it allows in any case', async (t) => {
    const server = await start(t, { config: guarded(REFUSE) });
    assert.deepEqual(
      await mailTo(await logIn(server), 'X@QA.Example', 'Tester@shop.example'),
      Array(2).fill('250 2.1.5 Ok'),
    );
  });

  test('counts no refusal against the session or the rates of the user', async (t) => {
    const relayClass = aClass({ session: { failedCommands: 3 } });
    const users = { [USER]: aUser({ limits: { recipientsPerDay: 1 } }) };
    const server = await start(t, {
      config: { ...guarded(REFUSE), class: relayClass, users: new Map(Object.entries(users)) },
    });
    const recipients = [...Array.from({ length: 10 }, () => 'a@real.example'), 'x@qa.example'];
    const replies = await mailTo(await logIn(server), ...recipients);
    assert.deepEqual(replies, [...Array<string>(10).fill(REFUSED), '250 2.1.5 Ok']);
  });

  test('captures mail to others, and says so twice', async (t) => {
    const server = await start(t, { config: guarded(CAPTURE) });
    const client = await logIn(server);
    assert.deepEqual(await mailTo(client, 'a@real.example', 'b@real.example'), [CAPTURED, CAPTURED]);
    const reply = await send(client);
    assert.match(reply, /^250 2\.0\.0 Ok: captured as \w+, not sent$/);
    const id = /captured as (\w+)/.exec(reply)?.[1] ?? '';
    const kept = await readdir(path.join(server.spoolFolder, 'captured', LIST));
    assert.deepEqual(kept.toSorted(), [`${id}.eml`, `${id}.json`]);
    assert.deepEqual([...server.spool.entries()], []);
    assert.equal(await metricValue(server.metrics, 'guarded_recipients_total', { list: LIST, outcome: 'captured' }), 2);
    assert.equal(await metricValue(server.metrics, 'messages_total', { list: LIST, result: 'captured' }), 1);
    const line = server.lines.find(({ msg }) => msg === 'kept from recipients');
    assert.deepEqual([line?.['id'], line?.['captured']], [id, 2]);
  });

  test('sends to the recipients it allows, of a message that it captures for others', async (t) => {
    const server = await start(t, { config: guarded(CAPTURE) });
    const client = await logIn(server);
    assert.deepEqual(await mailTo(client, 'a@real.example', 'x@qa.example'), [CAPTURED, '250 2.1.5 Ok']);
    assert.match(await send(client), /Ok: queued as /);
    const [queued] = [...server.spool.entries()];
    const found = await server.spool.read(queued?.id ?? '');
    assert.deepEqual(found?.queued.pending, [{ address: 'x@qa.example' }]);
    assert.equal((await readdir(path.join(server.spoolFolder, 'captured', LIST))).length, 2);
  });

  test('redirects mail to others, in one copy', async (t) => {
    const server = await start(t, { config: guarded(REDIRECT) });
    const client = await logIn(server);
    assert.deepEqual(await mailTo(client, 'a@real.example', 'b@real.example', 'x@qa.example'), [
      REDIRECTED,
      REDIRECTED,
      '250 2.1.5 Ok',
    ]);
    assert.match(await send(client), /Ok: queued as /);
    const found = await server.spool.read([...server.spool.entries()][0]?.id ?? '');
    assert.deepEqual(found?.queued.pending, [
      { address: 'x@qa.example' },
      { address: 'tester@shop.example', redirectedFrom: ['a@real.example', 'b@real.example'] },
    ]);
    assert.equal(
      await metricValue(server.metrics, 'guarded_recipients_total', { list: LIST, outcome: 'redirected' }),
      2,
    );
  });

  test('keeps no copy for a sandbox, whose mail goes nowhere', async (t) => {
    const server = await start(t, {
      config: { ...guarded(CAPTURE), users: new Map([[USER, aUser({ mode: 'Sandbox' })]]) },
    });
    const client = await logIn(server);
    assert.deepEqual(await mailTo(client, 'a@real.example'), [CAPTURED]);
    assert.match(await send(client), /discarded \(sandbox\)/);
    assert.deepEqual(await readdir(path.join(server.spoolFolder, 'captured')), []);
  });

  const changes: [string, RecipientGuard | undefined, RecipientGuard | undefined][] = [
    ['switched on', undefined, REFUSE],
    ['lifted', CAPTURE, undefined],
    ['tighter', CAPTURE, { otherwise: 'Refuse', allow: [] }],
  ];
  for (const [what, before, after] of changes) {
    test(`takes no message that was promised something else: the guard is ${what} while it comes in`, async (t) => {
      const server = await start(t, { config: guarded(before) });
      const client = await logIn(server);
      await mailTo(client, 'a@real.example', 'x@qa.example');
      assert.match(await client.ask('DATA'), /^354 /);
      await client.send(MESSAGE);
      server.config = guarded(after);
      assert.equal(await client.ask('.'), CHANGED);
      assert.deepEqual(
        [[...server.spool.entries()], await readdir(path.join(server.spoolFolder, 'captured'))],
        [[], []],
      );
      const [reply = ''] = await mailTo(client, 'a@real.example');
      assert.equal(reply.slice(0, 3), after === undefined ? '250' : '550');
    });
  }

  test('answers 452 where there is no room for a copy, and keeps nothing', async (t) => {
    const server = await start(t, { config: guarded(CAPTURE) });
    const client = await logIn(server);
    await mailTo(client, 'a@real.example');
    server.spool.capture = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    assert.match(await send(client), /^452 4\.3\.1 /);
  });
});
