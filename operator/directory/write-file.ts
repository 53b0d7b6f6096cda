import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Owner only: what lies in the state folder is secret, or says whose password works. */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Makes a folder and those above it, for the owner only unless a mode says otherwise. Those that are there keep theirs.
 * Throws the system's error.
 *
 * Not `recursive: true`: where a file system refuses a folder with ENOENT (/proc, a working directory that is gone), Node
 * tries for ever, and not even a signal gets through.
 */
export async function makePrivateFolder(folder: string, mode = FOLDER_MODE): Promise<void> {
  const path = resolve(folder);
  const first = await tryMakeFolder(path, mode);
  if (first === undefined) return;
  if (first !== 'ENOENT' || dirname(path) === path) throw folderError(first, path);
  await makePrivateFolder(dirname(path), mode);
  const second = await tryMakeFolder(path, mode);
  if (second !== undefined) throw folderError(second, path);
}

/** The code of what is in the way, undefined where the folder is there now. */
async function tryMakeFolder(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
    if (code !== 'EEXIST') return code;
    return (await stat(path)).isDirectory() ? undefined : 'ENOTDIR';
  }
}

function folderError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: the folder ${path} cannot be made`), { code, path });
}

export interface WriteOptions {
  /** Whether it must outlast a loss of power: not what can be made anew. To wait for the disk takes most of the time. */
  readonly isDurable?: boolean;
  /** The caller writes many files into one folder, and then calls `syncFolder` once. */
  readonly isFolderSyncedLater?: boolean;
  /** Default: for the owner only. */
  readonly mode?: number;
}

/**
 * Replaces a file so that a reader, or a crash at any instant, meets the old content or the new, never a part of one. The
 * same holds for a loss of power, unless it is not durable: then what is there afterwards may be empty.
 * The mode is set before the content is there. Throws the system's error.
 */
export async function writeAtomically(
  path: string,
  text: string,
  { isDurable = true, isFolderSyncedLater = false, mode = FILE_MODE }: WriteOptions = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await openNew(temporary, mode);
    try {
      // the umask has taken off some of it
      if (mode !== FILE_MODE) await file.chmod(mode);
      await file.writeFile(text);
      if (isDurable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (isDurable && !isFolderSyncedLater) await syncFolder(folder);
}

/** Clears away what is in the way only where something is: mostly there is nothing. */
async function openNew(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'wx', mode);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') await rm(path, { force: true });
    else if (code === 'ENOENT') await makePrivateFolder(dirname(path));
    else throw error;
    return open(path, 'wx', mode);
  }
}

/** A rename is on disk only after its folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
