/** `smtp-plus standalone` as a process of its own, as a user starts it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import { folderOf } from './folder.ts';

export const CLI = fileURLToPath(new URL('../../operator/cli.ts', import.meta.url));
const START_MS = 60_000;

export interface ReadyEvent {
  readonly event: 'ready';
  readonly ports: readonly number[];
  readonly implicitTlsPorts: readonly number[];
  readonly http: number;
  readonly skippedPorts: number;
  /** For people. */
  readonly skipped: string;
  readonly settings: string | null;
  /** Its URL, where it is served. */
  readonly console: string | null;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Standalone {
  readonly pid: number;
  readonly folder: string;
  readonly state: string;
  readonly ready: ReadyEvent;
  /** The first port with STARTTLS. */
  readonly port: number;
  /** What it has printed, a line each, stdout and stderr. */
  readonly lines: readonly string[];
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Ends it (SIGTERM), and waits until it is gone. */
  readonly stop: () => Promise<Exit>;
  readonly exited: Promise<Exit>;
}

export interface StandaloneOptions {
  readonly folder: string;
  /** A folder of its own where absent. */
  readonly state?: string;
  readonly settings?: string;
  readonly flags?: readonly string[];
}

/** Starts it on free ports, waits until it is ready, and ends it after the test. */
export async function startStandalone(t: TestContext, options: StandaloneOptions): Promise<Standalone> {
  const state = options.state ?? (await folderOf(t));
  const settings = options.settings === undefined ? [] : ['--settings', options.settings];
  const { flags = [] } = options;
  const free = ['--ports', '--http'].flatMap((flag) => (flags.includes(flag) ? [] : [flag, '0']));
  const args = ['standalone', options.folder, '--state', state, '--json', ...free, ...settings, ...flags];
  const process = runCli(t, args);
  const ready = await readyOf(process);
  const [port] = ready.ports;
  assert.ok(port !== undefined);
  return { ...process, folder: options.folder, state, ready, port };
}

export type CliProcess = Pick<Standalone, 'pid' | 'lines' | 'kill' | 'stop' | 'exited'> & {
  /** Resolves to the first line that has the text, printed before or after the call. */
  readonly line: (text: string) => Promise<string>;
};

/** Runs the command line; ends it after the test if it has not ended by then. */
export function runCli(
  t: TestContext,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): CliProcess {
  const child = spawn(process.execPath, [CLI, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting: { text: string; found: (line: string) => void }[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const { text, found } of waiting) if (line.includes(text)) found(line);
    });
  }
  const exited: Promise<Exit> = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<Exit> => {
    if (!isGone()) child.kill('SIGTERM');
    return exited;
  };
  t.after(async () => {
    if (!isGone()) child.kill('SIGKILL');
    await exited;
  });
  return {
    pid: child.pid ?? 0,
    lines,
    exited,
    stop,
    kill: (signal) => void child.kill(signal),
    line: (text) => {
      const seen = lines.find((line) => line.includes(text));
      return seen === undefined ? new Promise((found) => waiting.push({ text, found })) : Promise.resolve(seen);
    },
  };
}

async function readyOf(process: CliProcess): Promise<ReadyEvent> {
  const patience = Promise.withResolvers<never>();
  const timer = setTimeout(() => patience.reject(new Error('too slow')), START_MS);
  try {
    const line = await Promise.race([
      process.line('"event":"ready"'),
      patience.promise,
      process.exited.then(({ code }) => Promise.reject(new Error(`exit code ${code}`))),
    ]);
    return JSON.parse(line) as ReadyEvent;
  } catch (error) {
    throw new Error(`standalone did not get ready:\n${process.lines.join('\n')}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

export interface Credentials {
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** PEM. */
  readonly ca: string;
}

/** What the credentials Secret of a user holds. */
export async function credentialsOf(state: string, namespace: string, secret: string): Promise<Credentials> {
  const manifest = parse(await readFile(join(state, 'secrets', namespace, `${secret}.yaml`), 'utf8'));
  const value = (key: string): string => Buffer.from(manifest.data[key] ?? '', 'base64').toString();
  return { host: value('host'), username: value('username'), password: value('password'), ca: value('ca.crt') };
}

/** The status of an object, as written in the state folder. */
export async function statusOf(state: string, kind: string, namespace: string, name: string) {
  const { status } = parse(await readFile(join(state, 'status', kind, namespace, `${name}.yaml`), 'utf8'));
  const conditions = (status.conditions ?? []) as { type: string; status: string; reason: string; message: string }[];
  return { ...status, condition: (type: string) => conditions.find((condition) => condition.type === type) };
}
