/** What a relay keeps to by itself of a user's monthly quota, and of the bounces that its mail may have. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RelayConfig, UserConfig } from '../../relay/config/config.ts';
import { usageReportSchema } from '../../relay/observe/usage-report.ts';
import { ledTo } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { aList, aUser, LIST, USER } from '../support/relay-config.ts';
import { startUpstream } from '../support/upstream.ts';
import { logIn, open, page, type RelayOfWorkers, send, startWorkers } from '../workers/relay.ts';

function of(user: Partial<Omit<UserConfig, 'limits'>> & { limits?: Partial<UserConfig['limits']> }, base: RelayConfig) {
  return { ...base, users: new Map([[USER, aUser(user)]]) };
}

/** Over a connection each, which one worker or another takes. */
async function answersTo(relay: RelayOfWorkers, ...recipients: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const to of recipients) {
    const client = await open(relay);
    assert.match(await logIn(client), /^235 /);
    answers.push(await send(client, to));
    client.destroy();
  }
  return answers;
}

const codes = (answers: readonly string[]) => answers.map((answer) => answer.slice(0, 3)).join(' ');

async function usageOf(relay: RelayOfWorkers) {
  const { users } = usageReportSchema.parse(JSON.parse((await page(relay, '/usage')).text));
  return users['shop/orders'] ?? {};
}

const CAPTURED = ledTo({ kind: 'capture' });

for (const workers of [1, 2]) {
  describe(`a monthly quota in a relay of ${workers}`, () => {
    test('is for all connections together, lasts over a restart, and a higher one holds at once', async (t) => {
      const config = of({ limits: { messagesPerMonth: 3 } }, CAPTURED);
      const first = await startWorkers(t, workers, { config });
      const answers = await answersTo(first, 'a@x.example', 'b@x.example', 'c@x.example', 'd@x.example');
      assert.equal(codes(answers), '250 250 250 450');
      assert.match(
        answers[3] ?? '',
        /^450 4\.7\.1 Monthly quota of SMTP\+ user shop\/orders is used up, the next month begins in \d+ /,
      );
      const month = { name: new Date().toISOString().slice(0, 7), messages: 3 };
      assert.deepEqual((await usageOf(first)).month, month);
      await first.close();
      const second = await startWorkers(t, workers, { config, folder: first.folder });
      assert.equal(codes(await answersTo(second, 'e@x.example')), '450');
      await second.configure(of({ limits: { messagesPerMonth: 4 } }, CAPTURED));
      await second.relay.reload();
      assert.equal(codes(await answersTo(second, 'f@x.example', 'g@x.example')), '250 450');
    });
  });

  describe(`a user whose mail bounces, in a relay of ${workers}`, () => {
    test('is paused at once and over a restart, until the mark changes', async (t) => {
      const upstream = await startUpstream(t, {
        onRecipient: (to) => (to.startsWith('nobody') ? '550 5.1.1 no such user' : undefined),
      });
      const base = ledTo(upstream.smartHost());
      const config = of({ pauseAbove: { bounceRate: 20, of: 10, resume: '' } }, base);
      const first = await startWorkers(t, workers, { config });
      // two of ten may bounce
      const some = ['a@x.example', 'nobody1@x.example', 'nobody2@x.example'];
      assert.equal(codes(await answersTo(first, ...some)), '250 250 250');
      await until(async () => (await usageOf(first)).bounced === 2);
      assert.equal(codes(await answersTo(first, 'nobody3@x.example')), '250');
      await until(async () => (await usageOf(first)).paused !== undefined);
      const { since = '', ...paused } = (await usageOf(first)).paused ?? {};
      assert.ok(Date.parse(since) <= Date.now());
      assert.deepEqual({ ...paused, judged: 4 }, { bounced: 3, judged: 4, resume: '' });
      await until(async () => codes(await answersTo(first, 'b@x.example')) === '550');
      assert.match((await answersTo(first, 'b@x.example'))[0] ?? '', /^550 5\.7\.1 SMTP\+ user shop\/orders is paused/);
      await first.close();
      const second = await startWorkers(t, workers, { config, folder: first.folder });
      assert.equal(codes(await answersTo(second, 'b@x.example')), '550');
      await second.configure(of({ pauseAbove: { bounceRate: 20, of: 10, resume: 'looked at it' } }, base));
      await second.relay.reload();
      assert.equal(codes(await answersTo(second, 'c@x.example')), '250');
    });
  });
}

describe('what the operator has found out over all relays', () => {
  test('holds in each: a quota that is used up, for this month, and a pause', async (t) => {
    const quotaUsed = new Date().toISOString().slice(0, 7);
    const relay = await startWorkers(t, 1, { config: of({ quotaUsed }, CAPTURED) });
    assert.equal(codes(await answersTo(relay, 'a@x.example')), '450');
    await relay.configure(of({ quotaUsed: '2001-01' }, CAPTURED));
    await relay.relay.reload();
    assert.equal(codes(await answersTo(relay, 'a@x.example')), '250');
    await relay.configure(of({ paused: true }, CAPTURED));
    await relay.relay.reload();
    assert.equal(codes(await answersTo(relay, 'a@x.example')), '550');
  });

  test('counts nothing for a quota that was not taken', async (t) => {
    const list = aList({ upstream: { kind: 'capture' }, senderPolicy: { ...aList().senderPolicy } });
    const config = of({ limits: { messagesPerMonth: 1 } }, ledTo({ kind: 'capture' }, { lists: { [LIST]: list } }));
    const relay = await startWorkers(t, 1, { config });
    const client = await open(relay);
    await logIn(client);
    assert.match(await client.ask('MAIL FROM:<stranger@elsewhere.example>'), /^550 /);
    assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
    assert.match(await client.ask('RSET'), /^250 /);
    assert.match(await send(client, 'a@x.example'), /^250 /);
    assert.match(await send(client, 'a@x.example'), /^450 /);
    client.destroy();
  });
});
