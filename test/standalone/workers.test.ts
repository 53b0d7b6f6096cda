/** `smtp-plus standalone --workers 2`: the directory and the parent in one process, and two workers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { until } from '../support/eventually.ts';
import { folderOf } from '../support/folder.ts';
import { CLI } from '../support/standalone.ts';
import { isRunning } from '../support/is-running.ts';

test('is ready, runs its configuration in both, and ends by one Ctrl-C, which reaches all of its processes', async (t) => {
  const state = await folderOf(t);
  const ports = ['--host', '127.0.0.1', '--ports', '0', '--http', '0'];
  const args = [CLI, 'standalone', 'examples', '--state', state, '--workers', '2', '--json', ...ports];
  // a process group of its own, as a shell makes one
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const pids: number[] = [];
  const events: { event?: string; pid?: number; http?: number; level?: string }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as (typeof events)[number];
    events.push(event);
    if (event.event === 'worker' && event.pid !== undefined) pids.push(event.pid);
  });
  const { http } = await until(() => events.find(({ event }) => event === 'ready'));
  assert.equal(pids.length, 2);
  const ready = await fetch(`http://127.0.0.1:${http}/readyz`);
  assert.equal(ready.status, 200);
  const { documents } = (await (await fetch(`http://127.0.0.1:${http}/configz`)).json()) as { documents: object };
  assert.equal(Object.keys(documents).length, 33);
  process.kill(-(child.pid ?? 0), 'SIGINT');
  assert.deepEqual(await exited, [0, null]);
  assert.ok(!pids.some(isRunning));
  assert.deepEqual(
    events.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );
});
