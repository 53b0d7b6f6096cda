/** The main job as a client sees it: who may send, who may not and why, what an edit changes, what a crash loses. */
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { delivered, sentByUsers } from '../support/outbox.ts';
import { openClient, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { credentialsOf, startStandalone, type Standalone } from '../support/standalone.ts';

const FROM = 'orders@shop.example';
const TO = 'somebody@elsewhere.example';

/** As sent, with its final dot. */
const message = ({ from = [FROM], body = 'Hello' } = {}) =>
  [...from.map((address) => `From: ${address}`), 'Subject: x', '', body, '.', ''].join('\r\n');

interface Login {
  readonly secret: string;
  readonly password?: string;
}

async function secureClient(relay: Standalone, { secret }: Login): Promise<SmtpClient> {
  const { ca } = await credentialsOf(relay.state, 'shop', secret);
  return openSecureClient(relay.port, { ca });
}

async function logIn(relay: Standalone, login: Login): Promise<{ client: SmtpClient; reply: string }> {
  const client = await secureClient(relay, login);
  const { username, password } = await credentialsOf(relay.state, 'shop', login.secret);
  return { client, reply: await client.ask(`AUTH PLAIN ${plain(username, login.password ?? password)}`) };
}

/** A logged-in client of `orders`. */
async function orders(relay: Standalone): Promise<SmtpClient> {
  const { client, reply } = await logIn(relay, { secret: 'orders-smtp' });
  assert.match(reply, /^235 /);
  return client;
}

/** The reply to the whole message, after a MAIL and RCPT that went well. */
async function submit(client: SmtpClient, data: string): Promise<string> {
  assert.match(await client.ask(`MAIL FROM:<${FROM}>`), /^250 /);
  assert.match(await client.ask(`RCPT TO:<${TO}>`), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
  await client.send(data);
  return client.reply();
}

/** The first reply that is no yes, of what each row of the table does. */
const refusals: { what: string; attempt: (relay: Standalone) => Promise<string>; reply: string }[] = [
  {
    what: 'AUTH without TLS',
    attempt: async (relay) => {
      const client = await openClient(relay.port);
      await client.reply();
      await client.ask('EHLO client.example');
      return client.ask(`AUTH PLAIN ${plain('orders.shop', 'whatever')}`);
    },
    reply: '538 5.7.11 Encryption required for requested authentication mechanism',
  },
  {
    what: 'MAIL without TLS',
    attempt: async (relay) => {
      const client = await openClient(relay.port);
      await client.reply();
      await client.ask('EHLO client.example');
      return client.ask(`MAIL FROM:<${FROM}>`);
    },
    reply: '530 5.7.0 Must issue a STARTTLS command first',
  },
  {
    what: 'MAIL without a log-in',
    attempt: async (relay) => (await secureClient(relay, { secret: 'orders-smtp' })).ask(`MAIL FROM:<${FROM}>`),
    reply: '530 5.7.0 Authentication required',
  },
  {
    what: 'a wrong password',
    attempt: async (relay) => (await logIn(relay, { secret: 'orders-smtp', password: 'wrong' })).reply,
    reply: '535 5.7.8 Authentication credentials invalid',
  },
  {
    what: 'a user that is not active',
    attempt: async (relay) => (await logIn(relay, { secret: 'retired-smtp' })).reply,
    reply: '525 5.7.13 SMTP+ user retired.shop is not active',
  },
  {
    what: 'MAIL FROM of another domain',
    attempt: async (relay) => (await orders(relay)).ask('MAIL FROM:<ceo@elsewhere.example>'),
    reply: '550 5.7.1 ceo@elsewhere.example: sender not authorized for SMTP+ user orders.shop',
  },
  {
    what: 'a From header of another domain under the right envelope',
    attempt: async (relay) => submit(await orders(relay), message({ from: ['ceo@elsewhere.example'] })),
    reply:
      '550-5.7.1 From ceo@elsewhere.example is not authorized for SMTP+ user orders.shop\n' +
      '550 5.7.1 If it comes from a web form, keep From fixed and put the visitor in Reply-To',
  },
  {
    what: 'two From headers',
    attempt: async (relay) => submit(await orders(relay), message({ from: [FROM, 'ceo@elsewhere.example'] })),
    reply: '554 5.6.0 Message must have exactly one valid From address: there is more than one From field',
  },
  {
    what: 'a sender that is pending',
    attempt: async (relay) => (await orders(relay)).ask('MAIL FROM:<news@newsletter.example>'),
    reply: '550 5.7.1 news@newsletter.example: sender not verified; see VerifiedSender shop/newsletter',
  },
  {
    what: 'a user without a verified sender',
    attempt: async (relay) =>
      (await logIn(relay, { secret: 'newsletter-smtp' })).client.ask('MAIL FROM:<news@newsletter.example>'),
    reply: '550 5.7.1 SMTP+ user newsletter.shop has no verified sender',
  },
  {
    what: 'a suspended list',
    attempt: async (relay) => (await logIn(relay, { secret: 'campaigns-smtp' })).client.ask(`MAIL FROM:<${FROM}>`),
    reply: '550 5.7.1 SMTP+ list shop/marketing is suspended',
  },
  {
    what: 'a message that says it is too large',
    attempt: async (relay) => (await orders(relay)).ask(`MAIL FROM:<${FROM}> SIZE=10485761`),
    reply: '552 5.3.4 Message exceeds 10485760 bytes',
  },
  {
    what: 'a message that is too large',
    attempt: async (relay) => {
      const body = `${'x'.repeat(70)}\r\n`.repeat(146_000);
      return submit(await orders(relay), message({ body }));
    },
    reply: '552 5.3.4 Message exceeds 10485760 bytes',
  },
  {
    what: 'a bare line feed',
    attempt: async (relay) => submit(await orders(relay), message({ body: 'one\ntwo' })),
    reply: '554 5.6.0 Message has a bare CR, LF or NUL',
  },
  {
    what: 'a message smuggled behind a bare line feed',
    attempt: async (relay) => {
      const smuggled = `one\n.\r\nMAIL FROM:<ceo@elsewhere.example>\r\nRCPT TO:<${TO}>\r\nDATA`;
      return submit(await orders(relay), message({ body: smuggled }));
    },
    reply: '554 5.6.0 Message has a bare CR, LF or NUL',
  },
];

/** A copy of the examples with one user more, who is not active. */
async function examples(t: TestContext): Promise<string> {
  const folder = await folderOf(t);
  await cp('examples', folder, { recursive: true });
  const retired = { apiVersion: 'smtpplus.io/v1alpha1', kind: 'SmtpPlusUser', spec: { active: false } };
  const metadata = { name: 'retired', namespace: 'shop' };
  await writeFile(path.join(folder, 'retired.yaml'), JSON.stringify({ ...retired, metadata }));
  return folder;
}

async function replace(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes(from));
  await writeFile(file, text.replace(from, to));
}

describe('npm start and a client', () => {
  test('who may not send is told why, and nothing goes out', async (t) => {
    const relay = await startStandalone(t, { folder: await examples(t), settings: 'examples/settings.yaml' });
    for (const { what, attempt, reply } of refusals) {
      await t.test(`refuses ${what}`, async () => assert.equal(await attempt(relay), reply));
    }
    await t.test('takes a message from who may, and nothing else has gone out by then', async () => {
      assert.match(await submit(await orders(relay), message()), /^250 2\.0\.0 Ok: queued as /);
      const messages = await delivered(relay.state, 1);
      assert.deepEqual(
        messages.map(({ envelope }) => envelope.from),
        [FROM],
      );
    });
  });

  test('an edit is in force for the next MAIL of an open connection, within a second', async (t) => {
    const folder = await examples(t);
    const relay = await startStandalone(t, { folder, settings: 'examples/settings.yaml' });
    const client = await orders(relay);
    const file = path.join(folder, 'orders.yaml');
    const mail = async () => {
      const reply = await client.ask(`MAIL FROM:<${FROM}>`);
      await client.ask('RSET');
      return reply;
    };
    assert.match(await mail(), /^250 /);
    await replace(file, 'active: true', 'active: false');
    await until(async () => assert.match(await mail(), /^525 5\.7\.13 /) ?? true);
    await replace(file, 'active: false', 'active: true');
    await until(async () => assert.match(await mail(), /^250 /) ?? true);
  });

  test('a syntax error in one file is reported with its place, and changes nothing for anybody', async (t) => {
    const folder = await examples(t);
    const relay = await startStandalone(t, { folder, settings: 'examples/settings.yaml' });
    const client = await orders(relay);
    await replace(path.join(folder, 'orders.yaml'), 'active: true', 'active: [true');
    await until(() => relay.lines.some((line) => /orders\.yaml:\d+/.test(line)));
    assert.match(await client.ask(`MAIL FROM:<${FROM}>`), /^250 /);
    const { reply } = await logIn(relay, { secret: 'staging-smtp' });
    assert.match(reply, /^235 /);
  });

  test('a sandbox user gets the same answers, and nothing goes out', async (t) => {
    const relay = await startStandalone(t, { folder: 'examples' });
    const { client } = await logIn(relay, { secret: 'staging-smtp' });
    assert.equal(await submit(client, message()), '250 2.0.0 Ok: discarded (sandbox)');
    assert.match(await submit(await orders(relay), message()), /^250 /);
    assert.equal((await delivered(relay.state, 1))[0]?.envelope.user, 'orders.shop');
    assert.equal((await sentByUsers(relay.state)).length, 1);
  });

  test('what was answered with 250 is delivered once, even if the process is killed right after', async (t) => {
    const first = await startStandalone(t, { folder: 'examples' });
    const client = await orders(first);
    const replies: string[] = [];
    for (let i = 0; i < 20; i++) replies.push(await submit(client, message({ body: `number ${i}` })));
    first.kill('SIGKILL');
    await first.exited;
    const queued = replies.map((reply) => /queued as (\S+)/.exec(reply)?.[1]);
    const second = await startStandalone(t, { folder: 'examples', state: first.state });
    const messages = await delivered(second.state, queued.length);
    assert.equal(messages.length, queued.length);
    assert.deepEqual(new Set(messages.map(({ id }) => id)), new Set(queued));
  });
});
