import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { LastGood } from '../../manifests/read.ts';
import { createMirror, listFiles, textFile } from './mirror.ts';

/** What a reader remembers, in a folder of the state: copies of manifests hold what those hold, Secrets too. */
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
    forget: (path) => rm(join(folder, fileOf(path)), { force: true }),
    keepOnly: async (paths) => {
      const wanted = new Set(paths.map(fileOf));
      const gone = (await listFiles(folder)).filter((file) => !wanted.has(file));
      await Promise.all(gone.map((file) => rm(join(folder, file), { force: true })));
    },
  };
}

/** The name helps a person who looks; the hash keeps files of one name in two folders apart, however they are spelled. */
function fileOf(path: string): string {
  return `${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 16)}-${basename(path)}`;
}
