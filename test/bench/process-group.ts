/** A program under measurement with all the processes that it starts: what they use, also those that have ended. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessGroup {
  readonly pid: number;
  /** Seconds of CPU so far. */
  readonly cpuSeconds: () => number;
  /** Proportional resident memory of all of them now: pages that they share count once, and those of a queue's database not. */
  readonly megabytes: () => number;
  /** The most that `megabytes` has seen since the last call, looked at twice a second. */
  readonly takePeak: () => number;
  /** Rejects when the program ends before it is stopped. */
  readonly ended: Promise<never>;
  readonly stop: () => Promise<void>;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes, as the log of a service does. */
  readonly logFile: string;
}

const LOOK_MS = 500;
const STOP_MS = 10_000;
/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS = 100;

const running = new Set<number>();
// a benchmark that is interrupted, or fails, leaves nothing behind that takes the machine's time
process.on('exit', () => {
  for (const root of running) for (const member of membersOf(root)) kill(member, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Starts a program in a session of its own. */
export function startGroup({ command, args, env, logFile }: Program): ProcessGroup {
  const log = openSync(logFile, 'a');
  const stdio = ['ignore', log, log] as const;
  const child = spawn(command, args, { stdio: [...stdio], detached: true, env: { ...process.env, ...env } });
  closeSync(log);
  const { pid } = child;
  let isStopping = false;
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (!isStopping) reject(new Error(`${command} ended with ${code ?? signal}`));
    });
  });
  // who does not wait for it is told by what does not answer
  ended.catch(() => undefined);
  if (pid === undefined) throw new Error(`${command} cannot be started`);
  running.add(pid);
  let peak = 0;
  const megabytes = (): number => membersOf(pid).reduce((sum, one) => sum + memoryOf(one), 0);
  const look = setInterval(() => (peak = Math.max(peak, megabytes())), LOOK_MS);
  return {
    pid,
    ended,
    megabytes,
    cpuSeconds: () => membersOf(pid).reduce((sum, one) => sum + cpuOf(one), 0),
    takePeak: () => {
      const most = Math.max(peak, megabytes());
      peak = 0;
      return most;
    },
    stop: async () => {
      isStopping = true;
      clearInterval(look);
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        for (const member of membersOf(pid)) kill(member, signal);
        const end = performance.now() + STOP_MS;
        while (membersOf(pid).length > 0 && performance.now() < end) await sleep(50);
      }
      running.delete(pid);
    },
  };
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/** Its descendants, and whatever is in the session of one of them though its parent has ended. */
function membersOf(root: number): number[] {
  const all = processes();
  const members = new Set<number>([root]);
  for (let size = 0; size < members.size;) {
    size = members.size;
    for (const { pid, parent, session } of all) if (members.has(parent) || members.has(session)) members.add(pid);
  }
  return all.map(({ pid }) => pid).filter((pid) => members.has(pid));
}

/** All that run. */
function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [state, parent, , session] = statOf(Number(name)) ?? ['Z'];
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), session: Number(session) }];
    });
}

/** The fields of /proc/PID/stat from the state on; undefined: it is gone. */
function statOf(pid: number): string[] | undefined {
  const text = readOf(pid, 'stat');
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Its own, and that of its children which it has waited for. */
function cpuOf(pid: number): number {
  const ticks = (statOf(pid) ?? []).slice(11, 15).map(Number);
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS;
}

/**
 * Without what it sees of its queue's database: those pages are the kernel's cache of a file, which it takes back as it
 * needs. Files that others read and write lie in the same cache, and count as nobody's.
 */
function memoryOf(pid: number): number {
  const mappings = (readOf(pid, 'smaps') ?? '').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const counted = mappings.filter((mapping) => !/^.*\.mdb\n/.test(mapping));
  const kilobytes = counted.map((mapping) => Number(/^Pss:\s+(\d+)/m.exec(mapping)?.[1] ?? 0));
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

function readOf(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone by itself
  }
}
