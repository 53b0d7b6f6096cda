import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { writeAtomically } from './write-file.ts';

/** Each write waits for the disk; this many wait together. */
const PARALLEL_WRITES = 16;

/** Files of ours under one folder, by path from there. */
export interface Mirror {
  /**
   * Makes the files hold these texts. What holds its text already is not touched; what somebody changed or deleted is
   * made again. Resolves to the number of files written.
   */
  readonly write: (files: ReadonlyMap<string, string>) => Promise<number>;
  readonly remove: (paths: readonly string[]) => Promise<void>;
  /** Removes every file but these. Resolves to the number of files removed. */
  readonly keepOnly: (paths: ReadonlySet<string>) => Promise<number>;
}

export function createMirror(folder: string): Mirror {
  /** What a file held when its metadata was so: spares reading ten thousand files for one change. */
  const known = new Map<string, { readonly stamp: string; readonly hash: string }>();

  async function holds(path: string, hash: string): Promise<boolean> {
    const stamp = await stampOf(join(folder, path));
    if (stamp === undefined) return false;
    const before = known.get(path);
    if (before?.stamp === stamp) return before.hash === hash;
    const actual = hashOf(await readFile(join(folder, path)));
    known.set(path, { stamp, hash: actual });
    return actual === hash;
  }

  async function writeOne(path: string, text: string): Promise<boolean> {
    const hash = hashOf(text);
    if (await holds(path, hash)) return false;
    await writeAtomically(join(folder, path), text);
    const stamp = await stampOf(join(folder, path));
    if (stamp !== undefined) known.set(path, { stamp, hash });
    return true;
  }

  async function remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      known.delete(path);
      await rm(join(folder, path), { force: true });
    }
  }

  return {
    write: async (files) => {
      let written = 0;
      await inParallel([...files], async ([path, text]) => {
        if (await writeOne(path, text)) written += 1;
      });
      return written;
    },
    remove,
    keepOnly: async (paths) => {
      const extra = (await listFiles(folder)).filter((path) => !paths.has(path));
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
    if (isMissing(error)) return [];
    throw error;
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const info = await stat(path, { bigint: true });
    return `${info.ino}:${info.size}:${info.mtimeNs}:${info.ctimeNs}`;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64');
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: PARALLEL_WRITES }, async () => {
    for (const item of queue) await work(item);
  });
  await Promise.all(workers);
}
