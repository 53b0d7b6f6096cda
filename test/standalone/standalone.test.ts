/** `npm start` as a process: what a user sees, and what lies in the state folder. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ShardDocument, UserConfig } from '../../relay/config/config.ts';
import { fileOf } from '../../relay/config/config.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { credentialsOf, runCli, startStandalone, statusOf } from '../support/standalone.ts';

const settings = 'examples/settings.yaml';

/** A copy of the examples, to edit. */
async function examples(t: TestContext): Promise<string> {
  const folder = await folderOf(t);
  await cp('examples', folder, { recursive: true });
  return folder;
}

async function userInForce(state: string, username: string): Promise<UserConfig | undefined> {
  const file = join(state, 'relay', fileOf(username));
  return (JSON.parse(await readFile(file, 'utf8')) as ShardDocument).users[username];
}

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes(from));
  await writeFile(file, text.replace(from, to));
}

describe('npm start', () => {
  test('turns the examples into credentials, statuses and a relay that listens', async (t) => {
    const { state, ready, lines } = await startStandalone(t, { folder: 'examples' });
    assert.equal(ready.ports.length, 1);
    const response = await fetch(`http://127.0.0.1:${ready.http}/readyz`);
    assert.equal(response.status, 200);

    const file = join(state, 'secrets/shop/orders-smtp.yaml');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const { username, password, ca } = await credentialsOf(state, 'shop', 'orders-smtp');
    assert.equal(username, 'orders.shop');
    assert.match(ca, /BEGIN CERTIFICATE/);
    assert.ok(!lines.join('\n').includes(password), 'the password is printed nowhere');

    const orders = await statusOf(state, 'SmtpPlusUser', 'shop', 'orders');
    assert.equal(orders.condition('Ready')?.status, 'True');
    assert.deepEqual(orders.server.ports, ready.ports);
    const newsletter = await statusOf(state, 'SmtpPlusUser', 'shop', 'newsletter');
    assert.equal(newsletter.condition('Ready')?.status, 'False');
    assert.match(JSON.stringify(newsletter), /news@newsletter.example/);
    const sender = await statusOf(state, 'VerifiedSender', 'shop', 'shop-example');
    assert.equal(sender.condition('Verified')?.reason, 'Grandfathered');
    assert.equal((await userInForce(state, 'staging.shop'))?.mode, 'Sandbox');
  });

  test('takes its defaults from examples/settings.yaml', async (t) => {
    const { ready, lines, state } = await startStandalone(t, { folder: 'examples' });
    assert.equal(ready.settings, 'examples/settings.yaml');
    const { password } = await credentialsOf(state, 'shop', 'orders-smtp');
    assert.ok(!lines.join('\n').includes(password));
  });

  test('keeps passwords over a restart, and ends with 0 on SIGINT and SIGTERM', async (t) => {
    const first = await startStandalone(t, { folder: 'examples' });
    const before = await credentialsOf(first.state, 'shop', 'orders-smtp');
    first.kill('SIGINT');
    assert.deepEqual(await first.exited, { code: 0, signal: null });
    const second = await startStandalone(t, { folder: 'examples', state: first.state });
    assert.deepEqual(await credentialsOf(first.state, 'shop', 'orders-smtp'), before);
    assert.deepEqual(await second.stop(), { code: 0, signal: null });
  });

  test('ends when npm is told to end, and leaves nothing behind', async (t) => {
    const state = await folderOf(t);
    const flags = ['--state', state, '--ports', '0', '--http', '0', '--json'];
    const npm = spawn('npm', ['start', '--silent', '--', ...flags], { stdio: 'ignore' });
    const exited = once(npm, 'exit');
    await until(() => readdir(join(state, 'secrets/shop')));
    npm.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual((await readdir(state)).includes('lock'), false);
  });

  test('has an edit in force within a second, and an edit back', async (t) => {
    const folder = await examples(t);
    const { state } = await startStandalone(t, { folder, settings });
    const file = join(folder, 'orders.yaml');
    await edit(file, 'active: true', 'active: false');
    await until(async () => (await userInForce(state, 'orders.shop'))?.active === false);
    await edit(file, 'active: false', 'active: true');
    await until(async () => (await userInForce(state, 'orders.shop'))?.active === true);
  });

  test('reports a syntax error with file and line, and changes nothing else', async (t) => {
    const folder = await examples(t);
    const { state, lines } = await startStandalone(t, { folder, settings });
    const before = await readFile(join(state, 'secrets/shop/orders-smtp.yaml'), 'utf8');
    await edit(join(folder, 'orders.yaml'), '  active: true', '  active: [true');
    await until(() => lines.some((line) => line.includes(`${join(folder, 'orders.yaml')}:`)));
    // a later change of another file shows that the broken one has been gone through
    await edit(join(folder, 'sandbox.yaml'), 'active: true', 'active: false');
    await until(async () => (await userInForce(state, 'staging.shop'))?.active === false);
    assert.equal((await userInForce(state, 'orders.shop'))?.active, true);
    assert.equal(await readFile(join(state, 'secrets/shop/orders-smtp.yaml'), 'utf8'), before);
  });

  test('refuses to run twice on one state folder, and runs again after kill -9', async (t) => {
    const first = await startStandalone(t, { folder: 'examples' });
    const args = ['standalone', 'examples', '--state', first.state, '--ports', '0', '--http', '0'];
    const second = runCli(t, args);
    assert.equal((await second.exited).code, 1);
    assert.match(second.lines.join('\n'), new RegExp(`process ${first.pid} already runs on the state folder`));
    first.kill('SIGKILL');
    await first.exited;
    await startStandalone(t, { folder: 'examples', state: first.state });
  });

  test('ends with a clear line where a port that is named is taken, and goes on without it where told to', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const state = await folderOf(t);
    const args = ['standalone', 'examples', '--state', state, '--http', '0'];
    for (const flags of [
      ['--ports', `0,${port}`],
      ['--ports', '0', '--implicit-tls-ports', String(port)],
    ]) {
      const refused = runCli(t, [...args, ...flags]);
      assert.equal((await refused.exited).code, 1);
      const line = refused.lines.at(-1) ?? '';
      assert.match(
        line,
        new RegExp(`^error: port ${port} is in use at 127.0.0.1: .*${flags.at(-2)}.*--skip-busy-ports$`),
      );
      assert.deepEqual((await readdir(state)).includes('lock'), false);
    }
    const { ready } = await startStandalone(t, {
      folder: 'examples',
      flags: ['--ports', `${port},0`, '--skip-busy-ports'],
    });
    assert.equal(ready.skippedPorts, 1);
    assert.ok(!ready.ports.includes(port));
  });

  test('skips the busy ports of a range', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const { ready } = await startStandalone(t, { folder: 'examples', flags: ['--ports', `0,${port}-${port}`] });
    assert.equal(ready.skipped, `${port} (in use)`);
  });

  test('names the flag of a port for metrics that is taken', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address() as { port: number };
    const args = ['standalone', 'examples', '--state', await folderOf(t), '--ports', '0', '--http', String(port)];
    const process = runCli(t, args);
    assert.equal((await process.exited).code, 1);
    assert.match(
      process.lines.at(-1) ?? '',
      new RegExp(`^error: port ${port} is in use at .* choose another port with --http$`),
    );
  });
});
