/** The queue commands on one process: what they show, what they do, and what is left of it after a crash. */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { jsonOf, runCommand } from '../support/command.ts';
import { sender, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { delivered, sentByUsers } from '../support/outbox.ts';
import { transportOf } from '../support/send.ts';
import { startStandalone, statusOf, type Standalone } from '../support/standalone.ts';

const MANIFESTS = [sender, user('app')].join('---\n');
/** The capture upstream defers it each time; `tempfail-1` the first time only. */
const STUCK = 'tempfail@elsewhere.example';

interface Listed {
  readonly messages: readonly {
    readonly id: string;
    readonly state: string;
    readonly attempts: number;
    readonly held?: { readonly by: string };
  }[];
  readonly matched: number;
}

interface Started extends Standalone {
  readonly at: readonly string[];
}

async function start(
  t: TestContext,
  { state, flags = [] }: { state?: string; flags?: string[] } = {},
): Promise<Started> {
  const folder = await folderOf(t, { 'all.yaml': MANIFESTS });
  const vouched = ['--existing-sender', 'shop=shop.example', ...flags];
  const process = await startStandalone(t, { folder, flags: vouched, ...(state !== undefined && { state }) });
  await until(async () => (await statusOf(process.state, 'SmtpPlusUser', 'shop', 'app')).condition('Ready')?.status);
  return { ...process, at: ['--state', process.state] };
}

/** Sends a mail, and resolves with its queue id. */
async function submit(server: Started, to: string): Promise<string> {
  const transport = await transportOf(server, 'app-smtp');
  try {
    const { response } = await transport.sendMail({ from: 'a@shop.example', to, subject: 'Hello', text: 'x' });
    return /queued as (\w+)/.exec(response)?.[1] ?? assert.fail(response);
  } finally {
    transport.close();
  }
}

const list = (at: readonly string[], ...words: readonly string[]) => jsonOf<Listed>(['queue', 'list', ...words, ...at]);

/** A message that its first attempt has left waiting for a time. */
async function submitStuck(server: Started): Promise<string> {
  const id = await submit(server, STUCK);
  await until(async () => (await list(server.at)).messages.some((one) => one.id === id && one.state === 'waiting'));
  return id;
}

describe('the queue of one process', () => {
  test('is shown with what the smart host said, and when it is asked again', async (t) => {
    const server = await start(t);
    assert.equal((await runCommand(['queue', 'list', ...server.at])).stdout, 'No message waits.\n');
    const id = await submitStuck(server);
    const { stdout } = await runCommand(['queue', 'list', ...server.at]);
    assert.match(
      stdout,
      new RegExp(
        `^${id} +waiting +\\S+ +\\S+Z +1 +\\S+ +a@shop\\.example +tempfail@elsewhere\\.example +451 4\\.3\\.0 `,
        'm',
      ),
    );
    const shown = await runCommand(['queue', 'show', id, ...server.at]);
    assert.match(
      shown.stdout,
      /State: waiting, tried again at .*\n[^]*User: app\.shop\n[^]*tempfail@elsewhere\.example\n {6}451 4\.3\.0/,
    );
    assert.doesNotMatch(shown.stdout, /Subject/);
    const none = await runCommand(['queue', 'show', 'NOSUCHID', ...server.at]);
    assert.deepEqual([none.code, /no message NOSUCHID waits/.test(none.stderr)], [1, true]);
    assert.equal((await list(server.at, '--user', 'other.shop')).matched, 0);
    assert.equal((await list(server.at, '--limit', '0')).matched, 1);
  });

  test('is tried again when somebody says so', async (t) => {
    const server = await start(t);
    const id = await submit(server, 'tempfail-1@elsewhere.example');
    await until(async () => (await list(server.at)).messages[0]?.state === 'waiting');
    const { code, stdout } = await runCommand(['queue', 'retry', id, ...server.at]);
    assert.deepEqual([code, stdout], [0, '1 message tried now\n']);
    await delivered(server.state, 1);
    await until(async () => (await list(server.at)).matched === 0);
  });

  test('keeps what is held, through a crash, until it is released', async (t) => {
    const first = await start(t);
    const id = await submitStuck(first);
    const held = await runCommand(['queue', 'hold', id, ...first.at]);
    assert.deepEqual([held.code, held.stdout], [0, '1 message held\n']);
    const line = await until(() => first.lines.find((one) => one.includes('"action":"hold"')));
    assert.match(line, new RegExp(`"id":"${id}"`));
    assert.match(line, /"by":"[^"]+ on [^"]+"/);
    first.kill('SIGKILL');
    await first.exited;
    const second = await start(t, { state: first.state });
    const [message] = (await list(second.at)).messages;
    assert.deepEqual([message?.id, message?.state], [id, 'held']);
    // neither its time nor somebody who is in a hurry moves it
    const retried = await jsonOf<{ unchanged: string[] }>(['queue', 'retry', id, ...second.at]);
    assert.deepEqual(retried.unchanged, [id]);
    assert.equal((await list(second.at)).messages[0]?.attempts, message?.attempts);
    assert.equal(
      (await runCommand(['queue', 'release', '--only', 'held', ...second.at])).stdout,
      '1 message released\n',
    );
    await until(async () => ((await list(second.at)).messages[0]?.attempts ?? 0) > (message?.attempts ?? 0));
  });

  test('loses what is dropped for good, and only when that is meant', async (t) => {
    const first = await start(t);
    const [id, other] = [await submitStuck(first), await submitStuck(first)];
    const unsure = await runCommand(['queue', 'drop', id, ...first.at]);
    assert.equal(unsure.code, 2);
    assert.match(unsure.stderr, /1 message will be gone for good, .*add --yes/);
    assert.equal((await list(first.at)).matched, 2);
    assert.equal((await runCommand(['queue', 'drop', id, '--yes', ...first.at])).stdout, '1 message dropped\n');
    first.kill('SIGKILL');
    await first.exited;
    const second = await start(t, { state: first.state });
    assert.deepEqual(
      (await list(second.at)).messages.map((one) => one.id),
      [other],
    );
    assert.deepEqual(await sentByUsers(second.state), [], 'and its sender is told nothing');
  });

  test('gives out copies that only their owner can read, and overwrites nothing', async (t) => {
    const server = await start(t);
    const id = await submitStuck(server);
    const to = await folderOf(t);
    const { code, stderr } = await runCommand(['queue', 'export', id, '--to', to, ...server.at]);
    assert.equal(code, 0, stderr);
    const file = join(to, `${id}.eml`);
    const content = await readFile(file, 'utf8');
    assert.match(content, /^Received: [^]*Subject: Hello\r\n[^]*\r\n\r\nx/);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const again = await runCommand(['queue', 'export', id, '--to', to, ...server.at]);
    assert.deepEqual([again.code, /there is one of this name already/.test(again.stderr)], [1, true]);
    const piped = await runCommand(['queue', 'export', id, '--to', '-', ...server.at]);
    assert.equal(piped.stdout, content);
    assert.equal((await list(server.at)).matched, 1);
  });

  test('is that of all workers', async (t) => {
    const server = await start(t, { flags: ['--workers', '2'] });
    const ids = new Set<string>();
    for (let sent = 0; sent < 4; sent++) ids.add(await submit(server, STUCK));
    await until(async () => (await list(server.at, '--only', 'waiting')).matched === 4);
    assert.deepEqual(new Set((await list(server.at)).messages.map(({ id }) => id)), ids);
    const { code, stdout } = await runCommand(['queue', 'hold', '--list', (await aList(server)) ?? '', ...server.at]);
    assert.deepEqual([code, stdout], [0, '4 messages held\n']);
    assert.equal((await runCommand(['queue', 'drop', '--all', '--yes', ...server.at])).stdout, '4 messages dropped\n');
  });

  test('is changed by nobody who forgets to say which messages', async (t) => {
    const server = await start(t);
    await submitStuck(server);
    const { code, stderr } = await runCommand(['queue', 'hold', ...server.at]);
    assert.deepEqual([code, stderr.startsWith('error: say which messages')], [2, true]);
    const id = await runCommand(['queue', 'drop', '../x', '--yes', ...server.at]);
    assert.deepEqual([id.code, /is no queue id/.test(id.stderr)], [2, true]);
    assert.equal((await list(server.at, '--only', 'waiting')).matched, 1);
  });

  test('keeps a message that is named and does not match what else was asked for, and says so', async (t) => {
    const server = await start(t);
    const id = await submitStuck(server);
    const dropped = await runCommand(['queue', 'drop', id, '-n', 'other', '--yes', ...server.at]);
    assert.deepEqual([dropped.code, dropped.stdout], [1, '0 messages dropped\n']);
    assert.match(dropped.stderr, new RegExp(`^error: ${id} is there, and not among those that were asked for`));
    const { unselected } = await jsonOf<{ unselected: string[] }>(['queue', 'hold', id, '-n', 'other', ...server.at]);
    assert.deepEqual(unselected, [id]);
    assert.equal((await list(server.at, '--only', 'waiting')).matched, 1);
  });

  test('cannot be reached without a process, and says so', async (t) => {
    const server = await start(t);
    await server.stop();
    const { code, stderr } = await runCommand(['queue', 'list', ...server.at]);
    assert.equal(code, 2);
    assert.match(stderr, /no relay has its spool open in .*: it does not run/);
  });
});

describe('the admin socket', () => {
  const ask = async (server: Started, line: string): Promise<string> => {
    const socket = connect(join(server.state, 'spool/admin.sock'));
    socket.end(`${line}\n`);
    return text(socket);
  };

  test('is a file that only its owner may open', async (t) => {
    const { state } = await start(t);
    const { mode } = await stat(join(state, 'spool/admin.sock'));
    assert.equal(mode & 0o777, 0o600);
  });

  test('refuses what it does not know, and means nothing by nothing', async (t) => {
    const server = await start(t);
    await submitStuck(server);
    const drop = (select: object) => JSON.stringify({ do: 'drop', by: 'x', select, limit: 10 });
    for (const [request, problem] of [
      ['QUIT', 'no line of JSON'],
      ['{}', 'another version'],
      [drop({}), 'nothing says which messages'],
      [drop({ everything: true }), 'another version'],
      ['x'.repeat(2 * 1024 * 1024), 'too long'],
    ] as const) {
      assert.match(await ask(server, request), new RegExp(`^{"problem":".*${problem}`));
    }
    assert.equal((await list(server.at)).matched, 1);
    // and those who say nothing, or go away, keep nobody out
    for (let count = 0; count < 8; count++)
      connect(join(server.state, 'spool/admin.sock'))
        .on('error', () => {})
        .destroy();
    assert.equal((await list(server.at)).matched, 1);
  });
});

async function aList(server: Started): Promise<string | undefined> {
  const { messages } = await jsonOf<{ messages: { list: string }[] }>(['queue', 'list', ...server.at]);
  return messages[0]?.list;
}
