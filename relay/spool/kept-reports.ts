/**
 * Reports that could not be delivered, kept for people: the last word about a message whose sender thinks that it went
 * out. Nothing of the relay reads them again. Bounded in number and age; where there are too many, the oldest of the list
 * that has most goes first, so that no list pushes out the reports of others.
 *
 *   FOLDER/ID.eml    the report
 *   FOLDER/ID.json   {id, time, about, sender, list, user, reply}
 */
import path from 'node:path';
import { z } from 'zod';
import { type Disk, makeFolder, nodeDisk, placeFile } from './disk.ts';
import { ID } from './record.ts';

export interface KeptReport {
  readonly id: string;
  /** The message that it is about. */
  readonly about: string;
  /** Whom it could not be delivered to. */
  readonly sender: string;
  readonly list: string;
  readonly user: string;
  /** Why not. */
  readonly reply: string;
  readonly content: Buffer;
}

export interface KeptReports {
  /** Resolves with the file that it is in. */
  keep(report: KeptReport): Promise<string>;
  /** Takes away what is too old. */
  expire(): Promise<void>;
}

/** A few for each of hundreds of lists; with 100 KB each at most they fit beside any spool. */
const MOST = 1000;
const KEPT_MS = 30 * 24 * 3600 * 1000;

const noteSchema = z.object({ time: z.iso.datetime(), list: z.string() });

interface Note {
  readonly list: string;
  readonly time: number;
}

export async function openKeptReports(
  folder: string,
  { now = Date.now, most = MOST, disk = nodeDisk }: { now?: () => number; most?: number; disk?: Disk } = {},
): Promise<KeptReports> {
  await makeFolder(disk, folder);
  /** Oldest first. */
  const notes = await readNotes(folder, disk);

  async function remove(id: string): Promise<void> {
    notes.delete(id);
    for (const ending of ['eml', 'json']) await disk.remove(path.join(folder, `${id}.${ending}`));
  }

  async function expire(): Promise<void> {
    const old = [...notes].filter(([, { time }]) => now() - time > KEPT_MS);
    for (const [id] of old) await remove(id);
  }

  async function makeRoom(): Promise<void> {
    while (notes.size >= most) {
      const byList = Map.groupBy(notes, ([, { list }]) => list);
      const [fullest = []] = [...byList.values()].sort((a, b) => b.length - a.length);
      const [oldest] = fullest;
      if (oldest !== undefined) await remove(oldest[0]);
    }
  }

  const place = (name: string, bytes: Buffer) =>
    placeFile(disk, path.join(folder, name), (temporary) => disk.write(temporary, bytes));

  async function keep({ content, ...about }: KeptReport): Promise<string> {
    await expire();
    await makeRoom();
    const time = now();
    const note = JSON.stringify({ ...about, time: new Date(time).toISOString() }, undefined, 2);
    await place(`${about.id}.eml`, content);
    await place(`${about.id}.json`, Buffer.from(`${note}\n`));
    await disk.syncFolder(folder);
    notes.delete(about.id);
    notes.set(about.id, { list: about.list, time });
    return path.join(folder, `${about.id}.eml`);
  }

  await expire();
  return { keep, expire };
}

/** What an earlier process left. What has no readable note, somebody else has put there: it stays as it is. */
async function readNotes(folder: string, disk: Disk): Promise<Map<string, Note>> {
  const found: [string, Note][] = [];
  for (const { name } of await disk.list(folder)) {
    const id = name.replace(/\.json$/, '');
    if (id === name || !ID.test(id)) continue;
    const note = parseNote((await disk.read(path.join(folder, name))).toString());
    if (note !== undefined) found.push([id, note]);
  }
  return new Map(found.sort(([, a], [, b]) => a.time - b.time));
}

function parseNote(text: string): Note | undefined {
  try {
    const { time, list } = noteSchema.parse(JSON.parse(text));
    return { time: Date.parse(time), list };
  } catch {
    return undefined;
  }
}
