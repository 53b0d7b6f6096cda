/** Relays that count in one store together, each as far as its limits go. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import type { SharedCountersConfig } from '../../relay/config/shared-counters.ts';
import { createSharedCounters } from '../../relay/counters/shared-counters.ts';
import { isReply, type Reply } from '../../relay/replies.ts';
import { createSharedLimits } from '../../relay/submission/limits.ts';
import { bundle } from '../../tools/bundle.ts';
import { needsCommand } from '../support/commands.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { captureLog } from '../support/queued.ts';
import { aStoreConfig, startLiar, startStore } from '../support/store.ts';

/** As short as it is by default: for stores that do not answer. */
const IMPATIENT = { timeoutMs: 100 };

type RelayLimits = Awaited<ReturnType<typeof openLimits>>;

/** What counts for one relay. Resolves once it uses the store, unless there is none to use. */
async function openLimits(
  t: TestContext,
  initial: SharedCountersConfig,
  { isUp = true, lookMs }: { isUp?: boolean; lookMs?: number } = {},
) {
  const settings: { current: SharedCountersConfig | undefined } = { current: initial };
  const { log, lines } = captureLog();
  const counters = createSharedCounters({
    settings: () => Promise.resolve(settings.current),
    log,
    ...(lookMs !== undefined && { lookMs }),
  });
  t.after(counters.close);
  const relay = {
    ...createSharedLimits({ counters }),
    counters,
    settings,
    lines,
    untilUp: () => until(() => counters.concern() === undefined),
    untilAway: () => until(() => counters.concern() !== undefined),
  };
  await counters.start();
  if (isUp) await relay.untilUp();
  return relay;
}

async function spend(
  { rates }: RelayLimits,
  { user = 'orders.shop', limit, relays = 2 }: { user?: string; limit: number; relays?: number },
) {
  return rates.spend('messagesPerHour', user, { messagesPerHour: limit, relays });
}

/** How many of so many messages each of the relays lets through, all of them at the same time. */
async function countTaken(
  relays: readonly RelayLimits[],
  each: number,
  terms: Parameters<typeof spend>[1],
): Promise<number> {
  const all = relays.flatMap((relay) => Array.from({ length: each }, () => spend(relay, terms)));
  return (await Promise.all(all)).filter((one) => !isReply(one)).length;
}

const login = {
  user: 'orders.shop',
  address: '10.0.0.1',
  settings: { failedLogins: 4, lockoutSeconds: 300 },
  relays: 2,
};
const wrong = () => Promise.resolve(false);
const right = () => Promise.resolve(true);

function kindOf(attempt: Reply | { readonly isRight: boolean }): string {
  if (isReply(attempt)) return 'locked out';
  return attempt.isRight ? 'right' : 'wrong';
}

