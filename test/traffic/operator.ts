/** An operator in a process of its own, which is killed again and again. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ControlPlane } from '../support/control-plane.ts';

const START = path.join(import.meta.dirname, '../bench/operator-process.ts');
/** It asks relays as often as that, in place of once a minute. */
const USAGE_MS = 2000;

export async function startMortalOperator(cluster: ControlPlane, kubeconfig: string, settings: unknown) {
  const { url, caFile } = cluster;
  let running = await start();

  async function start(): Promise<ChildProcess> {
    const child = fork(START, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const leads = once(child, 'message');
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the operator ended before it led')));
    child.send({ kind: 'start', cluster: { url, caFile }, kubeconfig, settings, usageMs: USAGE_MS });
    await Promise.race([leads, ended]);
    ended.catch(() => undefined);
    return child;
  }

  return {
    /** Kills it, and starts another one, which leads when this resolves. */
    kill: async (): Promise<void> => {
      const ended = once(running, 'exit');
      running.kill('SIGKILL');
      await ended;
      running = await start();
    },
    close: () => void running.kill('SIGKILL'),
  };
}
