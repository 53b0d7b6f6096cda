/** What signals do to a process that takes its time to end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const MODULES = ['../../operator/end-of-run.ts', '../../relay/observe/log.ts'].map(
  (path) => new URL(path, import.meta.url).href,
);
/** Never ends by itself; tells when it has been asked to, and of each signal that did not end it. */
const PROGRAM = `
const [{ endOfRun }, { createLog }] = await Promise.all(${JSON.stringify(MODULES)}.map((path) => import(path)));
endOfRun(createLog({ write: (line) => process.stdout.write(line) })).code.then((code) => console.log('code ' + code));
process.on('SIGINT', () => console.log('outlived'));
process.stdin.resume();
console.log('started');
`;

async function start(t: TestContext) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value ?? '';
  assert.equal(await line(), 'started');
  return { child, exited, line };
}

describe('the end of a run', () => {
  test('is asked for by the first signal; the copy of it that npm hands on is the same one', async (t) => {
    const { child, line, exited } = await start(t);
    child.kill('SIGINT');
    assert.match(await line(), /"event":"stopping","signal":"SIGINT"/);
    assert.equal(await line(), 'outlived');
    assert.equal(await line(), 'code 0');
    child.kill('SIGINT');
    assert.equal(await line(), 'outlived');
    await sleep(1100);
    child.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
  });

  test('comes at once with a later signal of another kind, too', async (t) => {
    const { child, line, exited } = await start(t);
    child.kill('SIGINT');
    assert.match(await line(), /stopping/);
    await sleep(1100);
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [143, null]);
  });
});
