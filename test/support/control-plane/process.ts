import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Guarded {
  /** Ends the program and waits until it is gone. */
  readonly stop: () => Promise<void>;
  readonly hasEnded: () => boolean;
}

const START_TIMEOUT_MS = 90_000;

/** Starts a program under the guard, its output going to `log`. */
export function startGuarded(program: string, args: readonly string[], log: string): Guarded {
  const output = openSync(log, 'a');
  const guard = spawn(process.execPath, [path.join(import.meta.dirname, 'guard.ts'), program, ...args], {
    stdio: ['pipe', output, output],
  });
  closeSync(output);
  let ended = false;
  const exit = new Promise<void>((resolve) =>
    guard.on('exit', () => {
      ended = true;
      resolve();
    }),
  );
  guard.unref();
  return {
    hasEnded: () => ended,
    stop: async () => {
      guard.ref();
      guard.stdin?.end();
      await exit;
    },
  };
}

/** Waits until `isReady` says so; fails with the end of the log when the program ends or takes too long. */
export async function waitUntilReady(program: Guarded, log: string, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isReady().catch(() => false))) {
    if (program.hasEnded() || Date.now() > deadline) {
      throw new Error(`did not start:\n${readFileSync(log, 'utf8').split('\n').slice(-20).join('\n')}`);
    }
    await sleep(50);
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.on('error', reject).listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  // all are held until each is known, so that no port is given twice
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
