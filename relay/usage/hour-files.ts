/**
 * The hours on disk, a file for each: only the one under way is ever written again. A file that cannot be read is a loss of
 * that hour's counts, which the log tells, and nothing more.
 *
 *   FOLDER/2026-11-28T04.json
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Log } from '../observe/log.ts';
import { makeFolder, nodeDisk, placeFile, type Disk } from '../spool/disk.ts';
import { tallySchema } from '../observe/usage-report.ts';
import { HOUR_MS } from './hours.ts';
import type { Tallies } from './tally.ts';

const NAME = /^(\d{4}-\d\d-\d\dT\d\d)\.json$/;
const hourSchema = z.record(z.string(), tallySchema);

export interface HourFiles {
  /** Those that can be read, by their number since 1970. */
  readonly read: () => Promise<ReadonlyMap<number, Tallies>>;
  readonly write: (hour: number, tallies: Tallies) => Promise<void>;
  /** Removes hours before this one. */
  readonly removeBefore: (hour: number) => Promise<void>;
}

export function createHourFiles(folder: string, log: Log, disk: Disk = nodeDisk): HourFiles {
  const fileOf = (hour: number): string =>
    path.join(folder, `${new Date(hour * HOUR_MS).toISOString().slice(0, 13)}.json`);

  async function numbers(): Promise<readonly number[]> {
    const names = (await disk.list(folder).catch(unlessMissing)).map(({ name }) => NAME.exec(name)?.[1]);
    const hours = names.flatMap((name) => (name === undefined ? [] : [Date.parse(`${name}:00:00Z`) / HOUR_MS]));
    return hours.filter((hour) => Number.isInteger(hour));
  }

  async function readOne(hour: number): Promise<Tallies | undefined> {
    try {
      const text = (await disk.read(fileOf(hour))).toString('utf8');
      return new Map(Object.entries(hourSchema.parse(JSON.parse(text))));
    } catch (error) {
      log.warn({ event: 'usage', file: fileOf(hour), err: error }, 'the counts of one hour are lost');
      return undefined;
    }
  }

  return {
    read: async () => {
      const found = new Map<number, Tallies>();
      const known = await numbers().catch((error: unknown) => {
        log.warn({ event: 'usage', folder, err: error }, 'earlier counts cannot be read');
        return [];
      });
      for (const hour of known) {
        const tallies = await readOne(hour);
        if (tallies !== undefined) found.set(hour, tallies);
      }
      return found;
    },
    write: async (hour, tallies) => {
      await makeUsageFolder(disk, folder);
      const text = JSON.stringify(Object.fromEntries(tallies));
      await placeFile(disk, fileOf(hour), (temporary) => disk.write(temporary, Buffer.from(text)));
      await disk.syncFolder(folder);
    },
    removeBefore: async (first) => {
      for (const hour of await numbers()) if (hour < first) await disk.remove(fileOf(hour));
    },
  };
}

/** In a spool that is there: one that somebody has removed is not to come back as a husk. */
export async function makeUsageFolder(disk: Disk, folder: string): Promise<void> {
  if (existsSync(path.dirname(folder))) await makeFolder(disk, folder);
}

function unlessMissing(error: NodeJS.ErrnoException): [] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}
