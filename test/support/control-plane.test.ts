import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { describeWithControlPlane } from './control-plane.ts';
import { until } from './eventually.ts';

describeWithControlPlane('control plane for tests', (cluster) => {
  test('the administrator may do everything', async () => {
    assert.match(await cluster().kubectl(['get', 'namespaces', '-o', 'name']), /namespace\/default/);
  });

  test('a service account has no right of its own', async () => {
    const kubeconfig = await cluster().serviceAccount('restricted', 'nobody');
    await assert.rejects(cluster().kubectl(['get', 'secrets'], { kubeconfig }), /forbidden/i);
  });

  test('the API server comes back on the same address with the same objects', async () => {
    await cluster().kubectl(['create', 'namespace', 'kept']);
    await cluster().stopApiServer();
    await assert.rejects(cluster().kubectl(['get', 'namespace', 'kept']));
    await cluster().startApiServer();
    await cluster().compactEtcd();
    assert.match(await cluster().kubectl(['get', 'namespace', 'kept', '-o', 'name']), /namespace\/kept/);
  });
});

for (const [how, end] of [
  ['is killed', ({ pid = 0 }: ChildProcess) => process.kill(pid, 'SIGKILL')],
  ['is ended with all of its group', ({ pid = 0 }: ChildProcess) => process.kill(-pid, 'SIGTERM')],
] as const) {
  test(`a guarded program ends when the process that started it ${how}`, (t) => endsWithItsStarter(t, end));
}

async function endsWithItsStarter(t: TestContext, end: (starter: ChildProcess) => void): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'smtp-plus-guard-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const log = path.join(folder, 'log');
  const module = new URL('./control-plane/process.ts', import.meta.url).href;
  const code = `import { startGuarded } from ${JSON.stringify(module)};
    startGuarded('/bin/sh', ['-c', 'echo $$; exec sleep 600'], ${JSON.stringify(log)});
    setInterval(() => undefined, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], { detached: true });
  await until(() => existsSync(log) && readFileSync(log, 'utf8').endsWith('\n'));
  const pid = Number(readFileSync(log, 'utf8'));
  assert.ok(isAlive(pid));
  end(starter);
  await until(() => !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
