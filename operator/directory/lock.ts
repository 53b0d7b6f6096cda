import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { FILE_MODE } from './write-file.ts';

/** Two processes on one state folder would give out two passwords for one user, and lose one. */
export type LockResult =
  | { readonly taken: true; readonly release: () => Promise<void> }
  | { readonly taken: false; readonly message: string };

/** Attempts to clear away what dead processes left, before somebody else's luck counts as theirs. */
const ATTEMPTS = 5;
/** Longer than the step from seeing a dead lock to clearing it away. */
const CONFIRM_MS = 30;
/** Sign of life for processes that cannot see this one: those in other containers on the same volume. */
const HEARTBEAT_MS = 5000;
/** A lock of another host this long without a sign of life is a dead container's. */
const SILENCE_MS = 30_000;

interface Owner {
  readonly pid: number;
  /** Tells a process from a later one with its number; empty where the system doesn't say. */
  readonly started: string;
  readonly host: string;
}

/** Takes the lock of a state folder, or says who has it. A lock whose process is dead counts for nothing. */
export async function takeLock(folder: string): Promise<LockResult> {
  const path = join(folder, 'lock');
  const mine = JSON.stringify({
    pid: process.pid,
    started: await startOf(process.pid),
    host: hostname(),
    id: randomUUID(),
  });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, mine, { mode: FILE_MODE });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if ((await tryLink(draft, path)) && (await isStill(path, mine))) return hold(path, mine);
      const theirs = await readText(path);
      if (theirs === undefined) continue;
      const owner = parseOwner(theirs);
      if (owner !== undefined && (await isAlive(owner, path)))
        return { taken: false, message: describe(folder, owner, path) };
      await clearAway(path, theirs);
    }
    return { taken: false, message: `another process is taking over the state folder ${folder}` };
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whether a process is at work on a state folder now. */
export async function isLocked(folder: string): Promise<boolean> {
  const path = join(folder, 'lock');
  const owner = parseOwner((await readText(path)) ?? '');
  return owner !== undefined && (await isAlive(owner, path));
}

/** `link` is the one call that makes a file with its content, and only if there is none. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead lock aside; one that a third process has taken meanwhile is put back. */
async function clearAway(path: string, dead: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await readText(aside)) !== dead) await tryLink(aside, path);
  } catch {
    // somebody else was faster: the next attempt tells
  } finally {
    await rm(aside, { force: true });
  }
}

/** Somebody who saw the dead lock before us may just be clearing it away, and ours with it. */
async function isStill(path: string, mine: string): Promise<boolean> {
  await sleep(CONFIRM_MS);
  return (await readText(path)) === mine;
}

function hold(path: string, mine: string): LockResult {
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  const release = async (): Promise<void> => {
    clearInterval(heartbeat);
    if ((await readText(path)) === mine) await rm(path, { force: true });
  };
  return { taken: true, release };
}

function describe(folder: string, owner: Owner, path: string): string {
  const where = owner.host === hostname() ? '' : ` on ${owner.host}`;
  return `process ${owner.pid}${where} already runs on the state folder ${folder}; end it, or choose another with --state (lock: ${path})`;
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, started, host } = JSON.parse(text) as Partial<Owner>;
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof host !== 'string') return undefined;
    return { pid, started, host };
  } catch {
    return undefined;
  }
}

async function isAlive(owner: Owner, path: string): Promise<boolean> {
  if (owner.host !== hostname()) return Date.now() - (await modifiedMs(path)) < SILENCE_MS;
  if (owner.started !== '') return (await startOf(owner.pid)) === owner.started;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function modifiedMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

/** Boot and start time of a process on Linux (proc(5): field 22 of /proc/PID/stat, counted after the name). */
async function startOf(pid: number): Promise<string> {
  const stat = await readText(`/proc/${pid}/stat`);
  const boot = await readText('/proc/sys/kernel/random/boot_id');
  if (stat === undefined || boot === undefined) return '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // a zombie has a number and does nothing
  return fields[0] === 'Z' ? '' : `${boot.trim()}:${fields[19] ?? ''}`;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
