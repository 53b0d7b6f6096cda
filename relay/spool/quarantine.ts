/** Keeps what the spool cannot read, for people: every byte that is left of a message, out of the queue's way. */
import path from 'node:path';
import type { Log } from '../observe/log.ts';
import { type Disk, makeFolder, placeFile } from './disk.ts';
import type { SpoolFiles } from './files.ts';
import { shareRuns } from '../share-runs.ts';

interface Left {
  readonly record?: Buffer | undefined;
  readonly stored?: Buffer | undefined;
  readonly file?: string | undefined;
}

export interface Quarantine {
  readonly folder: string;
  /** Resolves when all that is given is on disk there. `stored`: what the database has of the content. */
  keep(id: string, left: Left): Promise<void>;
}

export function createQuarantine(spoolFolder: string, disk: Disk): Quarantine {
  const folder = path.join(spoolFolder, 'quarantine');
  const make = shareRuns(() => makeFolder(disk, folder));
  return {
    folder,
    keep: async (id, { record, stored, file }) => {
      await make();
      // whatever it is, it is no path
      const name = path.join(folder, encodeURIComponent(id));
      const place = (ending: string, bytes: Buffer) =>
        placeFile(disk, `${name}.${ending}`, (temporary) => disk.write(temporary, bytes));
      if (record !== undefined) await place('record', record);
      // where the body is in a file, the database has only the lines that stand in front of it
      if (stored !== undefined && stored.length > 0) await place(file === undefined ? 'eml' : 'head', stored);
      if (file !== undefined) await disk.rename(file, `${name}.eml`);
      await disk.syncFolder(folder);
    },
  };
}

/** Where the database was lost, files without a record are the last that is left of messages. */
export async function keepOrphans(files: SpoolFiles, quarantine: Quarantine, log: Log): Promise<void> {
  const orphans = await files.orphans(new Set());
  if (orphans.length === 0) return;
  log.error({ contents: orphans.length, folder: quarantine.folder }, 'the spool has lost its database: contents moved');
  for (const name of orphans) await quarantine.keep(name, { file: files.pathOf(name) });
}
