import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { folderOf } from '../support/folder.ts';
import { CLI, runCli } from '../support/standalone.ts';

describe('the command line', () => {
  test('answers a wrong question with one clear line and exit code 2', async (t) => {
    const state = await folderOf(t, { file: '' });
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['standalone', '--nope'], /unknown option '--nope'; --help lists what there is$/],
      [['standalone', '--port', '25'], /unknown option '--port' \(Did you mean --ports\?\)$/],
      [['standalone', '--ports', '25', '--ports=26'], /^error: --ports is given twice; once will do$/],
      [['operator', '--http', '1', '--http', '1'], /^error: --http is given twice/],
      [['standalone', state, state], /too many arguments/],
      [['standalone', '--ports'], /option '--ports <LIST>' argument missing/],
      [['standalone', '--ports', '9-1'], /the wrong way round: write 1-9\.$/],
      [['standalone', '--ports', '25,99999'], /goes up to 65535: `99999` is beyond\.$/],
      [['standalone', '--ports', '0-100'], /begin with 1 \(a 0 alone is any free port\)\.$/],
      [['relay', '--config', state, '--state', state, '--ports', '25,25'], /names 25 twice; once will do\.$/],
      [
        ['standalone', '--ports', '9465'],
        /^error: --ports: 9465 is also a port of http; take it out of one of the two$/,
      ],
      [
        ['relay', '--config', state, '--state', state, '--implicit-tls-ports', '2525'],
        /^error: --ports: 2525 is also a port of implicitTlsPorts; take it out of one of the two$/,
      ],
      [['standalone', '--http', 'x'], /It must be one port, 1 to 65535, or 0 for any free one\.$/],
      [['standalone', '--http', '99999'], /It must be one port, 1 to 65535/],
      [
        ['standalone', join(state, 'missing'), '--state', state],
        /missing cannot be read: no such file or folder \(ENOENT\)/,
      ],
      [['standalone', '--settings', join(state, 's.yaml')], /s.yaml cannot be read: no such file/],
      [['relay', '--config', state], /required option '--state/],
      [['relay', '--config', state, '--state', state, '--tls-cert', 'x'], /go together/],
      [['check'], /missing required argument 'PATH'/],
      [['check', state, '--output', 'xml'], /text, json, github, sarif/],
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

  test('says nothing about a reader that has seen enough', () => {
    const command = `"$0" "$1" crds | head -n 1`;
    const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, CLI], { encoding: 'utf8' });
    assert.deepEqual({ stdout, stderr }, { stdout: '---\n', stderr: '' });
  });

  test('names the flag of a host that is none', async (t) => {
    const folder = await folderOf(t);
    // longer than a label can be: no name server is asked
    const host = `${'x'.repeat(64)}.invalid`;
    const flags = ['--state', await folderOf(t), '--http', '0', '--ports', '0'];
    const process = runCli(t, ['standalone', folder, ...flags, '--host', host]);
    assert.equal((await process.exited).code, 1);
    assert.match(process.lines.at(-1) ?? '', /--host x+\.invalid has no address/);
    const elsewhere = runCli(t, ['standalone', folder, ...flags, '--host', '192.0.2.1']);
    assert.equal((await elsewhere.exited).code, 1);
    assert.match(elsewhere.lines.at(-1) ?? '', /^error: --host 192\.0\.2\.1 is no address of this machine/);
  });

  test('counts the open files that ports need, and advises to raise the limit that counts', async (t) => {
    const flags = ['--state', await folderOf(t), '--http', '0', '--ports', '0,20000-20999'];
    const command = [process.execPath, CLI, 'standalone', 'examples', ...flags].map((word) => `'${word}'`).join(' ');
    const { stderr, status } = spawnSync('sh', ['-c', `ulimit -n 600; exec ${command}`], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^error: 1101 files will be open at once .* may have 600 .* fewer with --ports, .*`ulimit -Hn`.*\n$/,
    );
  });

  test('names the flag of a state folder that takes no files', async (t) => {
    const process = runCli(t, ['standalone', await folderOf(t), '--state', '/proc', '--http', '0', '--ports', '0']);
    assert.equal((await process.exited).code, 2);
    const line = process.lines.at(-1) ?? '';
    assert.match(line, /^error: the state folder \/proc cannot be written: [a-z ]+\(E[A-Z]+\); .*--state DIR$/);
  });

  test('names the path of a capture folder that cannot be written, and why', async (t) => {
    const state = await folderOf(t, { file: '' });
    const cases = [
      [join(state, 'file'), /a part of the path is no folder \(ENOTDIR\)/],
      [join(state, 'file/below'), /a part of the path is no folder \(ENOTDIR\)/],
      ['/proc', /\(E[A-Z]+\)/],
    ] as const;
    for (const [capture, why] of cases) {
      const args = ['--state', state, '--http', '0', '--ports', '0', '--capture', capture];
      for (const command of [
        ['standalone', 'examples'],
        ['relay', '--config', state],
      ]) {
        const process = runCli(t, [...command, ...args]);
        assert.equal((await process.exited).code, 2);
        const line = process.lines.at(-1) ?? '';
        assert.ok(line.startsWith(`error: the capture folder ${capture} cannot be written: `), line);
        assert.match(line, why);
        assert.match(line, /--capture DIR$/);
      }
    }
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
