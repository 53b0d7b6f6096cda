/**
 * Credentials Secrets whose users are gone, kept for a day: a user who comes back has its password again. They are as
 * secret as before, and nothing accepts the passwords in them.
 */
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemReason } from '../errors.ts';
import { makePrivateFolder } from './write-file.ts';

export interface KeptAside {
  /** Moves the Secret's file here. */
  readonly take: (path: string) => Promise<void>;
  readonly has: (path: string) => boolean;
  /** Where it lies. */
  readonly fileOf: (path: string) => string;
  /** Moves it back. Resolves to whether it was here. */
  readonly giveBack: (path: string) => Promise<boolean>;
  /** Removes what has been here for long enough, and the oldest of what is too much. */
  readonly tidy: (now: number) => Promise<void>;
}

interface KeptAsideOptions {
  /** Where Secrets in force lie; paths are from there. */
  readonly secrets: string;
  readonly folder: string;
}

const KEEP_MS = 24 * 3600 * 1000;
/** A folder that comes and goes with ever new users must not fill the disk. */
const KEPT_MAX = 10_000;

export async function openKeptAside({ secrets, folder }: KeptAsideOptions): Promise<KeptAside> {
  /** Since when, by path; in the order of time. */
  const since = new Map(await timesIn(folder));

  async function forget(path: string): Promise<void> {
    since.delete(path);
    await rm(join(folder, path), { force: true });
  }

  return {
    take: async (path) => {
      const [from, to] = [join(secrets, path), join(folder, path)];
      await makePrivateFolder(dirname(to));
      const now = new Date();
      try {
        await rename(from, to);
        await utimes(to, now, now);
      } catch (error) {
        // somebody else has deleted it
        if (systemReason(error) !== 'ENOENT') throw error;
        return;
      }
      since.delete(path);
      since.set(path, now.getTime());
    },
    has: (path) => since.has(path),
    fileOf: (path) => join(folder, path),
    giveBack: async (path) => {
      since.delete(path);
      await makePrivateFolder(dirname(join(secrets, path)));
      try {
        await rename(join(folder, path), join(secrets, path));
        return true;
      } catch (error) {
        if (systemReason(error) === 'ENOENT') return false;
        throw error;
      }
    },
    tidy: async (now) => {
      const tooMany = Math.max(0, since.size - KEPT_MAX);
      const old = [...since].filter(([, time], index) => index < tooMany || now - time >= KEEP_MS);
      for (const [path] of old) await forget(path);
    },
  };
}

async function timesIn(folder: string): Promise<[string, number][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (systemReason(error) === 'ENOENT') return [];
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const times: [string, number][] = [];
  for (const file of files) times.push([file.slice(folder.length + 1), (await stat(file)).mtimeMs]);
  return times.sort(([, a], [, b]) => a - b);
}
