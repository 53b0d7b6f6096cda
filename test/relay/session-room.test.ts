/** Messages that come in while the disk fills. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../support/eventually.ts';
import { aConfig, aList, aUser, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';
import { filler } from './sessions.ts';
import type { SubmittedMessage } from '../../relay/message.ts';
import { createSpaceAccount } from '../../relay/spool/disk-space.ts';
import { replies, type Reply } from '../../relay/replies.ts';

async function start(t: TestContext, options: Parameters<typeof startSubmission>[0]) {
  const server = await startSubmission(options);
  t.after(() => server.stop());
  return server;
}

/** A client that has its 354. */
async function beginMessage(server: { port: number; ca: string }): Promise<SmtpClient> {
  const client = await openSecureClient(server.port, server);
  await client.ask(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
  await client.ask('MAIL FROM:<orders@shop.example>');
  await client.ask('RCPT TO:<a@b.example>');
  assert.match(await client.ask('DATA'), /^354 /);
  return client;
}

describe('a disk that is full', () => {
  test('takes no more of a message that comes in, whose file goes before the client has ended', async (t) => {
    let hasRoom = true;
    const server = await start(t, {
      room: {
        refusal: () => (hasRoom ? undefined : replies.diskFull()),
        use: (_, write) => write(),
        incoming: () => {},
      },
    });
    const client = await beginMessage(server);
    await client.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}`);
    await until(async () => (await server.incoming()).length > 0);
    hasRoom = false;
    await client.send(filler(600_000));
    await until(async () => (await server.incoming()).length === 0);
    await client.send('\r\n.\r\n');
    assert.equal(await client.reply(), '452 4.3.1 Insufficient system storage');
    assert.match(await client.ask('NOOP'), /^250 /);
    assert.deepEqual(server.accepted, []);
  });

  test('is not filled by messages that are stored side by side', async (t) => {
    let stored: (reply: Reply) => void = () => undefined;
    let storing = 0;
    const account = createSpaceAccount({ reserveBytes: () => 0 });
    await account.measure(() => Promise.resolve(15_000));
    const room = {
      refusal: (bytes: number) => (account.has(bytes) ? undefined : replies.diskFull()),
      use: account.use,
      incoming: () => {},
    };
    const accept = ({ size }: SubmittedMessage) => {
      storing++;
      return account.use(size, () => new Promise<Reply>((resolve) => (stored = resolve)));
    };
    const server = await start(t, { room, accept });
    const [first, second] = [await beginMessage(server), await beginMessage(server)];
    const message = `From: orders@shop.example\r\n\r\n${filler(10_000)}\r\n.\r\n`;
    await first.send(message);
    await until(() => storing === 1);
    await second.send(message);
    assert.equal(await second.reply(), '452 4.3.1 Insufficient system storage');
    stored(replies.accepted('first'));
    assert.match(await first.reply(), /^250 /);
  });
});

describe('a message that is refused while it comes in', () => {
  test('takes no room on the disk any more, however long its client goes on', async (t) => {
    const server = await start(t, {
      config: aConfig({ users: { [USER]: aUser({ limits: { messageBytes: 500_000 } }) } }),
    });
    const client = await beginMessage(server);
    await client.send(`From: orders@shop.example\r\n\r\n${filler(400_000)}`);
    await until(async () => (await server.incoming()).length > 0);
    await client.send(filler(200_000));
    await until(async () => (await server.incoming()).length === 0);
    await client.send('\r\n.\r\n');
    assert.equal(await client.reply(), '552 5.3.4 Message exceeds 500000 bytes');
  });
});

test('a namespace without room is told so in its name, at MAIL and after the content', async (t) => {
  let isFull = false;
  const server = await start(t, {
    room: {
      refusal: (_, namespace) => (isFull && namespace === 'shop' ? replies.shareFull(namespace) : undefined),
      use: (_, write) => write(),
      incoming: () => {},
    },
  });
  const client = await beginMessage(server);
  isFull = true;
  await client.send('From: orders@shop.example\r\n\r\ntext\r\n.\r\n');
  const refusal = '452 4.3.1 Namespace shop has filled its share of the queue, try again later';
  assert.equal(await client.reply(), refusal);
  assert.equal(await client.ask('MAIL FROM:<orders@shop.example>'), refusal);
  assert.deepEqual(server.accepted, []);
});

test("what of a message is on the disk while it comes in counts as its namespace's, until it is through", async (t) => {
  let counted = 0;
  const server = await start(t, {
    room: {
      refusal: () => undefined,
      use: (_, write) => write(),
      incoming: (namespace, bytes) => {
        assert.equal(namespace, 'shop');
        counted += bytes;
      },
    },
  });
  const client = await beginMessage(server);
  await client.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}`);
  await until(() => counted > 250_000);
  await client.send('\r\n.\r\n');
  assert.match(await client.reply(), /^250 /);
  assert.equal(counted, 0);
  await client.ask('MAIL FROM:<orders@shop.example>');
  await client.ask('RCPT TO:<a@b.example>');
  await client.ask('DATA');
  await client.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}`);
  await until(() => counted > 250_000);
  client.destroy();
  await until(() => counted === 0);
});

for (const [who, config] of [
  [
    'whose list hands it straight on',
    aConfig({ lists: { [LIST]: aList({ delivery: { ...aList().delivery, mode: 'Passthrough' } }) } }),
  ],
  ['in a sandbox', aConfig({ users: { [USER]: aUser({ mode: 'Sandbox' }) } })],
] as const) {
  test(`mail of a user ${who} is taken though its namespace has filled its share of the queue`, async (t) => {
    const server = await start(t, {
      config,
      accept: async () => replies.accepted('x'),
      room: {
        refusal: (_, namespace) => (namespace === undefined ? undefined : replies.shareFull(namespace)),
        use: (_, write) => write(),
        incoming: () => {},
      },
    });
    const client = await beginMessage(server);
    await client.send(`From: orders@shop.example\r\n\r\n${filler(600_000)}\r\n.\r\n`);
    assert.match(await client.reply(), /^250 /);
  });
}
