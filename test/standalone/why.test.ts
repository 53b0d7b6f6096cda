/** What the commands tell of a message that was sent, refused or captured. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { jsonOf, runCommand } from '../support/command.ts';
import { sender, user } from '../support/directory.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { delivered } from '../support/outbox.ts';
import { replyTo } from '../support/send.ts';
import { startStandalone, statusOf } from '../support/standalone.ts';

const MANIFESTS = [sender, user('app')].join('---\n');
const HASHED = 'classes: {default: {log: {addresses: hashed}, existingSenders: [{shop: shop.example}]}}\n';

async function start(t: TestContext, settings: string) {
  const folder = await folderOf(t, { 'all.yaml': MANIFESTS, 'settings.yaml': settings });
  const process = await startStandalone(t, { folder });
  await until(async () => (await statusOf(process.state, 'SmtpPlusUser', 'shop', 'app')).condition('Ready')?.status);
  /** The log as a file, once it has a line with all of these texts. */
  const logWith = async (...texts: readonly string[]): Promise<string> => {
    await until(() => process.lines.find((line) => texts.every((one) => line.includes(one))));
    const file = join(await folderOf(t), 'log');
    await writeFile(file, process.lines.map((line) => `${line}\n`).join(''));
    return file;
  };
  return { ...process, at: ['--state', process.state], logWith };
}

const PLAIN = HASHED.replace('log: {addresses: hashed}, ', '');
const MAIL = {
  from: 'a@shop.example',
  to: 'ann@elsewhere.example',
  subject: 'Grüße',
  text: 'Hello',
  messageId: '<Order-1@shop.example>',
};

async function send(server: Awaited<ReturnType<typeof start>>, mail: object = {}): Promise<string> {
  const reply = await replyTo(server, 'app-smtp', { ...MAIL, ...mail });
  return /queued as (\w+)/.exec(reply)?.[1] ?? reply;
}

describe('why', () => {
  test('tells all about a message, by its queue id, its Message-ID and its recipient', async (t) => {
    const server = await start(t, PLAIN);
    const id = await send(server);
    await send(server, { to: 'joann@elsewhere.example', messageId: '<Order-2@shop.example>' });
    await delivered(server.state, 2);
    const log = await server.logWith('"delivered"', 'joann@');
    await until(async () =>
      (await jsonOf<{ matched: number }>(['queue', 'list', ...server.at])).matched === 0 ? true : undefined,
    );
    for (const what of [id, '<Order-1@shop.example>', 'order-1@shop.example', 'ann@elsewhere.example']) {
      const { code, stdout } = await runCommand(['why', what, '--log', log, ...server.at]);
      assert.equal(code, 0, stdout);
      assert.match(stdout, new RegExp(`^${id}: not in the queue; last: delivered`), what);
      assert.match(stdout, / message .*from=a@shop\.example.*to=ann@elsewhere\.example/);
      assert.doesNotMatch(stdout, /joann/);
    }
    const piped = await runCommand(['why', id, '--log', '-', ...server.at], { stdin: server.lines.join('\n') });
    assert.match(piped.stdout, /last: delivered/);
  });

  test('finds addresses that the log hides behind hashes', async (t) => {
    const server = await start(t, HASHED);
    const id = await send(server);
    const log = await server.logWith('"delivered"', id);
    for (const what of ['ann@elsewhere.example', '<Order-1@shop.example>']) {
      const { stdout } = await runCommand(['why', what, '--log', log, ...server.at]);
      assert.match(stdout, new RegExp(`^${id}: `), what);
      assert.doesNotMatch(stdout, /ann@/);
    }
  });

  test('tells of a recipient who was refused before there was a message, and of mail that still waits', async (t) => {
    const server = await start(t, PLAIN);
    await send(server, { to: 'reject@elsewhere.example' });
    const id = await send(server, { to: 'tempfail@elsewhere.example' });
    const log = await server.logWith('"deferred"', id);
    const refused = await runCommand(['why', 'reject@elsewhere.example', '--log', log, ...server.at]);
    assert.match(
      refused.stdout,
      /^Before there was a message:\n.* refused .*550|^Before there was a message:\n.* refused /,
    );
    await until(async () =>
      (await runCommand(['why', id, ...server.at])).stdout.startsWith(`${id}: in the queue, waiting, tried again at `),
    );
  });

  test('says where it has looked when it has found nothing', async (t) => {
    const server = await start(t, PLAIN);
    const nothing = await runCommand(['why', 'nobody@elsewhere.example', ...server.at]);
    assert.deepEqual([nothing.code, nothing.stdout], [1, '']);
    assert.match(nothing.stderr, /no log was named \(--log FILE, or - for standard input\)/);
    const missing = await runCommand(['why', 'nobody@elsewhere.example', '--log', '/nowhere/log', ...server.at]);
    assert.deepEqual(
      [missing.code, missing.stderr.startsWith('error: /nowhere/log cannot be read: no such file')],
      [2, true],
    );
    await server.stop();
    const gone = await runCommand(['why', '01M8G7DN49HC8RGJ7N', ...server.at]);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /^warning: the queues could not be asked: no relay has its spool open/);
  });
});

