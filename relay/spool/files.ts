/** Contents too large for memory: one file each, on disk with its folder entry before the record is written. */
import path from 'node:path';
import { type Disk, makeFolder } from './disk.ts';
import { shareRuns } from '../share-runs.ts';

export interface SpoolFiles {
  /** Where the receiving half writes: same file system, so that taking a file over is a rename. Emptied at start. */
  readonly incoming: string;
  /** Resolves when this file, which must be in `incoming`, is on disk under `id`. */
  takeOver(id: string, source: string): Promise<void>;
  pathOf(id: string): string;
  /** Size of the file, or undefined where it is missing. */
  sizeOf(id: string): Promise<number | undefined>;
  remove(id: string): Promise<void>;
  /** Names of files that belong to none of these. */
  orphans(ids: { has(id: string): boolean }): Promise<readonly string[]>;
}

export async function openFiles(folder: string, disk: Disk): Promise<SpoolFiles> {
  const [incoming, bodies] = [path.join(folder, 'incoming'), path.join(folder, 'bodies')];
  await makeFolder(disk, incoming);
  await makeFolder(disk, bodies);
  for (const { name } of await disk.list(incoming)) await disk.remove(path.join(incoming, name));
  const syncBodies = shareRuns(() => disk.syncFolder(bodies));
  const pathOf = (id: string) => path.join(bodies, id);
  return {
    incoming,
    takeOver: async (id, source) => {
      await disk.syncFile(source);
      await disk.rename(source, pathOf(id));
      await syncBodies();
    },
    pathOf,
    sizeOf: (id) => disk.sizeOf(pathOf(id)).catch(() => undefined),
    remove: (id) => disk.remove(pathOf(id)).catch(() => {}),
    orphans: async (ids) => (await disk.list(bodies)).map(({ name }) => name).filter((name) => !ids.has(name)),
  };
}
