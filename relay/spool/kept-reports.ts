/**
 * Reports that could not be delivered, kept for people: the last word about a message whose sender thinks that it went
 * out. Nothing of the relay reads them again. Bounded in number and age; where there are too many, the oldest of the list
 * that has most goes first, so that no list pushes out the reports of others.
 *
 *   FOLDER/ID.eml    the report
 *   FOLDER/ID.json   {id, time, about, sender, list, user, reply}
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { syncFolder } from './files.ts';
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
  { now = Date.now, most = MOST }: { now?: () => number; most?: number } = {},
): Promise<KeptReports> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  /** Oldest first. */
  const notes = await readNotes(folder);

  async function remove(id: string): Promise<void> {
    notes.delete(id);
    for (const ending of ['eml', 'json']) await rm(path.join(folder, `${id}.${ending}`), { force: true });
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

  async function keep({ content, ...about }: KeptReport): Promise<string> {
    await expire();
    await makeRoom();
    const time = now();
    const note = JSON.stringify({ ...about, time: new Date(time).toISOString() }, undefined, 2);
    await place(path.join(folder, `${about.id}.eml`), content);
    await place(path.join(folder, `${about.id}.json`), `${note}\n`);
    await syncFolder(folder);
    notes.delete(about.id);
    notes.set(about.id, { list: about.list, time });
    return path.join(folder, `${about.id}.eml`);
  }

  await expire();
  return { keep, expire };
}

async function place(file: string, content: Buffer | string): Promise<void> {
  await writeFile(`${file}.tmp`, content, { mode: 0o600, flush: true });
  await rename(`${file}.tmp`, file);
}

/** What an earlier process left. What has no readable note, somebody else has put there: it stays as it is. */
async function readNotes(folder: string): Promise<Map<string, Note>> {
  const found: [string, Note][] = [];
  for (const name of await readdir(folder)) {
    const id = name.replace(/\.json$/, '');
    if (id === name || !ID.test(id)) continue;
    const note = parseNote(await readFile(path.join(folder, name), 'utf8'));
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
