/**
 * What outlives the counts of a day: the monthly quotas, and who is watched or paused. One small file, beside the
 * hours.
 */
import path from 'node:path';
import { z } from 'zod';
import type { Log } from '../observe/log.ts';
import { makeUsageFolder } from './hour-files.ts';
import { nodeDisk, placeFile } from '../spool/disk.ts';
import type { MonthCounts } from './months.ts';
import type { WatchedUser } from './pauses.ts';

export interface Standing {
  readonly months: MonthCounts;
  /** By user. */
  readonly watched: Readonly<Record<string, WatchedUser>>;
}

const count = z.number().int().nonnegative();
const standingSchema = z.object({
  months: z.object({ month: z.string(), messages: z.record(z.string(), count) }),
  watched: z.record(
    z.string(),
    z.object({ resume: z.string(), judged: count, bounced: count, since: z.iso.datetime().optional() }),
  ),
});

const NAME = 'standing.json';

/** Undefined where there is none, or none that can be read, which the log tells. */
export async function readStanding(folder: string, log: Log): Promise<Standing | undefined> {
  const file = path.join(folder, NAME);
  try {
    return standingSchema.parse(JSON.parse((await nodeDisk.read(file)).toString('utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    log.warn({ event: 'usage', file, err: error }, 'the counts for monthly quotas and pauses are lost');
    return undefined;
  }
}

/** @param text JSON of a `Standing`. */
export async function writeStanding(folder: string, text: string): Promise<void> {
  await makeUsageFolder(nodeDisk, folder);
  const bytes = Buffer.from(text);
  await placeFile(nodeDisk, path.join(folder, NAME), (temporary) => nodeDisk.write(temporary, bytes));
  await nodeDisk.syncFolder(folder);
}
