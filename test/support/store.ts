/** Stores that relays count in together: a real one (Debian's `redis-server`, which speaks Valkey's protocol), and one that says what a test wants. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ValkeyConfig } from '../../relay/config/shared-counters.ts';
import { freePorts } from './control-plane/process.ts';
import { until } from './eventually.ts';
import { folderOf } from './folder.ts';

/** Where a machine is busy, an answer may take its time. */
const PATIENT_MS = 60_000;
/** Somebody else may take the port between the choice and the start. */
const STARTS = 5;

export function aStoreConfig(port: number, overrides: Partial<ValkeyConfig> = {}): ValkeyConfig {
  const hashKey = 'ab'.repeat(32);
  return {
    kind: 'valkey',
    host: '127.0.0.1',
    port,
    keyPrefix: 'smtp-plus',
    hashKey,
    timeoutMs: PATIENT_MS,
    ...overrides,
  };
}

/** @param args further ones of the command line, given the port; default: it listens in clear text. */
export async function startStore(
  t: Pick<TestContext, 'after'>,
  args: (port: number) => readonly string[] = (port) => ['--port', String(port)],
) {
  const folder = await folderOf(t);
  const first = await startAtAnyPort(folder, args);
  const { port } = first;
  let { child } = first;
  t.after(() => end(child));
  return {
    port,
    /** Resolves when it has stopped. */
    pause: async () => {
      child.kill('SIGSTOP');
      await until(async () => (await readFile(`/proc/${child.pid}/stat`, 'utf8')).includes(') T '));
    },
    goOn: () => child.kill('SIGCONT'),
    kill: () => end(child),
    /** At the same port, with nothing in it. */
    startAnew: async () => {
      ({ child } = await until(() => start(folder, port, args)));
    },
    /** What `redis-cli` says to that. */
    ask: (...words: readonly string[]) => cli(port, words),
  };
}

async function startAtAnyPort(folder: string, args: (port: number) => readonly string[]) {
  for (let i = 0; i < STARTS; i++) {
    const [port = 0] = await freePorts(1);
    const started = await start(folder, port, args);
    if (started !== undefined) return started;
  }
  throw new Error('redis-server does not start');
}

/** Undefined where it ends, as it does where somebody has the port. */
async function start(folder: string, port: number, args: (port: number) => readonly string[]) {
  // made once it listens at its port
  const socketFile = join(folder, 'store.sock');
  const all = ['--bind', '127.0.0.1', '--save', '', '--dir', folder, '--unixsocket', socketFile, ...args(port)];
  const child = spawn('redis-server', all, { stdio: 'ignore' });
  const became = await until(async () => {
    if (hasEnded(child)) return 'ended';
    const socket = connect(socketFile);
    await once(socket, 'connect').finally(() => socket.destroy());
    return 'ready';
  });
  return became === 'ready' ? { child, port } : undefined;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function cli(port: number, words: readonly string[]): Promise<string> {
  const child = spawn('redis-cli', ['-p', String(port), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return said.trim();
}

/** Answers each question, whatever it is, with these octets. */
export async function startLiar(t: Pick<TestContext, 'after'>, answer: () => string) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (asked: Buffer) => {
      const questions = asked.toString('latin1').split(/^EVALSHA\r$/m).length - 1;
      for (let i = 0; i < questions; i++) socket.write(answer());
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return { port: (server.address() as AddressInfo).port };
}
