/** One line for each decision, with all that is needed to find out why. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { configured, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { LIST, PASSWORD, USER, aConfig } from '../support/relay-config.ts';
import { openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { logIn, MESSAGE, start } from './sessions.ts';

type Line = Record<string, unknown>;

const only = (line: Line | undefined, names: readonly string[]): Line =>
  Object.fromEntries(names.map((name) => [name, line?.[name]]));

describe('a refusal', () => {
  test('at MAIL names sender, user, list, client, reason and words', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('MAIL FROM:<CEO@elsewhere.example>');
    assert.equal(server.lines.length, 1);
    assert.deepEqual(server.lines[0], {
      level: 'info',
      time: server.lines[0]?.['time'],
      msg: 'refused',
      stage: 'mail',
      reason: 'sender_not_authorized',
      code: 550,
      enhanced: '5.7.1',
      list: LIST,
      user: USER,
      remote: '127.0.0.1',
      from: 'CEO@elsewhere.example',
      words: 'CEO@elsewhere.example: sender not authorized for SMTP+ user orders.shop',
    });
  });

  test('at RCPT names recipient and sender, in the form in which they came', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('MAIL FROM:<orders@shop.example>');
    await client.ask('RCPT TO:<a b@c.example>');
    await client.ask('RCPT TO:<j\xc3\xbcrgen@c.example>');
    await client.ask('RCPT TO:someone');
    assert.deepEqual(
      server.lines.map((line) => only(line, ['stage', 'from', 'to', 'words'])),
      [
        ['a b@c.example', 'Bad recipient address syntax'],
        [
          'jürgen@c.example',
          'Addresses outside ASCII need MAIL with SMTPUTF8, or use one whose part before the @ is ASCII',
        ],
        ['TO:someone', 'Bad recipient address syntax'],
      ].map(([to, words]) => ({ stage: 'rcpt', from: 'orders@shop.example', to, words })),
    );
  });

  test('of a message is one line, with its words and recipients', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.ask('MAIL FROM:<orders@shop.example>');
    for (let i = 0; i < 12; i++) await client.ask(`RCPT TO:<r${i}@c.example>`);
    await client.ask('DATA');
    await client.send('From: ceo@elsewhere.example\r\n\r\n.\r\n');
    await client.reply();
    assert.equal(server.lines.length, 1);
    const [line] = server.lines;
    const names = ['msg', 'level', 'result', 'reason', 'list', 'user', 'remote', 'from', 'recipients'];
    assert.deepEqual(only(line, names), {
      msg: 'message',
      level: 'info',
      result: 'refused',
      reason: 'from_not_authorized',
      list: LIST,
      user: USER,
      remote: '127.0.0.1',
      from: 'orders@shop.example',
      recipients: 12,
    });
    assert.match(String(line?.['words']), /^From ceo@elsewhere\.example is not authorized/);
    const named = Array.from({ length: 10 }, (_, i) => `r${i}@c.example`);
    assert.deepEqual(line?.['to'], named, 'the first ten');
  });

  test('that no client can mend is a warning', async (t) => {
    const server = await start(t, { config: aConfig({ lists: {} }) });
    const client = await openSecureClient(server.port, server);
    await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
    assert.deepEqual(only(server.lines[0], ['level', 'reason', 'user']), {
      level: 'warn',
      reason: 'user_unusable',
      user: USER,
    });
  });
});

describe('a failed log-in', () => {
  const tryAs = async (client: SmtpClient, name: string): Promise<void> => {
    assert.match(await client.ask(`AUTH PLAIN ${plain(name, 'wrong')}`), /^535/);
  };

  test('names who exists, and whoever has the form of a user name', async (t) => {
    const server = await start(t);
    const client = await openSecureClient(server.port, server);
    for (const name of [USER, 'nobody.shop', 'ann@shop.example']) await tryAs(client, name);
    assert.deepEqual(
      server.lines.map((line) => only(line, ['user', 'list', 'login'])),
      [
        { user: USER, list: LIST, login: undefined },
        { user: undefined, list: '-', login: 'nobody.shop' },
        { user: undefined, list: '-', login: 'ann@shop.example' },
      ],
    );
    const reasons = server.lines.map(({ reason, remote }) => [reason, remote]);
    assert.deepEqual(new Set(reasons.map(String)), new Set(['auth_failed,127.0.0.1']));
  });

  test('names by a hash what may be a mistyped password, the same one each time', async (t) => {
    const server = await start(t);
    const client = await openSecureClient(server.port, server);
    for (const name of ['hunter2', 'hunter2', 'hunter3']) await tryAs(client, name);
    const [first, second, third] = server.lines.map(({ login }) => String(login));
    assert.match(first ?? '', /^#[0-9a-f]{10}$/);
    assert.equal(first, second);
    assert.notEqual(first, third);
    assert.ok(!JSON.stringify(server.lines).includes('hunter'));
  });

  test('hides names that are addresses where the class wants that, and keeps other names', async (t) => {
    const server = await start(t);
    server.log.addresses.use({ addresses: 'none' });
    const client = await openSecureClient(server.port, server);
    for (const name of ['ann@shop.example', 'nobody.shop']) await tryAs(client, name);
    assert.deepEqual(
      server.lines.map(({ login }) => login),
      ['(hidden)', 'nobody.shop'],
    );
  });
});

describe('a message', () => {
  test('that is taken has a line of the same form', async (t) => {
    const server = await start(t);
    const client = await logIn(server);
    await client.send('MAIL FROM:<orders@shop.example>\r\nRCPT TO:<postmaster>\r\nDATA\r\n');
    for (let i = 0; i < 3; i++) await client.reply();
    await client.send(`${MESSAGE}.\r\n`);
    await client.reply();
    const names = ['result', 'reason', 'code', 'list', 'user', 'remote', 'from', 'recipients', 'to'];
    assert.deepEqual(only(server.lines[0], names), {
      result: 'accepted',
      reason: 'accepted',
      code: 250,
      list: LIST,
      user: USER,
      remote: '127.0.0.1',
      from: 'orders@shop.example',
      recipients: 1,
      to: ['postmaster'],
    });
  });
});

describe('what becomes of a message', () => {
  test('is information where it arrives, and a warning where it waits or comes back; with its addresses', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'capture' }));
    const to = ['ok@x.example', 'tempfail@x.example', 'permfail@x.example'];
    await relay.spool.put(aMessage({ to }), inMemory());
    await until(() => said(relay, 'bounced').length > 0, { what: 'all was said' });
    for (const [message, level, address] of [
      ['delivered', 'info', 'ok@x.example'],
      ['deferred', 'warn', 'tempfail@x.example'],
      ['bounced', 'warn', 'permfail@x.example'],
    ] as const) {
      const [line] = said(relay, message);
      assert.deepEqual([line?.['level'], line?.['from'], line?.['to']], [level, 'orders@shop.example', [address]]);
    }
  });

  for (const mode of ['Spool', 'Passthrough'] as const) {
    test(`is an error where the capture folder cannot be written, in mode ${mode}`, async (t) => {
      const relay = await startDelivering(t, configured({ kind: 'capture' }));
      // a file in the place of the folder: whoever runs this, root too, cannot write into it
      await writeFile(relay.outbox, '');
      const message = aMessage();
      if (mode === 'Spool') await relay.spool.put(message, inMemory());
      else await relay.delivery.passThrough(message, inMemory());
      const outcome = mode === 'Spool' ? 'deferred' : 'refused';
      await until(() => said(relay, outcome).length > 0, { what: 'it was tried' });
      const [line] = said(relay, outcome);
      assert.equal(line?.['level'], 'error');
      assert.match(String(line?.['reply']), /^capture folder cannot be written: /);
    });
  }

  test('is a warning where the smart host cannot be reached', async (t) => {
    const relay = await startDelivering(t, configured({ kind: 'unresolved', message: 'no such Secret' }));
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it was tried' });
    assert.equal(said(relay, 'deferred')[0]?.['level'], 'warn');
  });
});
