/** Workers that end by themselves, parents that do, and numbers of workers that change. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ledTo, writeConfig } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { isRunning } from '../support/is-running.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import type { FromRelay } from '../torture/relay-process.ts';
import { isTaken, logIn, metric, open, page, type RelayOfWorkers, send, startWorkers, untilWorkers } from './relay.ts';

const RELAY = path.join(import.meta.dirname, '../torture/relay-process.ts');

/** Sends mail until so many workers have taken some. Returns its recipients. */
async function sendToAll(relay: RelayOfWorkers, workers: number, name: string): Promise<string[]> {
  const sent: string[] = [];
  const act = async (client: Parameters<typeof send>[0]) => {
    await logIn(client);
    sent.push(`${name}${sent.length}@x.example`);
    assert.match(await send(client, sent.at(-1) ?? ''), /^250 /);
  };
  await untilWorkers(relay, workers, { act, says: isTaken });
  return sent;
}

async function untilArrived({ received }: Upstream, sent: readonly string[]): Promise<void> {
  await until(() => received.length >= sent.length);
  assert.deepEqual(received.flatMap(({ to }) => to).sort(), [...sent].sort());
}

describe('a worker that is killed', () => {
  test('is replaced, and what it had taken is delivered; its counts stay, and the log says why', async (t) => {
    const later = await startUpstream(t, { onContent: () => '451 4.3.0 later' });
    const config = ledTo(later.smartHost());
    const relay = await startWorkers(t, 2, { config });
    const sent = await sendToAll(relay, 2, 'm');
    const counted = await metric(relay, 'messages_total');
    assert.equal(counted, sent.length);
    const pid = relay.pidOf(2);
    process.kill(pid, 'SIGKILL');
    await until(() => relay.pidOf(2) !== pid);
    assert.equal(await metric(relay, 'messages_total'), counted);
    assert.equal(await metric(relay, 'workers_ended_total'), 1);
    assert.equal(await metric(relay, 'workers'), 2);
    const line = relay.lines.find(({ msg }) => msg === 'a worker ended; another one takes its place');
    assert.deepEqual([line?.['worker'], line?.['why'], line?.['level']], [2, 'signal SIGKILL', 'error']);
    const upstream = await startUpstream(t);
    await relay.configure(ledTo(upstream.smartHost()));
    await untilArrived(upstream, sent);
  });

  test('while it cannot start is tried more and more rarely, and the other one serves', async (t) => {
    const upstream = await startUpstream(t);
    const relay = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    const file = path.join(relay.spool, 'w2', 'queue.mdb');
    const pid = relay.pidOf(2);
    process.kill(pid, 'SIGKILL');
    await until(() => relay.lines.some(({ msg }) => msg === 'a worker ended; another one takes its place'));
    await copyFile(file, `${file}.good`);
    await writeFile(file, 'no database');
    const waits = () => relay.lines.filter(({ waitMs }) => waitMs !== undefined).map(({ waitMs }) => Number(waitMs));
    await until(() => waits().length >= 4);
    assert.deepEqual(waits().slice(0, 4), [100, 200, 400, 800]);
    assert.equal(await metric(relay, 'workers'), 1);
    assert.equal((await page(relay, '/readyz')).status, 200);
    const client = await open(relay);
    await logIn(client);
    assert.match(await send(client, 'm@x.example'), /^250 /);
    await copyFile(`${file}.good`, file);
    await until(() => relay.pidOf(2) !== pid);
  });
});

test('workers end with a parent that is killed, and leave its port to the next one', async (t) => {
  const upstream = await startUpstream(t);
  const folder = await folderOf(t);
  await writeConfig(path.join(folder, 'relay'), ledTo(upstream.smartHost()));
  const parent = fork(RELAY, [folder, '2'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  t.after(() => parent.kill('SIGKILL'));
  const pids: number[] = [];
  const port = await new Promise<number>((resolve) => {
    parent.on('message', (message: FromRelay) => {
      if (message.kind === 'worker') pids.push(message.pid);
      else if (message.kind === 'ready') resolve(message.port);
    });
  });
  assert.equal(pids.length, 2);
  assert.ok(pids.every(isRunning));
  t.after(() => pids.filter(isRunning).forEach((pid) => process.kill(pid, 'SIGKILL')));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !pids.some(isRunning));
  const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  // its locks are free, too
  await startWorkers(t, 2, { config: ledTo(upstream.smartHost()), folder });
});

describe('another number of workers', () => {
  test('3, then 1, then 3: what each of them left is delivered, and spools that nobody has any more are removed', async (t) => {
    const later = await startUpstream(t, { onContent: () => '451 4.3.0 later' });
    const three = await startWorkers(t, 3, { config: ledTo(later.smartHost()) });
    const first = await sendToAll(three, 3, 'a');
    await three.close();

    // none of it can be delivered yet: it stays, and is told of
    const one = await startWorkers(t, 1, { config: ledTo(later.smartHost()), folder: three.folder });
    await until(async () => (await metric(one, 'spool_messages')) === first.length);
    const second = await sendToAll(one, 1, 'b');
    const upstream = await startUpstream(t);
    await one.configure(ledTo(upstream.smartHost()));
    await untilArrived(upstream, [...first, ...second]);
    await until(() => !existsSync(path.join(one.spool, 'w2')) && !existsSync(path.join(one.spool, 'w3')));
    await until(async () => (await metric(one, 'spool_messages')) === 0);
    assert.equal(await metric(one, 'workers_ended_total'), 0);
    await one.configure(ledTo(later.smartHost()));
    await one.relay.reload();
    const third = await sendToAll(one, 1, 'c');
    await one.close();

    const again = await startUpstream(t);
    const threeAgain = await startWorkers(t, 3, { config: ledTo(again.smartHost()), folder: three.folder });
    const fourth = await sendToAll(threeAgain, 3, 'd');
    await untilArrived(again, [...third, ...fourth]);
  });

  test('a spool that is left behind and cannot be read keeps nobody from sending mail, and the log says so', async (t) => {
    const upstream = await startUpstream(t);
    const config = ledTo(upstream.smartHost());
    const two = await startWorkers(t, 2, { config });
    await two.close();
    await writeFile(path.join(two.spool, 'w2', 'queue.mdb'), 'no database');
    const one = await startWorkers(t, 1, { config, folder: two.folder });
    const sent = await sendToAll(one, 1, 'm');
    await untilArrived(upstream, sent);
    const line = await until(() => one.lines.find(({ waitMs }) => waitMs !== undefined));
    assert.equal(line['worker'], 2);
    assert.match(String(line['why']), /w2/);
  });

  test('a spool that is left behind is given to people where something in it is for them', async (t) => {
    const upstream = await startUpstream(t);
    const two = await startWorkers(t, 2, { config: ledTo(upstream.smartHost()) });
    await two.close();
    const kept = path.join(two.spool, 'w2', 'reports', 'A.eml');
    await writeFile(kept, 'for people');
    const one = await startWorkers(t, 1, { config: ledTo(upstream.smartHost()), folder: two.folder });
    await until(() => !existsSync(path.join(two.spool, 'w2', 'queue.mdb')));
    await one.close();
    assert.ok(existsSync(kept));
    assert.ok(!existsSync(path.join(two.spool, 'w2', 'bodies')));
  });
});
