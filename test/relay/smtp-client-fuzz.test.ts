/** The client against a server that does anything at any place: nothing is lost, nothing is taken for what it is not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { deliverySettingsSchema } from '../../relay/config/config.ts';
import { sendOver } from '../../relay/delivery/upstream-send.ts';
import { introduce, type SmtpClient } from '../../relay/smtp/client/client.ts';
import { BY_OWNER, createWire } from '../../relay/smtp/client/wire.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { type Act, type Script, type ScriptedServer, startScripted } from '../support/scripted-server.ts';

const settings = deliverySettingsSchema.parse({ commandSeconds: 0.2, finalDotSeconds: 0.2 });

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Act>('yes') },
  { weight: 3, arbitrary: fc.constantFrom<Act>('no', 'later', 'yes in two lines') },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Act>(
      'bye',
      'garbage',
      'unasked reply',
      'silence',
      'close',
      'yes and close',
      'unsaid yes and close',
    ),
  },
);

/** A reply that nobody asked for, after one that did not come, looks like the one that did not come. */
const canBeTold = ({ acts }: Script): boolean => !(acts.includes('silence') && acts.includes('unasked reply'));

const script: fc.Arbitrary<Script> = fc
  .record({
    keywords: fc.subarray(['PIPELINING', 'CHUNKING', '8BITMIME', 'DSN', 'SIZE 10000000']),
    acts: fc.array(act, { maxLength: 16 }),
    pieces: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
  })
  .filter(canBeTold);

const line = fc.constantFrom(
  '',
  '.',
  '..',
  '.x',
  'MAIL FROM:<ceo@victim.example>',
  'RCPT TO:<x@y.example>',
  'DATA',
  'text',
);

const message = fc.record({
  to: fc.integer({ min: 1, max: 4 }),
  lines: fc.array(line, { maxLength: 10 }),
  /** Beyond what leaves in one write. */
  isLarge: fc.boolean(),
  isAllOrNothing: fc.boolean(),
});

type Sent = typeof message extends fc.Arbitrary<infer One> ? One : never;

async function openClient(port: number): Promise<SmtpClient> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const wire = createWire(socket);
  const client = await introduce(wire, { name: 'test', tls: 'None', tlsOptions: {}, handshakeDeadline: BY_OWNER });
  assert.ok(!('problem' in client));
  return client;
}

test(
  'what the client says of each recipient is true, whatever the server does',
  { timeout: process.env['FUZZ'] === undefined ? 110_000 : 1_100_000 },
  async (t) => {
    let delivered = 0;
    let unclear = 0;
    const converse = async (server: ScriptedServer, sent: readonly Sent[]): Promise<void> => {
      let client = await openClient(server.port);
      for (const [i, { to, lines, isLarge, isAllOrNothing }] of sent.entries()) {
        const text =
          lines.map((line) => `${line}\r\n`).join('') + (isLarge ? `${'y'.repeat(78)}\r\n`.repeat(4000) : '');
        const bytes = Buffer.from(text);
        const addresses = Array.from({ length: to }, (_, n) => `m${i}-r${n}@x.example`);
        const accepted = aMessage({ to: addresses, content: bytes });
        const { recipients, ...envelope } = accepted.envelope;
        const content = inMemory(bytes);
        const { result, limit } = await sendOver(
          client,
          { ...accepted, envelope, recipients, content, attempts: 0, isAllOrNothing },
          { recipientsMax: 100, settings },
        );
        assert.equal(limit, undefined);
        const mine = server.taken.filter((one) => one.to.some((address) => addresses.includes(address)));
        assert.ok(mine.length <= 1);
        for (const address of addresses) {
          const has = mine.some((one) => one.to.includes(address));
          const verdict = result.kind === 'answered' ? result.verdicts.get(address)?.outcome : undefined;
          // only where the content may have arrived is it allowed not to know
          if (has)
            assert.ok(verdict === 'delivered' || (result.kind === 'broken' && result.wasSent), JSON.stringify(result));
          if (verdict === 'delivered') assert.ok(has, `${address} did not get it`);
          if (verdict === 'delivered') delivered++;
          if (has && verdict === undefined) unclear++;
        }
        for (const one of mine) assert.deepEqual(one.bytes, bytes);
        if (isAllOrNothing) for (const one of mine) assert.deepEqual(one.to, addresses);
        if (!client.isOpen()) client = await openClient(server.port);
      }
      client.close();
      // nothing of a content was ever run as a command
      assert.ok(server.commands.every((command) => !command.includes('victim') && !command.includes('y.example')));
      assert.ok(server.commands.every((command) => /^(EHLO|MAIL|RCPT|DATA|BDAT|RSET|QUIT)\b/.test(command)));
    };
    const property = fc.asyncProperty(
      script,
      fc.array(message, { minLength: 1, maxLength: 3 }),
      async (script, sent) => {
        const cleanUp: (() => void)[] = [];
        try {
          const server = await startScripted({ after: (done) => cleanUp.push(done as () => void) }, script);
          await converse(server, sent);
        } finally {
          for (const done of cleanUp) done();
        }
      },
    );
    // the same ones in each run of `npm test`; FUZZ=1 tries others
    await fc.assert(property, process.env['FUZZ'] === undefined ? { numRuns: 300, seed: 7 } : { numRuns: 3000 });
    t.diagnostic(`${delivered} delivered, ${unclear} taken without a yes that arrived`);
    assert.ok(delivered > 100);
  },
);
