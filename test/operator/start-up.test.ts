/** What the operator says where it cannot start, or not yet: a line, never a stack. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { RefusedError } from '../../operator/kubernetes/client/answers.ts';
import { onceAnswered } from '../../operator/kubernetes/first-answer.ts';
import { createLog } from '../../relay/observe/log.ts';
import { folderOf } from '../support/folder.ts';
import { runCli } from '../support/standalone.ts';

interface Config {
  readonly server?: string;
  readonly user?: object;
  readonly context?: string;
}

/** In JSON, which is YAML too. Nobody listens on port 1. */
function kubeconfig({ server = 'https://127.0.0.1:1', user = { token: 'x' }, context = 'here' }: Config = {}): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    'current-context': context,
  });
}

/** No pod, and a home of its own. */
function envOf(home: string): NodeJS.ProcessEnv {
  const { KUBECONFIG: _, KUBERNETES_SERVICE_HOST: _host, ...env } = process.env;
  return { ...env, HOME: home };
}

async function run(t: TestContext, file: string | undefined, text?: string) {
  const home = await folderOf(t, text === undefined || file === undefined ? {} : { [file]: text });
  const flags = file === undefined ? [] : ['--kubeconfig', path.join(home, file)];
  return runCli(t, ['operator', '--http', '0', ...flags], { env: envOf(home) });
}

describe('the operator', () => {
  const faulty: readonly (readonly [string, string | undefined, RegExp])[] = [
    [
      'is not there',
      undefined,
      /config cannot be read: no such file or folder \(ENOENT\).*; name another with --kubeconfig/,
    ],
    ['is no YAML', 'a: [\n', /config cannot be read: .*\(2:1\); name another with --kubeconfig FILE$/],
    ['is empty', '', /config cannot be read: .* the input is empty; name another/],
    ['has no cluster', '{}', /config has no current context with a cluster: kubectl config use-context NAME/],
    ['has a context that is not there', kubeconfig({ context: 'gone' }), /has no current context/],
    ['has a server that is no URL', kubeconfig({ server: '::' }), /its server `::` is no URL, such as https:/],
    ['has a server without TLS', kubeconfig({ server: 'http://127.0.0.1:1' }), /is not https/],
    [
      'names a certificate that is not there',
      kubeconfig({ user: { 'client-certificate': '/none.crt', 'client-key': '/none.key' } }),
      /its credentials cannot be read: no such file or folder \(ENOENT\), at \/none\.crt$/,
    ],
    [
      'names a plugin that is not there',
      kubeconfig({ user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin' } } }),
      /its plugin no-such-plugin cannot be run: no such file or folder/,
    ],
  ];
  for (const [what, text, expected] of faulty) {
    test(`ends with one line where its kubeconfig ${what}`, async (t) => {
      const operator = await run(t, 'config', text);
      assert.equal((await operator.exited).code, 1);
      assert.equal(operator.lines.length, 1, operator.lines.join('\n'));
      assert.match(operator.lines[0] ?? '', expected);
    });
  }

  test('ends with one line where there is no cluster at all', async (t) => {
    const operator = await run(t, undefined);
    assert.equal((await operator.exited).code, 1);
    assert.equal(operator.lines.length, 1);
    assert.match(
      operator.lines[0] ?? '',
      /^error: no cluster to work on: .*\/\.kube\/config; name one with --kubeconfig/,
    );
  });

  test('says that the API server cannot be reached, tries again, and stops when it is told to', async (t) => {
    const operator = await run(t, 'config', kubeconfig());
    const line = JSON.parse(await operator.line('trying again in 2 s'));
    assert.match(line.msg, /^the API server https:\/\/127\.0\.0\.1:1 cannot be reached: connection refused/);
    assert.deepEqual(await operator.stop(), { code: 0, signal: null });
    for (const text of operator.lines) assert.ok(JSON.parse(text).level !== 'error', text);
  });
});

describe('the first answer of the API server', () => {
  const log = createLog({ write: () => undefined });
  const options = { server: 'https://api.example', log, signal: new AbortController().signal };

  test('is waited for while the server does not answer, or cannot', async () => {
    const failures: Error[] = [
      Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:6443'), { code: 'ECONNREFUSED' }),
    ];
    assert.equal(await onceAnswered(async () => next(failures), options), 'answer');
    failures.push(new RefusedError('Secret', { status: 503, message: 'starting' }));
    assert.equal(await onceAnswered(async () => next(failures), options), 'answer');
  });

  test(
    'is waited for where it is no to who has not got his rights yet, but not for ever',
    { timeout: 60_000 },
    async () => {
      const no = new RefusedError('Secret', { status: 403, message: 'forbidden' });
      const few = [no];
      assert.equal(await onceAnswered(async () => next(few), options), 'answer');
      let tries = 0;
      const never = async () => {
        tries++;
        throw no;
      };
      await assert.rejects(onceAnswered(never, options), no);
      assert.equal(tries, 6);
    },
  );

  test('is taken where it is of another kind', async () => {
    const gone = new RefusedError('Secret', { status: 404, message: 'namespace not found' });
    await assert.rejects(
      onceAnswered(async () => next([gone]), options),
      gone,
    );
    const fault = new Error('our own');
    await assert.rejects(
      onceAnswered(async () => next([fault]), options),
      fault,
    );
  });
});

function next(failures: Error[]): string {
  const failure = failures.shift();
  if (failure !== undefined) throw failure;
  return 'answer';
}