for (const count of [2, 3]) {
  describe(`${count} relays that count together`, () => {
    async function start(t: TestContext) {
      if (!needsCommand(t, 'redis-server')) return undefined;
      const store = await startStore(t);
      const relays = await Promise.all(Array.from({ length: count }, () => openLimits(t, aStoreConfig(store.port))));
      return { store, relays, terms: { relays: count } };
    }

    test('let through exactly what the limit says, and say when there will be more', async (t) => {
      const started = await start(t);
      if (started === undefined) return;
      const { relays, terms } = started;
      assert.equal(await countTaken(relays, 20, { limit: 25, ...terms }), 25);
      for (const relay of relays) {
        const refusal = await spend(relay, { limit: 25, ...terms });
        assert.ok(isReply(refusal));
        assert.match(
          refusal.lines.join(),
          /^Sending limit of SMTP\+ user orders\.shop reached, retry after 3[56]\d\d s$/,
        );
        // users and kinds of limits have windows of their own
        assert.ok(!isReply(await spend(relay, { user: 'other.shop', limit: 25, ...terms })));
        assert.ok(!isReply(await relay.rates.spend('recipientsPerDay', 'orders.shop', { recipientsPerDay: 9 })));
      }
    });

    test('give back what did not become a message, once', async (t) => {
      const started = await start(t);
      if (started === undefined) return;
      const { relays, terms } = started;
      const [one, other] = relays as [RelayLimits, RelayLimits];
      const ticket = await spend(one, { limit: 1, ...terms });
      assert.ok(!isReply(ticket));
      assert.ok(isReply(await spend(other, { limit: 1, ...terms })));
      ticket.giveBack();
      ticket.giveBack();
      await until(async () => !isReply(await spend(other, { limit: 1, ...terms })));
      assert.ok(isReply(await spend(one, { limit: 1, ...terms })));
    });

    test('take as many connections of a user as the limit says, and one more for each that ends', async (t) => {
      const started = await start(t);
      if (started === undefined) return;
      const { relays } = started;
      const allowed = { most: 7, relays: count };
      const all = relays.flatMap((relay) => Array.from({ length: 7 }, () => relay.connections.enter('u', allowed)));
      const entered = await Promise.all(all);
      assert.equal(entered.filter(Boolean).length, 7);
      const holder = relays[Math.floor(entered.indexOf(true) / 7)];
      const [first] = relays;
      assert.equal(await first?.connections.enter('u', allowed), false);
      holder?.connections.leave('u');
      await until(() => first?.connections.enter('u', allowed));
      assert.equal(await first?.connections.enter('u', allowed), false);
    });

    test('lock out after as many wrong passwords as the limit says, and tell nobody whether a further one is right', async (t) => {
      const started = await start(t);
      if (started === undefined) return;
      const { relays } = started;
      // each relay tries one at a time: all of them may look at a password before the first one is counted
      const all = relays.flatMap(({ logins }) => Array.from({ length: 6 }, () => logins.attempt(login, wrong)));
      const kinds = (await Promise.all(all)).map(kindOf);
      assert.equal(kinds.filter((kind) => kind === 'wrong').length, 4);
      for (const { logins } of relays) {
        assert.equal(kindOf(await logins.attempt(login, right)), 'locked out');
        assert.equal(kindOf(await logins.attempt({ ...login, address: '10.0.0.2' }, right)), 'right');
      }
    });

    test('refuse a right password that others have locked out while it was looked at', async (t) => {
      const started = await start(t);
      if (started === undefined) return;
      const [one, other] = started.relays as [RelayLimits, RelayLimits];
      const attempt = await one.logins.attempt(login, async () => {
        for (let i = 0; i < 4; i++) assert.equal(kindOf(await other.logins.attempt(login, wrong)), 'wrong');
        return true;
      });
      assert.equal(kindOf(attempt), 'locked out');
    });

    test('forget wrong passwords when the user logs in, at whichever', async (t) => {
      const started = await start(t);
      if (started === undefined) return;
      const [one, other] = started.relays as [RelayLimits, RelayLimits];
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 3; i++) assert.equal(kindOf(await one.logins.attempt(login, wrong)), 'wrong');
        assert.equal(kindOf(await other.logins.attempt(login, right)), 'right');
      }
    });
  });
}

