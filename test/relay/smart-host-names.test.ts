/** How a smart host is found and recognized: its name, its addresses, its certificate. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { SystemLookup } from '../../relay/delivery/resolve.ts';
import { configured, emptied, said, startDelivering } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream, startUpstream } from '../support/upstream.ts';

const PROGRAMS = ['unshare', 'ip', 'mount'];

/** The system's answers, changed by the test; and what was asked for. */
function names(addresses: Record<string, readonly string[]>) {
  const asked: string[] = [];
  const lookup: SystemLookup = (name) => {
    asked.push(name);
    const found = addresses[name];
    if (found === undefined) return Promise.reject(new Error(`getaddrinfo ENOTFOUND ${name}`));
    return Promise.resolve(found.map((address) => ({ address })));
  };
  return { asked, lookup, addresses };
}

describe('the name of a smart host', () => {
  for (const tls of ['StartTLS', 'Implicit'] as const) {
    test(`is looked up with its final dot, and proved without it (${tls})`, async (t) => {
      const upstream = await startUpstream(t, { tls });
      const { asked, lookup } = names({ 'localhost.': ['127.0.0.1'] });
      const relay = await startDelivering(t, configured(upstream.smartHost({ host: 'localhost.' })), { lookup });
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.deepEqual(asked, ['localhost.']);
      assert.deepEqual(
        upstream.received.map(({ isSecure, serverName }) => [isSecure, serverName]),
        [[true, 'localhost']],
      );
    });

    test(`is what the certificate must bear, whatever the address (${tls})`, async (t) => {
      const upstream = await startUpstream(t, { tls });
      const { lookup } = names({ 'smtp.elsewhere.example': ['127.0.0.1'] });
      const host = upstream.smartHost({ host: 'smtp.elsewhere.example' });
      const relay = await startDelivering(t, configured(host), { lookup });
      await relay.spool.put(aMessage(), inMemory());
      await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
      assert.match(String(said(relay, 'deferred')[0]?.['reply']), /does not match certificate/);
      assert.deepEqual(upstream.received, []);
    });
  }

  test('is asked for at each connection, so that the smart host may move', async (t) => {
    const raw = await startRawUpstream(t, { answer: ordinaryAnswers() });
    const { lookup, addresses } = names({ 'smtp.example': ['127.0.0.2'] });
    const relay = await startDelivering(t, configured(aSmartHost(raw.port, { host: 'smtp.example' })), { lookup });
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /smtp\.example:.*ECONNREFUSED 127\.0\.0\.2/);
    addresses['smtp.example'] = ['127.0.0.1'];
    await emptied(relay);
    assert.ok(raw.lines.includes('DATA'));
  });

  test('that cannot be found keeps the message, and the reason is told', async (t) => {
    const relay = await startDelivering(t, configured(aSmartHost(25, { host: 'nowhere.example' })), names({}));
    const message = aMessage();
    await relay.spool.put(message, inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /ENOTFOUND nowhere\.example/);
    assert.deepEqual(relay.left(), [message.id]);
  });

  test('that is never answered costs an attempt of `connectSeconds`, and the message waits', async (t) => {
    const lookup: SystemLookup = () => new Promise(() => {});
    const config = configured(aSmartHost(25, { host: 'hanging.example' }), { settings: { connectSeconds: 0.1 } });
    const relay = await startDelivering(t, config, { lookup });
    await relay.spool.put(aMessage(), inMemory());
    await until(() => said(relay, 'deferred').length > 0, { what: 'it is deferred' });
    assert.match(String(said(relay, 'deferred')[0]?.['reply']), /hanging\.example:25: timed out/);
  });
});

describe('a smart host with several addresses', () => {
  for (const [what, greet] of [
    ['sends its clients away', (reply: (line: string) => void) => reply('421 4.3.2 going down')],
    ['never greets', () => {}],
  ] as const) {
    test(`is reached at another one where the first ${what}`, async (t) => {
      const good = await startRawUpstream(t, { answer: ordinaryAnswers() });
      const bad = await startRawUpstream(t, {
        host: '127.0.0.2',
        port: good.port,
        greet: (socket) => greet((line) => socket.end(`${line}\r\n`)),
      });
      const { lookup } = names({ 'smtp.example': ['127.0.0.2', '127.0.0.1'] });
      const host = aSmartHost(good.port, { host: 'smtp.example' });
      const relay = await startDelivering(t, configured(host, { settings: { connectSeconds: 0.3 } }), { lookup });
      await relay.spool.put(aMessage(), inMemory());
      await emptied(relay);
      assert.equal(bad.connections(), 1);
      assert.ok(good.lines.includes('DATA'));
    });
  }
});

describe('a smart host is found as the system finds it', () => {
  const why = missing();
  // a pipeline that could run it must not be green without
  const isSkipped = why !== undefined && !(process.env['CI'] !== undefined && process.getuid?.() === 0);
  if (isSkipped) process.stderr.write(`\nSKIPPED names of smart hosts in a namespace of their own: ${why}\n`);

  test('by the hosts file and the search list', { skip: isSkipped && why }, async () => {
    const child = path.join(import.meta.dirname, 'smart-host-names-child.sh');
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const running = spawn(pathOf('unshare') ?? '', ['-m', '-n', '--propagation', 'private', child, process.execPath], {
      env,
    });
    const [out, errors] = await Promise.all([text(running.stdout), text(running.stderr)]);
    assert.equal(out, 'hosts file: the right one\nsearch list: the right one\nfinal dot: the other one\n', errors);
  });
});

/** What this machine lacks to give a process its own hosts file, resolver and network. */
function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const absent = PROGRAMS.find((name) => pathOf(name) === undefined);
  return absent && `needs ${absent}`;
}

function pathOf(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file));
}
