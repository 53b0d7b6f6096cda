/**
 * Captured mail on disk: `ID.eml` and its envelope `ID.json`, in a folder or below it. Read only; whatever captures it
 * also writes it.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readStart, type CapturedFile } from './captured-content.ts';

export interface CapturedPlace {
  /** One letter, by which its messages are told from those of another place. */
  readonly letter: string;
  readonly folder: string;
}

const envelopeSchema = z.object({
  id: z.string(),
  time: z.string(),
  user: z.string(),
  list: z.string(),
  from: z.string(),
  recipients: z.array(z.string()),
});

export type CapturedEnvelope = z.infer<typeof envelopeSchema>;

export interface CapturedMail extends CapturedFile {
  /** By which it is asked for: its place and id. */
  readonly key: string;
  readonly id: string;
}

const ENVELOPE = /^([A-Za-z0-9-]+)\.json$/;
/** An envelope is an id, a few names and recipients. */
const ENVELOPE_MAX = 1024 * 1024;
/** Folders of namespaces and lists, and no further. */
const DEPTH_MAX = 2;

/** All that there is, newest first: ids sort by time. */
export async function listCaptured(places: readonly CapturedPlace[]): Promise<readonly CapturedMail[]> {
  const found = await Promise.all(places.map(({ letter, folder }) => findIn(folder, letter, 0)));
  return found.flat().sort((a, b) => (a.id === b.id ? 0 : a.id < b.id ? 1 : -1));
}

async function findIn(folder: string, letter: string, depth: number): Promise<readonly CapturedMail[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = entries.flatMap((entry) => {
    const id = entry.isFile() ? ENVELOPE.exec(entry.name)?.[1] : undefined;
    return id === undefined ? [] : [{ key: `${letter}-${id}`, file: path.join(folder, id), id }];
  });
  const below = depth < DEPTH_MAX ? entries.filter((entry) => entry.isDirectory()) : [];
  const deeper = await Promise.all(below.map(({ name }) => findIn(path.join(folder, name), letter, depth + 1)));
  return [...found, ...deeper.flat()];
}

/** Undefined where it is gone, or is no envelope. */
export async function readEnvelope({ file }: CapturedMail): Promise<CapturedEnvelope | undefined> {
  try {
    const { bytes, octets } = await readStart(`${file}.json`, ENVELOPE_MAX);
    return octets <= ENVELOPE_MAX ? envelopeSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data : undefined;
  } catch {
    return undefined;
  }
}
