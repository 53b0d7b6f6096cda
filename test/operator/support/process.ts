import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/eventually.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';

const CLI = fileURLToPath(new URL('../../../operator/cli.ts', import.meta.url));

export interface OperatorProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  /** Waits until its log has this text. */
  readonly says: (text: string) => Promise<void>;
  /** Of its HTTP server, once it has said which one it is. */
  readonly port: () => number;
  /** Text of a page of its HTTP server; the token is for those that name tenants. */
  readonly page: (path: string, token?: string) => Promise<string>;
}

/** Starts `smtp-plus operator`; killed after the test, whatever becomes of it. */
export function startOperatorProcess(
  t: TestContext,
  kubeconfig: string,
  { flags = [], env = {} }: { flags?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): OperatorProcess {
  const args = ['operator', '--kubeconfig', kubeconfig, '--namespace', OPERATOR_NAMESPACE, '--http', '0', ...flags];
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  t.after(() => child.kill('SIGKILL'));
  const port = (): number => Number(/"http":(\d+)/.exec(output)?.[1] ?? 0);
  return {
    child,
    exit: once(child, 'exit').then(([code]) => code as number | null),
    says: async (text) => {
      await until(() => output.includes(text), { what: `it says ${text}` });
    },
    port,
    page: async (path, token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await fetch(`http://127.0.0.1:${port()}${path}`, { headers })).text();
    },
  };
}
