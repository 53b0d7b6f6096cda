/**
 * Every file operation that the spool relies on, in one place: tests put a disk in its place that forgets, at a crash,
 * whatever was not synced. (Records and small contents are lmdb's: store.ts.)
 */
import { createReadStream } from 'node:fs';
import {
  appendFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { lockFolder } from './lock.ts';

export interface Disk {
  /** For this process alone, until the result gives it back or the process ends. Throws where another one has it. */
  lock(folder: string): Promise<() => Promise<void>>;
  /** Makes a folder and those above it; resolves with the first one that was not there. */
  mkdir(folder: string): Promise<string | undefined>;
  list(folder: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]>;
  /** Undefined where there is no such file. */
  sizeOf(file: string): Promise<number | undefined>;
  read(file: string): Promise<Buffer>;
  write(file: string, bytes: Buffer): Promise<void>;
  /** Adds the contents of `source` to the end of a file. */
  append(file: string, source: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file that is not there is no error. */
  remove(file: string): Promise<void>;
  /** Contents of a file reach the disk; its name does with `syncFolder`. Both throw SyncError. */
  syncFile(file: string): Promise<void>;
  /** Names in a folder reach the disk, and so does that others are gone. */
  syncFolder(folder: string): Promise<void>;
}

/** A sync that failed may have dropped the data for good (and says so only once): nothing after it can be believed. */
export class SyncError extends Error {}

/** There is no room for what was to be written, and nothing of it is there. All else is as it was. */
export class DiskFullError extends Error {
  readonly code = 'ENOSPC';
}

/** The spool holds mail of others: for this process alone. */
const PRIVATE_FILE = { mode: 0o600 } as const;
const PRIVATE_FOLDER = { recursive: true, mode: 0o700 } as const;

export const nodeDisk: Disk = {
  lock: lockFolder,
  mkdir: (folder) => mkdir(folder, PRIVATE_FOLDER),
  list: async (folder) => {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  },
  sizeOf: async (file) => (await stat(file).catch(unlessMissing))?.size,
  read: (file) => readFile(file),
  write: (file, bytes) => writeFile(file, bytes, PRIVATE_FILE),
  append: (file, source) => appendFile(file, createReadStream(source)),
  rename,
  remove: (file) => rm(file, { force: true }),
  syncFile: async (file) => syncAndClose(await open(file, 'r+')),
  syncFolder: async (folder) => syncAndClose(await open(folder, 'r')),
};

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function syncAndClose(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (cause) {
    throw new SyncError('fsync failed', { cause });
  } finally {
    await handle.close();
  }
}

/** Makes a folder that is there after a crash, too, and those above it. */
export async function makeFolder(disk: Disk, folder: string): Promise<void> {
  const first = await disk.mkdir(folder);
  if (first === undefined) return;
  for (let made = path.resolve(folder); ; made = path.dirname(made)) {
    await disk.syncFolder(path.dirname(made));
    if (made === path.resolve(first)) return;
  }
}

/** Writes a file that is there as a whole or not at all. Its name reaches the disk with the next `syncFolder`. */
export async function placeFile(disk: Disk, file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.tmp`;
  await write(temporary);
  await disk.syncFile(temporary);
  await disk.rename(temporary, file);
}
