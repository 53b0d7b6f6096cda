/** What `npm start` says on a terminal, and what where its output is piped. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { sender, user } from '../support/directory.ts';
import { folderOf } from '../support/folder.ts';
import { credentialsOf, runCli } from '../support/standalone.ts';
import { describeOnTerminal, runOnTerminal } from '../support/terminal.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const CLI = join(REPOSITORY, 'operator/cli.ts');
const CONSOLE = pathToFileURL(join(REPOSITORY, 'operator/standalone/console.ts')).href;

/** Two users who lack something, and a slip for the log. */
const FILES = {
  'settings.yaml': 'verification: {dns: Disabled}\n',
  'a.yaml': [sender, user('orders'), user('news')].join('---\n'),
  'b.yaml': user('slip').replace('SmtpPlusUser', 'SmtpPlusUsr'),
};
const FLAGS = ['--ports', '0', '--http', '0'];

/** A program with one slow step and one quick one. */
const STEPS = `
import { setTimeout as sleep } from 'node:timers/promises';
import { createConsole } from ${JSON.stringify(CONSOLE)};
const output = createConsole({ json: false });
await output.during('opening ports', () => sleep(1500));
await output.during('reading manifests', () => sleep(1));
await sleep(1200);
await output.during('failing', async () => { await sleep(1500); throw new Error('no'); }).catch(() => undefined);
`;

/** What is shown, but for the steps that a busy machine takes long for. */
function quick(shown: string): string {
  const text = stripVTControlCharacters(shown).replaceAll('\r', '');
  return text.replaceAll(/^\d\d:\d\d:\d\d info .* \.\.\.\n/gm, '');
}

