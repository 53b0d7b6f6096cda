/** Contents too large for the database: a file each, on disk with its folder entry before the record is written. */
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Body } from '../message.ts';
import { shareRuns } from '../share-runs.ts';

export interface SpoolFiles {
  /** Where the receiving half writes: same file system, so that taking a file over is a rename. Emptied at start. */
  readonly incoming: string;
  /** Resolves when the body is on disk under `id`. */
  take(id: string, body: Body): Promise<void>;
  pathOf(id: string): string;
  /** Size of the file, or undefined where it is missing. */
  sizeOf(id: string): Promise<number | undefined>;
  remove(id: string): Promise<void>;
  /** Folder of what is kept for people. */
  readonly aside: string;
  /** Moves the file there, where there is one. */
  setAside(id: string): Promise<void>;
  /** Names of files that belong to none of these. */
  orphans(ids: { has(id: string): boolean }): Promise<readonly string[]>;
}

/** A sync that failed may have dropped the data for good (and says so only once): nothing after it can be believed. */
export class SyncError extends Error {}

export async function openFiles(folder: string): Promise<SpoolFiles> {
  const [incoming, bodies] = [path.join(folder, 'incoming'), path.join(folder, 'bodies')];
  const aside = path.join(folder, 'quarantine');
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await mkdir(bodies, { recursive: true, mode: 0o700 });
  for (const name of await readdir(incoming)) await unlink(path.join(incoming, name));
  const syncBodies = shareRuns(() => syncFolder(bodies));
  const pathOf = (id: string) => path.join(bodies, id);
  return {
    incoming,
    take: async (id, body) => {
      const source = body.kind === 'file' ? body.path : path.join(incoming, `${id}.tmp`);
      if (body.kind === 'memory') await writeFile(source, body.bytes, { mode: 0o600 });
      await syncFile(source);
      await rename(source, pathOf(id));
      await syncBodies();
    },
    pathOf,
    sizeOf: async (id) => (await stat(pathOf(id)).catch(() => undefined))?.size,
    remove: (id) => unlink(pathOf(id)).catch(() => {}),
    aside,
    setAside: async (id) => {
      await mkdir(aside, { recursive: true, mode: 0o700 });
      await rename(pathOf(id), path.join(aside, `${encodeURIComponent(id)}.eml`)).catch(unlessMissing);
      await syncFolder(aside);
    },
    orphans: async (ids) => (await readdir(bodies)).filter((name) => !ids.has(name)),
  };
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  await syncAndClose(handle);
}

export async function syncFolder(folder: string): Promise<void> {
  await syncAndClose(await open(folder, 'r'));
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
