/**
 * Reads every record of a database once, before it is opened for good. Pages that were read count as memory of this
 * process for as long as they are mapped, and those of a long queue would soon leave no room for anything else: so the
 * database is opened anew for every few thousand records.
 */
import { type Database, open } from 'lmdb';

const PIECE = 20_000;

/** Stops when `show` returns false. */
export async function scanRecords(file: string, show: (id: string, record: string) => boolean): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined;) after = await scanPiece(file, after, show);
}

/** Resolves with the last id; undefined where that was the end. */
async function scanPiece(
  file: string,
  after: string,
  show: (id: string, record: string) => boolean,
): Promise<string | undefined> {
  const database = open({ path: file, noSubdir: true, readOnly: true, maxDbs: 2 });
  try {
    // there is none where a process ended before it had made it
    const records: Database<string, string> | undefined = database.openDB<string, string>('records', {
      encoding: 'string',
    });
    let [count, last] = [0, after];
    const piece = records?.getRange({ start: after, exclusiveStart: true, limit: PIECE });
    for (const { key, value } of piece ?? []) {
      if (!show(key, value)) return undefined;
      count++;
      last = key;
    }
    return count < PIECE ? undefined : last;
  } finally {
    await database.close();
  }
}