describe('a store', () => {
  test('that is killed leaves each relay with its share, and counts again once it is back, what is open then among it', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const relays = await Promise.all([1, 2].map(() => openLimits(t, aStoreConfig(store.port))));
    const [one, other] = relays as [RelayLimits, RelayLimits];
    const allowed = { most: 4, relays: 2 };
    assert.equal(await one.connections.enter('u', allowed), true);
    await store.kill();
    for (const relay of relays) await relay.untilAway();
    for (const relay of relays) assert.equal(await countTaken([relay], 9, { limit: 10 }), 5);
    assert.equal(await one.connections.enter('u', allowed), true);
    assert.equal(await one.connections.enter('u', allowed), false);
    assert.match(one.counters.concern() ?? '', /^the shared counters are away: this relay allows its share/);
    assert.match(await one.counters.metrics(), /^smtpplus_shared_counters_up 0$/m);

    await store.startAnew();
    for (const relay of relays) await relay.untilUp();
    assert.match(await one.counters.metrics(), /^smtpplus_shared_counters_up 1$/m);
    // two of the four are open at the one
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => other.connections.enter('u', allowed))), [
      true,
      true,
      false,
    ]);
    assert.equal(await countTaken(relays, 9, { limit: 10 }), 10);
    const told = one.lines.map(({ msg }) => msg).filter((msg) => msg !== 'shared counters are still away');
    assert.deepEqual(told, [
      'the limits of users are counted together with the other relays',
      'shared counters are away: this relay allows its share of each limit',
      'the limits of users are counted together with the other relays',
    ]);
  });

  test('that hangs is waited for once and no longer, and counts again when it goes on', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const relay = await openLimits(t, aStoreConfig(store.port, IMPATIENT));
    await until(async () => (await countTaken([relay], 1, { user: 'first', limit: 10 })) === 1);
    await store.pause();
    assert.equal(await countTaken([relay], 20, { limit: 10 }), 5);
    assert.notEqual(relay.counters.concern(), undefined);
    store.goOn();
    await relay.untilUp();
  });

  test('that has forgotten everything lets a relay take no more than twice a limit', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const relay = await openLimits(t, aStoreConfig(store.port));
    let taken = 0;
    for (let i = 0; i < 5; i++) {
      taken += await countTaken([relay], 10, { limit: 6 });
      const [key = ''] = (await store.ask('KEYS', 'smtp-plus:rate:*')).split('\n');
      await store.ask('DEL', key);
    }
    assert.equal(taken, 12);
  });

  test('has its scripts again when it has forgotten them', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const relay = await openLimits(t, aStoreConfig(store.port));
    await store.ask('SCRIPT', 'FLUSH');
    assert.equal(await countTaken([relay], 9, { limit: 6 }), 6);
  });

  test('forgets the connections of a relay that was killed, and keeps those of the others', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const allowed = { most: 2, relays: 2 };
    const dead = await openLimits(t, aStoreConfig(store.port), { lookMs: 100 });
    const alive = await openLimits(t, aStoreConfig(store.port));
    assert.equal(await dead.connections.enter('u', allowed), true);
    assert.equal(await alive.connections.enter('u', allowed), true);
    dead.counters.close();
    await until(() => alive.connections.enter('u', allowed));
    assert.equal(await alive.connections.enter('u', allowed), false);
    assert.deepEqual(
      dead.lines.filter(({ level }) => level === 'warn'),
      [],
    );
  });

  test('is told again and again of connections that stay open', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const relay = await openLimits(t, aStoreConfig(store.port), { lookMs: 500 });
    for (let i = 0; i < 300; i++) await relay.connections.enter(`u${i}`, { most: 1, relays: 1 });
    await store.ask('FLUSHALL');
    await until(async () => Number(await store.ask('DBSIZE')) >= 300);
  });

  test('learns no address and no name of a user, and holds nothing for longer than it is of use', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const relay = await openLimits(t, aStoreConfig(store.port));
    await spend(relay, { limit: 5 });
    await relay.logins.attempt(login, wrong);
    await relay.connections.enter('orders.shop', { most: 5, relays: 1 });
    const keys = (await store.ask('KEYS', '*')).split('\n');
    for (const kind of ['rate', 'failures', 'connections', 'check']) {
      assert.ok(keys.some((key) => key.startsWith(`smtp-plus:${kind}:`)));
    }
    for (const key of keys) {
      assert.match(key, /^smtp-plus:(rate|failures|connections|check):[\w-]{22}$/);
      const left = Number(await store.ask('PTTL', key));
      // by now, that of a look at the store may be gone
      assert.ok(left === -2 || (left > 0 && left <= 3_600_000), `${key}: ${left}`);
      assert.doesNotMatch(await store.ask('DUMP', key), /orders|10\.0/);
    }
  });

  test('keeps installations apart, whatever their users are called', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const store = await startStore(t);
    const one = await openLimits(t, aStoreConfig(store.port));
    const other = await openLimits(t, aStoreConfig(store.port, { hashKey: 'cd'.repeat(32) }));
    assert.equal(await countTaken([one, other], 9, { limit: 5 }), 10);
  });

  test('is used by the settings in force: another one, none', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const [before, after] = await Promise.all([startStore(t), startStore(t)]);
    const relay = await openLimits(t, aStoreConfig(before.port), { lookMs: 100 });
    relay.settings.current = aStoreConfig(after.port);
    await until(async () => {
      await spend(relay, { limit: 100_000 });
      return (await after.ask('KEYS', '*')).includes(':rate:');
    });
    relay.settings.current = undefined;
    await until(async () => (await relay.counters.metrics()) === '');
    assert.equal(relay.counters.concern(), undefined);
  });
});

test('a store is reached by the program as it is shipped, too', async (t) => {
  if (!needsCommand(t, 'redis-server')) return;
  const store = await startStore(t);
  const folder = await folderOf(t);
  await bundle({ counters: 'relay/counters/shared-counters.ts' }, folder);
  const shipped = (await import(path.join(folder, 'counters.js'))) as {
    createSharedCounters: typeof createSharedCounters;
  };
  const { log } = captureLog();
  const counters = shipped.createSharedCounters({ settings: () => Promise.resolve(aStoreConfig(store.port)), log });
  t.after(counters.close);
  await counters.start();
  await until(() => counters.concern() === undefined);
  assert.equal((await counters.spend('messagesPerHour', 'u', { limit: 1, windowMs: 60_000 }))?.isCounted, true);
});

