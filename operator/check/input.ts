/** What `check` reads: folders, files and standard input, each file once however often it is named. */
import { resolve } from 'node:path';
import { parseManifests, type Problem } from '../manifests/parse.ts';
import { createFolderReader, type FolderContent, type ReadFile } from '../manifests/read.ts';
import { MAX_FILE_BYTES } from '../manifests/walk.ts';

/** How people write standard input as a path, and how findings name it. */
export const STDIN = '-';
const STDIN_NAME = '<stdin>';

/** A path as a report names it. */
export function nameOf(path: string): string {
  return path === STDIN ? STDIN_NAME : path;
}

/** @param ignore files that are no manifests. */
export async function readInput(
  paths: readonly string[],
  { stdin, ignore }: { readonly stdin: AsyncIterable<Uint8Array>; readonly ignore: readonly string[] },
): Promise<FolderContent> {
  const files = new Map<string, ReadFile>();
  const problems: Problem[] = [];
  for (const path of paths) {
    const content = path === STDIN ? await readStream(stdin) : await createFolderReader(path, { ignore }).read();
    for (const file of content.files) {
      const key = path === STDIN ? STDIN : resolve(file.path);
      if (!files.has(key)) files.set(key, file);
    }
    problems.push(...content.problems);
  }
  return { files: [...files.values()], problems, hidden: [] };
}

async function readStream(stream: AsyncIterable<Uint8Array>): Promise<FolderContent> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_FILE_BYTES) return unreadable(`is larger than ${MAX_FILE_BYTES} bytes; check a part at a time`);
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { files: [{ path: STDIN_NAME, content: parseManifests(STDIN_NAME, text) }], problems: [], hidden: [] };
  } catch {
    return unreadable('is not UTF-8 text');
  }
}

function unreadable(message: string): FolderContent {
  const source = { file: STDIN_NAME, line: 1, column: 1 };
  return { files: [], problems: [{ source, reason: 'unreadable', message }], hidden: [] };
}
