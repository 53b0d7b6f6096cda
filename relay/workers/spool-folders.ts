/**
 * Where the spools of workers are. The first worker has the folder that a relay without workers has, and those after it one
 * each within, so that nothing moves when their number changes. What a larger number left is delivered from where it lies.
 *
 *   FOLDER/                 worker 1
 *   FOLDER/w2/, w3/, ...    the others
 */
import { access, readdir } from 'node:fs/promises';
import path from 'node:path';

const FOLDER = /^w([1-9][0-9]{0,3})$/;

export function spoolFolderOfWorker(folder: string, worker: number): string {
  return worker === 1 ? folder : path.join(folder, `w${worker}`);
}

/** Numbers of workers whose spool is there, though there are fewer workers now. */
export async function leftBehind(folder: string, workers: number): Promise<readonly number[]> {
  const names = await readdir(folder).catch(unlessMissing);
  const numbers = names.map((name) => Number(FOLDER.exec(name)?.[1] ?? 0)).filter((number) => number > workers);
  const isSpool = await Promise.all(numbers.map((number) => hasQueue(spoolFolderOfWorker(folder, number))));
  return numbers.filter((_, index) => isSpool[index]).sort((a, b) => a - b);
}

/** A folder without a database is what a spool has left for people. */
async function hasQueue(folder: string): Promise<boolean> {
  return access(path.join(folder, 'queue.mdb')).then(
    () => true,
    () => false,
  );
}

function unlessMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}
