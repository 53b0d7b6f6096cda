import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { systemReason } from '../errors.ts';
import { inParallel } from '../manifests/parallel.ts';
import { stampOf } from '../manifests/walk.ts';
import { writeAtomically } from './write-file.ts';
import type { WriteOptions } from './write-file.ts';

/** What a file is to hold. */
export interface MirrorFile {
  /** Changes with the text, and costs less. */
  readonly hash: string;
  readonly format: () => string;
}

/** Files of ours under one folder, by path from there. */
export interface Mirror {
  /** Makes the files hold these texts. What holds its text already is not touched. Resolves to the number of files written. */
  readonly write: (files: ReadonlyMap<string, MirrorFile>, options: MirrorOptions) => Promise<number>;
  /** Removes every file but these. Resolves to the number of files removed. */
  readonly keepOnly: (paths: ReadonlySet<string>, options: MirrorOptions) => Promise<number>;
}

interface MirrorOptions {
  /** Whether to see what is there, and make again what somebody else has changed or deleted; else it is as we left it. */
  readonly looks: boolean;
}

/** What a file held when its metadata was so: spares reading and formatting ten thousand files for one change. */
export type KnownFiles = Map<string, { readonly stamp: string; readonly hash: string }>;

/** @param known of an earlier run; kept up to date. */
export function createMirror(
  folder: string,
  { isDurable = true, known = new Map() }: Pick<WriteOptions, 'isDurable'> & { readonly known?: KnownFiles } = {},
): Mirror {
  async function writeOne(path: string, { hash, format }: MirrorFile, looks: boolean): Promise<boolean> {
    const before = known.get(path);
    if (!looks && before?.hash === hash) return false;
    const file = join(folder, path);
    // what nobody knows of is written, which costs no more than to look for it
    const stamp = looks || before !== undefined ? await stampOf(file) : undefined;
    if (stamp !== undefined && before?.stamp === stamp && before.hash === hash) return false;
    const text = format();
    if (stamp !== undefined && (await readFile(file, 'utf8')) === text) {
      known.set(path, { stamp, hash });
      return false;
    }
    await writeAtomically(file, text, { isDurable });
    known.set(path, { stamp: (await stampOf(file)) ?? '', hash });
    return true;
  }

  async function remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      known.delete(path);
      await rm(join(folder, path), { force: true });
    }
  }

  return {
    write: async (files, { looks }) => {
      const written = await inParallel(files, ([path, file]) => writeOne(path, file, looks));
      return written.filter(Boolean).length;
    },
    keepOnly: async (paths, { looks }) => {
      const extra = [...(looks ? await listFiles(folder) : known.keys())].filter((path) => !paths.has(path));
      await remove(extra);
      return extra.length;
    },
  };
}

/** Files under a folder by path from there; none where it is missing. */
export async function listFiles(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  } catch (error) {
    if (systemReason(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A file whose text is at hand. */
export function textFile(text: string): MirrorFile {
  return { hash: createHash('sha256').update(text).digest('hex'), format: () => text };
}
