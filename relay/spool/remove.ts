/** Removes a spool that is empty. What it has put aside for people stays where they look for it. */
import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';

/** The database last: where this is cut short, it is a spool still, and is removed the next time. */
const QUEUE = ['bodies', 'incoming', 'handing-over', 'queue.mdb-lock', 'queue.mdb'];

export async function removeSpool(folder: string): Promise<void> {
  for (const name of QUEUE) await rm(path.join(folder, name), { recursive: true, force: true });
  await removeEmptyFolders(folder);
}

/** Of a folder that is not empty, removes those folders in it that are. */
async function removeEmptyFolders(folder: string): Promise<void> {
  const inner = await readdir(folder, { withFileTypes: true });
  for (const entry of inner) if (entry.isDirectory()) await removeEmptyFolders(path.join(folder, entry.name));
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}
