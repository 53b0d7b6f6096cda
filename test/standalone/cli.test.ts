import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { folderOf } from '../support/folder.ts';
import { runCli } from '../support/standalone.ts';

describe('the command line', () => {
  test('answers a wrong question with one clear line and exit code 2', async (t) => {
    const state = await folderOf(t, { file: '' });
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['standalone', '--nope'], /unknown option '--nope'/],
      [['standalone', '--ports', '9-1'], /Ports and ranges/],
      [['standalone', '--http', 'x'], /A port, 0 to 65535/],
      [
        ['standalone', join(state, 'missing'), '--state', state],
        /missing cannot be read: no such file or folder \(ENOENT\)/,
      ],
      [['standalone', '--settings', join(state, 's.yaml')], /s.yaml cannot be read: no such file/],
      [['relay', '--config', state], /required option '--state/],
      [['relay', '--config', state, '--state', state, '--tls-cert', 'x'], /go together/],
      [['check'], /missing required argument 'DIR'/],
      [['check', state, '--output', 'xml'], /text, json, github/],
      [
        ['crds', '--write', '/proc/crds'],
        /no CRD can be written into \/proc\/crds: no such file or folder .*; name another/,
      ],
      [['crds', '--write', join(state, 'file')], /file: a part of the path is no folder/],
      [['frobnicate'], /unknown command 'frobnicate'/],
    ];
    await Promise.all(
      cases.map(async ([args, expected]) => {
        const process = runCli(t, args);
        const { code } = await process.exited;
        assert.equal(code, 2, args.join(' '));
        assert.equal(process.lines.length, 1, process.lines.join('\n'));
        assert.match(process.lines[0] ?? '', expected);
      }),
    );
  });

  test('names the flag of a host that is none', async (t) => {
    const folder = await folderOf(t);
    // longer than a label can be: no name server is asked
    const host = `${'x'.repeat(64)}.invalid`;
    const flags = ['--state', await folderOf(t), '--host', host, '--http', '0', '--ports', '0'];
    const process = runCli(t, ['standalone', folder, ...flags]);
    assert.equal((await process.exited).code, 1);
    assert.match(process.lines.at(-1) ?? '', /--host x+\.invalid has no address/);
  });

  test('names the flag of a state folder that takes no files', async (t) => {
    const process = runCli(t, ['standalone', await folderOf(t), '--state', '/proc', '--http', '0', '--ports', '0']);
    assert.equal((await process.exited).code, 1);
    const line = process.lines.at(-1) ?? '';
    assert.match(line, /^error: the state folder \/proc cannot be used: [a-z ]+\(E[A-Z]+\), at \/proc\/.*--state DIR$/);
  });

  test('prints what it was asked for, and exits with 0', async (t) => {
    const [version, help, crds] = [['--version'], ['standalone', '--help'], ['crds']].map((args) => runCli(t, args));
    for (const process of [version, help, crds]) assert.equal((await process?.exited)?.code, 0);
    assert.match(version?.lines.join() ?? '', /^\d+\.\d+\.\d+$/);
    assert.match(help?.lines.join('\n') ?? '', /examples\/settings.yaml/);
    assert.equal(crds?.lines.filter((line) => line === 'kind: CustomResourceDefinition').length, 3);
  });

  test('checks without loading a mail server, a database or a Kubernetes client', async (t) => {
    const report =
      "import module from 'node:module'; process.on('exit', () => console.log('LOADED ' + Object.keys(module._cache).join(' ')));";
    const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(report)}` };
    const check = runCli(t, ['check', 'examples'], { env });
    assert.equal((await check.exited).code, 0);
    const loaded = check.lines.find((line) => line.startsWith('LOADED')) ?? '';
    assert.match(loaded, /node_modules\/yaml/);
    assert.doesNotMatch(loaded, /smtp-server|nodemailer|lmdb|client-node|pino|prom-client/);
  });
});