describeOnTerminal('the console on a terminal', () => {
  test('prints lines for people, a table and `ready`, and ends on Ctrl-C', async (t) => {
    const [folder, state] = [await folderOf(t, FILES), await folderOf(t)];
    const terminal = runOnTerminal(t, [process.execPath, CLI, 'standalone', folder, '--state', state, ...FLAGS]);
    await terminal.shows('\nready\r\n');
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);

    const text = stripVTControlCharacters(terminal.shown()).replaceAll('\r', '');
    const slip = `${join(folder, 'b.yaml')}:2:1: no kind SmtpPlusUsr in`;
    assert.match(text, /^\d\d:\d\d:\d\d error /m);
    assert.ok(text.includes(slip), text);
    assert.match(text, /^LIST +USER +ACTIVE +SENDERS +SERVER +SECRET$/m);
    assert.match(text, /^\S+ +news\.shop +no: NoVerifiedSender +@shop\.example \(Pending\) +localhost:\d+ /m);
    assert.doesNotMatch(text, /^\{/m, 'no JSON');
    assert.ok(terminal.shown().includes('\x1b[31merror'), 'in colour');
  });

  test('says that it is stopping on Ctrl-C, once, although npm hands the signal on', async (t) => {
    const [folder, state] = [await folderOf(t, FILES), await folderOf(t)];
    const flags = ['--', folder, '--state', state, ...FLAGS];
    const terminal = runOnTerminal(t, ['npm', '--prefix', REPOSITORY, 'start', '--silent', ...flags]);
    await terminal.shows('\nready\r\n');
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);
    assert.equal(terminal.shown().split('stopping').length, 2, terminal.shown());
  });

  test('tells the table first, then what is the matter, then what to do', async (t) => {
    const state = await folderOf(t);
    const terminal = runOnTerminal(t, [process.execPath, CLI, 'standalone', '--state', state, ...FLAGS]);
    await terminal.shows('\nready\r\n');
    const text = quick(terminal.shown());
    assert.match(text, /^LIST +USER .*\n(shop\/\S+ .*\n){4}\n(\d\d:\d\d:\d\d warn .*\n){2}password: /);
  });

  for (const columns of [40, 80, 120]) {
    test(`prints no row of the table wider than ${columns} columns`, async (t) => {
      const state = await folderOf(t);
      const command = [process.execPath, CLI, 'standalone', '--state', state, ...FLAGS];
      const terminal = runOnTerminal(t, command, { columns });
      await terminal.shows('\nready\r\n');
      const lines = quick(terminal.shown()).split('\n');
      const table = lines.slice(0, lines.indexOf(''));
      assert.equal(table.length, 5, table.join('\n'));
      for (const line of table) assert.ok(line.length <= columns, line);
      if (columns === 80)
        assert.match(table[2] ?? '', /^newsletter\.shop +no: NoVerifiedSender +news@newsletter\.example \(Pending\)$/);
    });
  }

  test('quotes the paths of commands that people copy', async (t) => {
    const state = join(await folderOf(t), "it's mine");
    const terminal = runOnTerminal(t, [process.execPath, CLI, 'standalone', '--state', state, ...FLAGS]);
    await terminal.shows('\nready\r\n');
    const text = stripVTControlCharacters(terminal.shown());
    const [, password] = /^password: +(.*?)\r?$/m.exec(text) ?? [];
    const { stdout } = spawnSync('sh', ['-c', password ?? ''], { encoding: 'utf8' });
    assert.equal(stdout.trim(), (await credentialsOf(state, 'shop', 'orders-smtp')).password);
    const [, status] = /^why not: +(.*?)\r?$/m.exec(text) ?? [];
    assert.match(spawnSync('sh', ['-c', status ?? ''], { encoding: 'utf8' }).stdout, /^SmtpPlusUser shop\/campaigns$/m);
  });

  test('tells of many users by their number, and of those first that cannot send', async (t) => {
    const users = Array.from({ length: 60 }, (_, i) => user(`u${100 + i}`));
    const folder = await folderOf(t, { 'a.yaml': [sender, ...users, user('zero', 'active: false')].join('---\n') });
    const flags = ['--state', await folderOf(t), '--existing-sender', 'shop=shop.example', ...FLAGS];
    const terminal = runOnTerminal(t, [process.execPath, CLI, 'standalone', folder, ...flags]);
    await terminal.shows('\nready\r\n');
    const text = stripVTControlCharacters(terminal.shown()).replaceAll('\r', '');
    const lines = text.split('\n');
    const head = lines.findIndex((line) => line.includes('LIST ') && line.includes(' USER '));
    const rows = lines.slice(head + 1, lines.indexOf('', head));
    assert.equal(rows.length, 21, text);
    assert.match(rows[0] ?? '', /zero\.shop +no: /);
    assert.match(rows.at(-1) ?? '', /^\.\.\. 61 users in all, of whom 60 can send: see .*status\/SmtpPlusUser$/);
  });

  test('prints the table on the terminal, and JSON only into stdout, where that is redirected', async (t) => {
    const [state, stdoutFile] = [await folderOf(t), join(await folderOf(t), 'log')];
    const command = [process.execPath, CLI, 'standalone', '--state', state, ...FLAGS];
    const terminal = runOnTerminal(t, command, { stdoutFile });
    await terminal.shows('\nready\r\n');
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);
    assert.match(terminal.shown(), /^LIST +USER/m);
    const lines = (await readFile(stdoutFile, 'utf8')).trim().split('\n');
    const events = lines.map((line) => JSON.parse(line).event);
    assert.ok(events.includes('ready') && events.includes('stopping'), String(events));
  });

  test('prints JSON lines only where it is asked to', async (t) => {
    const [folder, state] = [await folderOf(t, FILES), await folderOf(t)];
    const command = [process.execPath, CLI, 'standalone', folder, '--state', state, '--json', ...FLAGS];
    const terminal = runOnTerminal(t, command);
    await terminal.shows('"event":"ready"');
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);
    const lines = terminal
      .shown()
      .split('\r\n')
      .filter((line) => line !== '' && line !== '^C');
    assert.ok(lines.some((line) => JSON.parse(line.replace('^C', '')).event === 'manifest'));
  });

  test('names a step of the start that takes long, while it lasts, and no other', async (t) => {
    const file = join(await folderOf(t, { 'steps.ts': STEPS }), 'steps.ts');
    const terminal = runOnTerminal(t, [process.execPath, file]);
    await terminal.shows('opening ports ...');
    assert.equal(await terminal.exited, 0);
    const text = stripVTControlCharacters(terminal.shown());
    assert.match(text, /^\d\d:\d\d:\d\d info +opening ports \.\.\.\r\n\d\d:\d\d:\d\d info +failing \.\.\.\r\n$/);
  });
});

describe('the console in a pipe', () => {
  test('prints JSON lines and nothing else', async (t) => {
    const [folder, state] = [await folderOf(t, FILES), await folderOf(t)];
    const process = runCli(t, ['standalone', folder, '--state', state, ...FLAGS]);
    await process.line('"event":"ready"');
    assert.equal((await process.stop()).code, 0);
    const entries = process.lines.map((line) => JSON.parse(line));
    const slip = entries.find(({ event }) => event === 'manifest');
    assert.equal(slip.place, `${join(folder, 'b.yaml')}:2:1`);
    assert.match(slip.problem, /no kind SmtpPlusUsr/);
  });

  test('brackets an IPv6 address where a port follows', async (t) => {
    const flags = ['--state', await folderOf(t), '--host', '::1', '--ports', '0', '--http', '0'];
    const terminal = runOnTerminal(t, [process.execPath, CLI, 'standalone', ...flags]);
    await terminal.shows('\nready\r\n');
    assert.match(terminal.shown(), /metrics: +http:\/\/\[::1\]:\d+\/metrics/);
  });

  test('names a step of the start that takes long', async (t) => {
    const file = join(await folderOf(t, { 'steps.ts': STEPS }), 'steps.ts');
    const { stdout, status } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    assert.equal(status, 0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ event, msg }) => [event, msg]),
      [
        ['starting', 'opening ports ...'],
        ['starting', 'failing ...'],
      ],
    );
  });
});
