import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sessionSettingsSchema } from '../config/config.ts';
import { createSharedLimits } from './limits.ts';
import { isReply, replies } from '../replies.ts';

function settings(overrides: object) {
  return sessionSettingsSchema.parse(overrides);
}

function kindOf(attempt: Awaited<ReturnType<ReturnType<typeof createSharedLimits>['logins']['attempt']>>): string {
  if (isReply(attempt)) return 'locked-out';
  return attempt.isRight ? 'right' : 'wrong';
}

function reasonOf(ticket: object): string | undefined {
  return isReply(ticket) ? ticket.reason : undefined;
}

describe('connection limits', () => {
  test('one source cannot take the connections of others', () => {
    const { connections } = createSharedLimits();
    assert.deepEqual(
      ['a', 'a', 'a', 'b'].map((source) => connections.open(source, 2)?.reason),
      [undefined, undefined, 'source_conn_limited', undefined],
    );
    connections.close('a');
    assert.equal(connections.open('a', 2), undefined);
  });

  test('a user has connections of his own', async () => {
    const { connections } = createSharedLimits();
    const one = { most: 1, relays: 1 };
    // side by side: each sees those that came before it
    const entered = ['u', 'u', 'v'].map((user) => connections.enter(user, one));
    assert.deepEqual(await Promise.all(entered), [true, false, true]);
    connections.leave('u');
    assert.equal(await connections.enter('u', one), true);
  });
});

describe('failed log-ins', () => {
  const strict = settings({ failedLogins: 2, lockoutSeconds: 10 });
  const wrong = () => Promise.resolve(false);
  const right = () => Promise.resolve(true);

  test('lock out the user from that source, and from no other', async () => {
    const { logins } = createSharedLimits();
    const login = { user: 'u', address: '10.0.0.1', settings: strict, relays: 1 };
    await logins.attempt(login, wrong);
    await logins.attempt(login, wrong);
    assert.equal(kindOf(await logins.attempt(login, right)), 'locked-out');
    assert.equal(kindOf(await logins.attempt({ ...login, address: '10.0.0.2' }, right)), 'right');
    assert.equal(kindOf(await logins.attempt({ ...login, user: 'v' }, right)), 'right');
  });

  test('lock out a source that tries many users', async () => {
    const { logins } = createSharedLimits();
    const kinds: string[] = [];
    for (let i = 0; i < 21; i++) {
      kinds.push(
        kindOf(await logins.attempt({ user: `u${i}`, address: '10.0.0.1', settings: strict, relays: 1 }, wrong)),
      );
    }
    assert.deepEqual(kinds, [...Array.from({ length: 20 }, () => 'wrong'), 'locked-out']);
  });

  test('keep the lock-out for its whole time after the last failure', async () => {
    let time = 0;
    const { logins } = createSharedLimits({ now: () => time });
    const kindAt = async (then: number, isRight: () => Promise<boolean>) => {
      time = then;
      return kindOf(await logins.attempt({ user: 'u', address: '10.0.0.1', settings: strict, relays: 1 }, isRight));
    };
    assert.equal(await kindAt(0, wrong), 'wrong');
    assert.equal(await kindAt(9000, wrong), 'wrong');
    assert.equal(await kindAt(18_999, right), 'locked-out');
    assert.equal(await kindAt(19_000, right), 'right');
  });

  test('are forgotten when the user logs in', async () => {
    const { logins } = createSharedLimits();
    for (const isRight of [wrong, right, wrong, right, wrong, right]) {
      const kind = kindOf(
        await logins.attempt({ user: 'u', address: '10.0.0.1', settings: strict, relays: 1 }, isRight),
      );
      assert.equal(kind, isRight === right ? 'right' : 'wrong');
    }
  });

  test('count side by side as in a row, while right passwords side by side are never locked out', async () => {
    const { logins } = createSharedLimits();
    const login = { user: 'u', address: '10.0.0.1', settings: strict, relays: 1 };
    const good = await Promise.all(Array.from({ length: 30 }, () => logins.attempt(login, right)));
    assert.deepEqual(new Set(good.map(kindOf)), new Set(['right']));
    const bad = await Promise.all(Array.from({ length: 30 }, () => logins.attempt(login, wrong)));
    assert.equal(bad.filter((one) => kindOf(one) === 'wrong').length, 2);
  });

  test('are answered later and later', async () => {
    const { logins } = createSharedLimits();
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) {
      const verdict = await logins.attempt(
        { user: 'u', address: '10.0.0.1', settings: settings({}), relays: 1 },
        wrong,
      );
      if (!isReply(verdict)) delays.push(verdict.delayMs);
    }
    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3000, 3000, 3000]);
  });
});

describe('sending rates', () => {
  test('a message that was not accepted does not count', async () => {
    const { rates } = createSharedLimits();
    const limits = { messagesPerHour: 1 };
    const ticket = await rates.spend('messagesPerHour', 'u', limits);
    assert.ok('giveBack' in ticket);
    assert.equal(reasonOf(await rates.spend('messagesPerHour', 'u', limits)), 'messages_per_hour');
    ticket.giveBack();
    assert.ok('giveBack' in (await rates.spend('messagesPerHour', 'u', limits)));
  });

  test('a message that is given up twice frees no more than it took', async () => {
    const { rates } = createSharedLimits();
    const limits = { messagesPerHour: 2 };
    await rates.spend('messagesPerHour', 'u', limits);
    const ticket = await rates.spend('messagesPerHour', 'u', limits);
    assert.ok('giveBack' in ticket);
    ticket.giveBack();
    ticket.giveBack();
    assert.ok('giveBack' in (await rates.spend('messagesPerHour', 'u', limits)));
    assert.equal(reasonOf(await rates.spend('messagesPerHour', 'u', limits)), 'messages_per_hour');
  });

  test('a message of the hour before that was not accepted frees nothing of this hour', async () => {
    let time = 0;
    const { rates } = createSharedLimits({ now: () => time });
    const limits = { messagesPerHour: 1 };
    const late = await rates.spend('messagesPerHour', 'u', limits);
    time = 3_600_000;
    assert.ok('giveBack' in (await rates.spend('messagesPerHour', 'u', limits)));
    if ('giveBack' in late) late.giveBack();
    assert.equal(reasonOf(await rates.spend('messagesPerHour', 'u', limits)), 'messages_per_hour');
  });

  test('say when there will be some left', async () => {
    let time = 0;
    const { rates } = createSharedLimits({ now: () => time });
    const limits = { recipientsPerDay: 1 };
    await rates.spend('recipientsPerDay', 'u', limits);
    time = 3_600_500;
    assert.deepEqual(await rates.spend('recipientsPerDay', 'u', limits), replies.recipientsPerDay('u', 82_800));
    time = 86_400_000;
    assert.ok('giveBack' in (await rates.spend('recipientsPerDay', 'u', limits)));
  });

  test('are of each user, and none where none is set', async () => {
    const { rates } = createSharedLimits();
    await rates.spend('messagesPerHour', 'u', { messagesPerHour: 1 });
    assert.ok('giveBack' in (await rates.spend('messagesPerHour', 'v', { messagesPerHour: 1 })));
    assert.ok('giveBack' in (await rates.spend('messagesPerHour', 'u', {})));
  });
});
