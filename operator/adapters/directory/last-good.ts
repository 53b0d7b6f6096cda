import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createMirror, listFiles, textFile } from './mirror.ts';

/**
 * Copies of manifest files as they last could be read, so that a slip in one of them revokes nobody, a restart included.
 * They hold what the manifests hold, Secrets too, and lie in the state folder with its modes.
 */
export interface LastGood {
  readonly load: (path: string) => Promise<string | undefined>;
  readonly save: (path: string, text: string) => Promise<void>;
  /** Forgets files that are gone. */
  readonly keepOnly: (paths: readonly string[]) => Promise<void>;
}

export function createLastGood(folder: string): LastGood {
  const mirror = createMirror(folder);
  return {
    load: async (path) => {
      try {
        return await readFile(join(folder, fileOf(path)), 'utf8');
      } catch {
        return undefined;
      }
    },
    save: async (path, text) => void (await mirror.write(new Map([[fileOf(path), textFile(text)]]))),
    keepOnly: async (paths) => {
      const wanted = new Set(paths.map(fileOf));
      const gone = (await listFiles(folder)).filter((file) => !wanted.has(file));
      await Promise.all(gone.map((file) => rm(join(folder, file), { force: true })));
    },
  };
}

/** The name helps a person who looks; the hash keeps files of one name in two folders apart. */
function fileOf(path: string): string {
  return `${createHash('sha256').update(path).digest('hex').slice(0, 16)}-${basename(path)}`;
}
