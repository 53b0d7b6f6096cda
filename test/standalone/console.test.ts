/** What `npm start` says on a terminal, and what where its output is piped. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { sender, user } from '../support/directory.ts';
import { folderOf } from '../support/folder.ts';
import { runCli } from '../support/standalone.ts';
import { describeOnTerminal, runOnTerminal } from '../support/terminal.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const CLI = join(REPOSITORY, 'operator/cli.ts');
const CONSOLE = pathToFileURL(join(REPOSITORY, 'operator/standalone/console.ts')).href;

/** Two users who lack something, and a slip for the log. */
const FILES = {
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
  test('prints log lines as JSON, and the table for who reads it', async (t) => {
    const [folder, state] = [await folderOf(t, FILES), await folderOf(t)];
    const process = runCli(t, ['standalone', folder, '--state', state, ...FLAGS]);
    await process.line('ready');
    assert.equal((await process.stop()).code, 0);
    const slip = process.lines.find((line) => line.includes('no kind SmtpPlusUsr')) ?? '';
    assert.equal(JSON.parse(slip).place, `${join(folder, 'b.yaml')}:2:1`);
    assert.match(
      process.lines.join('\n'),
      /^\S+ +news\.shop +no: NoVerifiedSender +@shop\.example \(Pending\) +localhost:\d+ /m,
    );
    assert.doesNotMatch(process.lines.join('\n'), /\x1b/, 'no colour');
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