test('audit adds up whom an auditing list would have refused', async (t) => {
  const line = (fields: object) => JSON.stringify({ level: 'warn', time: '2026-01-01T00:00:00.000Z', ...fields });
  const audited = {
    msg: 'audited',
    list: 'shop/a',
    user: 'app.shop',
    reason: 'from_not_authorized',
    from: 'me@other.example',
  };
  const lines = [
    line(audited),
    line({ ...audited, time: '2026-01-02T00:00:00.000Z' }),
    line({ ...audited, user: 'other.shop' }),
    line({ ...audited, msg: 'message', note: 'audited' }),
    'no JSON with "audited" in it',
  ].join('\n');
  const { code, stdout } = await runCommand(['audit', '--log', '-'], { stdin: lines });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^LIST +USER +WOULD BE REFUSED +FROM +MESSAGES +FIRST +LAST\nshop\/a +app\.shop +from_not_authorized +me@other\.example +2 +2026-01-01T00:00Z +2026-01-02T00:00Z\nshop\/a +other\.shop .* 1 /,
  );
  assert.equal(stdout.trim().split('\n').length, 3);
  const nobody = await runCommand(['audit', '--log', '-']);
  assert.match(nobody.stdout, /^Nobody would have been refused/);
  const state = await folderOf(t);
  const unnamed = await runCommand(['audit', '--state', state]);
  assert.deepEqual([unnamed.code, unnamed.stderr.includes('name the file with --log FILE')], [2, true]);
});

test('captured mail is listed and shown, and steers no terminal', async (t) => {
  const server = await start(t, PLAIN);
  assert.equal((await runCommand(['mail', 'list', ...server.at])).stdout, 'No mail has been captured.\n');
  const id = await send(server, { text: 'red: \u001b[31m' });
  await delivered(server.state, 1);
  const { stdout } = await runCommand(['mail', 'list', ...server.at]);
  assert.match(
    stdout,
    new RegExp(`^ID +TIME +USER +FROM +TO +SUBJECT\n${id} .* a@shop\\.example +ann@elsewhere\\.example +Grüße$`, 'm'),
  );
  const shown = await runCommand(['mail', 'show', 'latest', ...server.at]);
  assert.match(
    shown.stdout,
    new RegExp(`^Envelope of ${id}, [^]*\n {2}To: ann@elsewhere\\.example\n\n[^]*Subject: [^]*red: `),
  );
  assert.ok(!shown.stdout.includes('\u001b'));
  const none = await runCommand(['mail', 'show', 'NOSUCHID', ...server.at]);
  assert.deepEqual([none.code, none.stderr.startsWith('error: no captured message NOSUCHID')], [1, true]);
});
