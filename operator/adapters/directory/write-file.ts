import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Owner only: what lies in the state folder is secret, or says whose password works. */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Makes a folder and those above it, for the owner only. Those that are there keep their mode. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
}

/**
 * Replaces a file so that a reader, or a crash at any instant, meets the old content or the new, never a part of one.
 * The mode is set before the content is there. Throws the system's error.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', FILE_MODE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** A rename is on disk only after its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
