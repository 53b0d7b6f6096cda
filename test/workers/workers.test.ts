/** Several workers as one relay: real processes, which share a port. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ledTo, QUICK_DELIVERY } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { aClass, aUser, USER } from '../support/relay-config.ts';
import { openClient } from '../support/smtp-client.ts';
import { startUpstream } from '../support/upstream.ts';
import { isTaken, logIn, metric, open, page, send, startWorkers, untilWorkers } from './relay.ts';

function addressesOf(received: readonly { readonly to: readonly string[] }[]): string[] {
  return received.flatMap(({ to }) => to).sort();
}

describe('a relay of two workers', () => {
  test('takes mail in both, keeps it in spools of their own, delivers all of it, and counts it together', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    const sent: string[] = [];
    const act = async (client: Parameters<typeof send>[0]) => {
      await logIn(client);
      sent.push(`m${sent.length}@x.example`);
      assert.match(await send(client, sent.at(-1) ?? ''), /^250 /);
    };
    await untilWorkers(relay, 2, { act, says: isTaken });
    await until(() => upstream.received.length >= sent.length);
    assert.deepEqual(addressesOf(upstream.received), sent.sort());
    assert.ok(existsSync(path.join(relay.spool, 'queue.mdb')) && existsSync(path.join(relay.spool, 'w2', 'queue.mdb')));
    assert.equal(await metric(relay, 'messages_total'), sent.length);
    await until(async () => (await metric(relay, 'spool_messages')) === 0);
    assert.equal(await metric(relay, 'workers'), 2);
  });

  test('is ready, tells its documents and upstreams, and hands out its one certificate', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    assert.deepEqual(await page(relay, '/readyz'), { status: 200, text: 'ok\n' });
    assert.deepEqual(await page(relay, '/healthz'), { status: 200, text: 'ok\n' });
    const told = JSON.parse((await page(relay, '/configz')).text) as { class: string; documents: object };
    assert.equal(told.class, 'default');
    assert.equal(Object.keys(told.documents).length, 33);
    assert.deepEqual(told.documents, relay.relay.configHashes());
    const { upstreams } = JSON.parse((await page(relay, '/upstreamz')).text) as { upstreams: unknown };
    assert.deepEqual(upstreams, []);
  });

  test('says that a configuration is in force when it is in both', async (t) => {
    const upstream = await startUpstream(t);
    const config = ledTo(upstream.smartHost());
    const relay = await startWorkers(t, 2, { config });
    const before = relay.relay.configHashes()['class.json'];
    const late = relay.pidOf(2);
    process.kill(late, 'SIGSTOP');
    await relay.configure({ ...config, class: aClass({ delivery: QUICK_DELIVERY, hostname: 'new.example' }) });
    // the first one runs it, and greets with the new name
    await until(() => relay.relay.configHashes()['class.json'] === undefined);
    assert.equal(JSON.parse((await page(relay, '/configz')).text).documents['class.json'], undefined);
    process.kill(late, 'SIGCONT');
    const after = await until(() => relay.relay.configHashes()['class.json']);
    assert.notEqual(after, before);
    for (let i = 0; i < 8; i++) {
      const client = await open(relay);
      assert.match(await client.ask('EHLO client.example'), /^250-new\.example/);
    }
  });

  test('reads its configuration at once where it is told to', async (t) => {
    const upstream = await startUpstream(t);
    const config = ledTo(upstream.smartHost());
    const relay = await startWorkers(t, 2, { config });
    const before = relay.relay.configHashes()['class.json'];
    await relay.configure({ ...config, class: aClass({ delivery: QUICK_DELIVERY, hostname: 'new.example' }) });
    await relay.relay.reload();
    const after = relay.relay.configHashes()['class.json'];
    assert.ok(after !== undefined && after !== before);
  });

  test('ends in good order: a message that is coming in is taken, and what waits is there at the next start', async (t) => {
    const upstream = await startUpstream(t, { onContent: () => '451 4.3.0 later' });
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    const sent: string[] = [];
    const clients: Awaited<ReturnType<typeof open>>[] = [];
    const act = async (client: Parameters<typeof send>[0]) => {
      await logIn(client);
      sent.push(`m${sent.length}@x.example`);
      await send(client, sent.at(-1) ?? '');
    };
    await untilWorkers(relay, 2, { act, says: isTaken });
    for (let i = 0; i < 4; i++) {
      const client = await open(relay);
      await logIn(client);
      await client.ask('MAIL FROM:<orders@shop.example>');
      await client.ask(`RCPT TO:<late${i}@x.example>`);
      await client.ask('DATA');
      clients.push(client);
    }
    const closed = relay.close();
    await until(async () => (await page(relay, '/readyz')).text === 'shutting down\n');
    for (const [i, client] of clients.entries()) {
      assert.match(await client.ask('From: orders@shop.example\r\n\r\nhello\r\n.'), /^250 /);
      sent.push(`late${i}@x.example`);
    }
    await closed;
    const well = await startUpstream(t);
    await startWorkers(t, 2, { config: ledTo(well.smartHost()), folder: relay.folder });
    await until(() => well.received.length >= sent.length);
    assert.deepEqual(addressesOf(well.received), sent.sort());
  });

  test('serves a new certificate in both, and keeps the one before where key and certificate do not match', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    const { ensureCertificates } = await import('../../operator/certificates/self-signed.ts');
    const next = await ensureCertificates(path.join(relay.folder, 'next'), { hostnames: ['localhost'] });
    assert.throws(() => relay.relay.updateCertificates({ ...next, key: 'none' }));
    relay.relay.updateCertificates(next);
    // the channel keeps the order: whoever answers has heard of the certificate
    await relay.relay.reload();
    for (let i = 0; i < 8; i++) (await open({ ...relay, ca: next.ca })).destroy();
  });

  test('does not share its port with another relay', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    await assert.rejects(startWorkers(t, 2, { config: ledTo(upstream.smartHost()), port: relay.relay.ports[0] ?? 0 }), {
      code: 'EADDRINUSE',
    });
  });

  test('does not start where one of its spools cannot be used, and says which', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    await relay.close();
    await writeFile(path.join(relay.spool, 'w2', 'queue.mdb'), 'no database');
    await assert.rejects(startWorkers(t, 2, { config: ledTo(upstream.smartHost()), folder: relay.folder }), /w2/);
  });
});

describe('what holds for all workers together', () => {
  test('a rate of a user', async (t) => {
    const upstream = await startUpstream(t);
    const users = { [USER]: aUser({ limits: { messagesPerHour: 5 } }) };
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost(), { users }) });
    const answers: string[] = [];
    const act = async (client: Parameters<typeof send>[0]) => {
      await logIn(client);
      answers.push(await send(client, 'm@x.example'));
    };
    await untilWorkers(relay, 2, { act, says: ({ reason }) => reason === 'messages_per_hour' });
    assert.equal(answers.filter((answer) => answer.startsWith('250 ')).length, 5);
  });

  test('the connections of a user, also of one that was killed', async (t) => {
    const upstream = await startUpstream(t);
    const users = { [USER]: aUser({ limits: { connections: 3 } }) };
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost(), { users }) });
    const held = await Promise.all([open(relay), open(relay), open(relay)]);
    for (const client of held) assert.match(await logIn(client), /^235 /);
    const act = async (client: Parameters<typeof send>[0]) => assert.doesNotMatch(await logIn(client), /^235 /);
    await untilWorkers(relay, 2, { act, says: ({ reason }) => reason === 'user_conn_limited' });
    for (const worker of [1, 2]) process.kill(relay.pidOf(worker), 'SIGKILL');
    await until(async () => {
      const client = await open(relay);
      return (await logIn(client)).startsWith('235 ');
    });
  });

  test('the connections to a smart host, and of one that allows fewer than there are workers each has its turn', async (t) => {
    let [now, most] = [0, 0];
    const upstream = await startUpstream(t, {
      onContent: async () => {
        most = Math.max(most, ++now);
        // slower than mail comes in, so that both have some waiting
        await sleep(50);
        now--;
        return undefined;
      },
    });
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost({ maxConnections: 1 })) });
    let sent = 0;
    const act = async (client: Parameters<typeof send>[0]) => {
      await logIn(client);
      for (let i = 0; i < 10; i++, sent++) assert.match(await send(client, 'm@x.example'), /^250 /);
    };
    await untilWorkers(relay, 2, { act, says: isTaken });
    await until(() => upstream.received.length >= sent);
    assert.equal(most, 1);
  });

  test('the number of connections', async (t) => {
    const upstream = await startUpstream(t);
    const relayClass = aClass({ session: { connections: 6 } });
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost(), { relayClass }) });
    // strangers, who give way to each other
    const clients = await Promise.all(Array.from({ length: 40 }, () => openClient(relay.relay.ports[0] ?? 0)));
    await Promise.all(clients.map((client) => client.reply().catch(() => '')));
    await until(async () => (await metric(relay, 'connections')) <= 6);
  });

  test('a lock-out after wrong passwords', async (t) => {
    const upstream = await startUpstream(t);
    const relayClass = aClass({ session: { failedLogins: 3 } });
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost(), { relayClass }) });
    const answers: string[] = [];
    const act = async (client: Parameters<typeof send>[0]) => {
      answers.push(await logIn(client, answers.length < 3 ? 'wrong' : undefined));
    };
    await untilWorkers(relay, 2, { act, says: ({ reason }) => reason === 'auth_throttled' });
    assert.deepEqual(
      answers.slice(0, 3).map((answer) => answer.slice(0, 3)),
      ['535', '535', '535'],
    );
    for (const answer of answers.slice(3)) assert.match(answer, /^4/);
  });

  test('guesses of one password side by side count like guesses in a row', async (t) => {
    const upstream = await startUpstream(t);
    const relayClass = aClass({ session: { failedLogins: 3 } });
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost(), { relayClass }) });
    const clients = await Promise.all(Array.from({ length: 12 }, () => open(relay)));
    const answers = await Promise.all(clients.map((client) => logIn(client, 'wrong')));
    assert.equal(answers.filter((answer) => answer.startsWith('535')).length, 3);
  });
});

test('workers that cannot share ports are refused with a way out, and one of them needs nothing', async () => {
  const { workersFor } = await import('../../relay/workers/worker-count.ts');
  const old = { cores: 4, memoryBytes: 2 ** 33, canSharePorts: () => Promise.resolve(false) };
  await assert.rejects(workersFor(2, old), /Set workers to 1/);
  assert.equal(await workersFor('auto', old), 1);
  assert.equal(await workersFor(1, old), 1);
});
