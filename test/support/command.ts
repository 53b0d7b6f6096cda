/** A command of the command line, run to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { CLI } from './standalone.ts';

export interface CommandRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandRun> {
  const { stdin = '', cwd, env } = options;
  const child = spawn(process.execPath, [CLI, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // one that asks nothing closes it before it has read it
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number | null, stdout, stderr };
}

/** What it says with `-o json`. */
export async function jsonOf<T>(args: readonly string[], options?: CommandOptions): Promise<T> {
  const { code, stdout, stderr } = await runCommand([...args, '-o', 'json'], options);
  try {
    return JSON.parse(stdout) as T;
  } catch (error) {
    throw new Error(`exit code ${code}, no JSON: ${stdout}${stderr}`, { cause: error });
  }
}