describe('a store that wants to be sure who asks', () => {
  test('is logged in to over TLS, with its certificate verified', async (t) => {
    if (!needsCommand(t, 'redis-server')) return;
    const folder = await folderOf(t);
    const { ca, cert, key } = await ensureCertificates(path.join(folder, 'tls'), { hostnames: ['store.example'] });
    await writeFile(path.join(folder, 'cert.pem'), cert);
    await writeFile(path.join(folder, 'key.pem'), key);
    await writeFile(
      path.join(folder, 'users.acl'),
      'user default off\nuser relay on >secret ~smtp-plus:* +eval +evalsha +time +hmget +hset +hincrby +pexpire +del +zremrangebyscore +zcard +zadd +zrem\n',
    );
    const files = ['cert', 'key'].flatMap((name) => [`--tls-${name}-file`, path.join(folder, `${name}.pem`)]);
    const store = await startStore(t, (port) => [
      '--port',
      '0',
      '--tls-port',
      String(port),
      '--tls-auth-clients',
      'no',
      '--aclfile',
      path.join(folder, 'users.acl'),
      ...files,
    ]);
    const access = { username: 'relay', password: 'secret', tls: { serverName: 'store.example', ca } };
    const relay = await openLimits(t, aStoreConfig(store.port, access));
    assert.equal(await countTaken([relay], 9, { limit: 6 }), 6);
    assert.equal(await relay.connections.enter('u', { most: 1, relays: 1 }), true);
    assert.equal(kindOf(await relay.logins.attempt(login, wrong)), 'wrong');
    assert.equal(kindOf(await relay.logins.attempt(login, right)), 'right');
    assert.equal(relay.counters.concern(), undefined);

    const refused = [
      [{ ...access, password: 'not-the-password' }, /WRONGPASS/],
      [{ ...access, tls: { serverName: 'store.example' } }, /certificate/],
      [{ ...access, tls: { ca } }, /certificate's altnames|IP/],
      [{ tls: access.tls }, /NOAUTH/],
    ] as const;
    for (const [overrides, why] of refused) {
      const outside = await openLimits(t, aStoreConfig(store.port, overrides), { isUp: false });
      const { why: told } = await until(() => outside.lines.find(({ msg }) => String(msg).includes('are away')));
      assert.match(String(told), why);
      assert.equal(await countTaken([outside], 9, { limit: 6 }), 3);
      assert.doesNotMatch(JSON.stringify(outside.lines), /not-the-password|secret/);
    }
  });
});

/** What may come in place of an answer. */
const NONSENSE: Readonly<Record<string, string>> = {
  'yes to everything': '*4\r\n:1\r\n:0\r\n:1\r\n:5000\r\n',
  'no to everything': '*4\r\n:0\r\n:0\r\n:1\r\n:5000\r\n',
  'OK to everything': '+OK\r\n',
  'more answers than questions': '+OK\r\n+OK\r\n+OK\r\n-ERR\r\n:1\r\n$-1\r\n*-1\r\n',
  'another protocol': 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n',
  'a list longer than memory': '*99999999999\r\n',
  'lists in lists without end': '*1\r\n'.repeat(60_000),
  'a string longer than memory': '$99999999999\r\nabc',
  'numbers that are none': '*4\r\n:1\r\n:NaN\r\n:9999999999999999999999\r\n:-1\r\n',
  'another place to go': '-MOVED 3999 192.0.2.1:6379\r\n',
  'an error of many lines': `-ERR ${'\u001b[2J x'.repeat(2000)}\r\n`,
  nothing: '',
};

describe('a store that answers', () => {
  for (const [what, answer] of Object.entries(NONSENSE)) {
    test(`${what} is not used: each relay allows its share`, async (t) => {
      const liar = await startLiar(t, () => answer);
      const relay = await openLimits(t, aStoreConfig(liar.port, IMPATIENT), { isUp: false });
      const line = await until(() => relay.lines.find(({ msg }) => String(msg).includes('are away')));
      assert.match(String(line['why']), /^[\x20-\x7e]{1,400}$/);
      assert.equal(await countTaken([relay], 20, { limit: 10 }), 5);
      assert.equal(kindOf(await relay.logins.attempt(login, right)), 'right');
      assert.equal(await relay.connections.enter('u', { most: 2, relays: 2 }), true);
    });
  }

  test('sensibly for a while, and then nonsense, is not used any more', async (t) => {
    let isHonest = true;
    // the first of two questions of the look is counted, the second one is not
    let asked = 0;
    const liar = await startLiar(t, () =>
      isHonest ? `*4\r\n:${++asked % 2}\r\n:1\r\n:1\r\n:5000\r\n` : '*1\r\n:7\r\n',
    );
    const relay = await openLimits(t, aStoreConfig(liar.port));
    isHonest = false;
    assert.equal(await countTaken([relay], 20, { limit: 10 }), 5);
    await relay.untilAway();
  });
});
