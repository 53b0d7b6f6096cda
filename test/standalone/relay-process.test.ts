/** `smtp-plus relay`: the relay without an operator beside it, as in a pod. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import { keepCertificates } from '../../operator/standalone/certificates.ts';
import { createLog } from '../../relay/observe/log.ts';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import { fill } from '../handover/sides.ts';
import { ledTo, writeConfig } from '../support/config-folder.ts';
import { closedPort } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { runCli, startStandalone } from '../support/standalone.ts';
import { aSmartHost, startUpstream } from '../support/upstream.ts';

describe('the relay alone', () => {
  test('serves the configuration that an operator wrote, with the certificate that it is given', async (t) => {
    const operator = await startStandalone(t, { folder: 'examples' });
    await operator.stop();
    const [cert, key] = [join(operator.state, 'tls/tls.crt'), join(operator.state, 'tls/tls.key')];
    const flags = ['--host', '127.0.0.1', '--ports', '0', '--implicit-tls-ports', '0', '--http', '0'];
    const config = ['--config', join(operator.state, 'relay'), '--state', await folderOf(t)];
    const relay = runCli(t, ['relay', ...config, ...flags, '--tls-cert', cert, '--tls-key', key]);
    const event = JSON.parse(await relay.line('"event":"listening"'));
    assert.equal((await fetch(`http://127.0.0.1:${event.http}/readyz`)).status, 200);

    const ca = await readFile(join(operator.state, 'tls/ca.crt'), 'utf8');
    const client = connect({ host: '127.0.0.1', port: event.implicitTlsPorts[0], ca, servername: 'localhost' });
    t.after(() => client.destroy());
    const [greeting] = await once(client, 'data');
    assert.match(String(greeting), /^220 /);
    client.destroy();
    assert.deepEqual(await relay.stop(), { code: 0, signal: null });
  });

  test('is not ready without a configuration, and ends with a clear line without its certificate', async (t) => {
    const folder = await folderOf(t);
    const flags = ['relay', '--config', join(folder, 'none'), '--state', folder, '--host', '127.0.0.1', '--ports', '0'];
    const relay = runCli(t, [...flags, '--http', '0']);
    const event = JSON.parse(await relay.line('"event":"listening"'));
    assert.equal((await fetch(`http://127.0.0.1:${event.http}/readyz`)).status, 503);
    assert.equal((await fetch(`http://127.0.0.1:${event.http}/healthz`)).status, 200);

    const missing = join(folder, 'tls.crt');
    const broken = runCli(t, [...flags, '--http', '0', '--tls-cert', missing, '--tls-key', missing]);
    assert.equal((await broken.exited).code, 1);
    assert.match(broken.lines.join('\n'), /^error: .*tls\.crt/);
  });
});

describe('the relay of a pod that goes', () => {
  const flagsOf = (folder: string, ...more: readonly string[]) => {
    const where = ['--config', join(folder, 'relay'), '--state', folder, '--host', '127.0.0.1'];
    return ['relay', ...where, '--ports', '0', '--http', '0', '--last-words', join(folder, 'last-words'), ...more];
  };
  const lastWords = (folder: string) => readFile(join(folder, 'last-words'), 'utf8');
  const awayFrom = async (folder: string, port: number) => writeConfig(join(folder, 'relay'), ledTo(aSmartHost(port)));

  test('says at its end how much mail it leaves', async (t) => {
    const folder = await folderOf(t);
    await awayFrom(folder, await closedPort());
    await fill(join(folder, 'spool'), ['M1', 'M2', 'M3']);
    const relay = runCli(t, flagsOf(folder));
    await relay.line('"event":"listening"');
    assert.deepEqual(await relay.stop(), { code: 0, signal: null });
    assert.equal(await lastWords(folder), '{"queued":3}');
  });

  test('is followed by one that delivers what is left, and ends', async (t) => {
    const folder = await folderOf(t);
    const upstream = await startUpstream(t);
    await awayFrom(folder, upstream.port);
    await fill(join(folder, 'spool'), ['M1', 'M2', 'M3']);
    const drain = runCli(t, flagsOf(folder, '--drain', '--peers', '127.0.0.1:1', '--name', 'relay-1'));
    assert.deepEqual(await drain.exited, { code: 0, signal: null });
    assert.equal(await lastWords(folder), '{"queued":0}');
    assert.equal(upstream.received.length, 3);
  });

  test('refuses peers that are no place to go', async (t) => {
    const relay = runCli(t, flagsOf(await folderOf(t), '--peers', 'relays'));
    assert.equal((await relay.exited).code, 2);
    assert.match(relay.lines.join('\n'), /--peers.*HOST:PORT/);
  });
});

describe('a certificate that is renewed', () => {
  test('is taken up, and one that cannot be used leaves the one before in force', async (t) => {
    const [first, second] = [
      await ensureCertificates(await folderOf(t), { hostnames: ['localhost'] }),
      await ensureCertificates(await folderOf(t), { hostnames: ['localhost'] }),
    ];
    const lines: string[] = [];
    const log = createLog({ write: (line) => void lines.push(line) });
    let next: typeof first | undefined = first;
    const make = async () => {
      if (next === undefined) throw new Error('half a file');
      return next;
    };
    const keeper = await keepCertificates(make, { log, lookMs: 5 });
    t.after(keeper.close);
    const taken: string[] = [];
    keeper.onRenewal(({ cert }) => void taken.push(cert));
    next = undefined;
    await until(() => lines.some((line) => line.includes('half a file')));
    assert.equal(keeper.current, first);
    next = second;
    await until(() => keeper.current === second);
    assert.deepEqual(taken, [second.cert]);
  });
});
