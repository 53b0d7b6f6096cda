import { join } from 'node:path';
import { parseManifests } from './parse.ts';
import type { FileContent, Ignored, Manifest, Problem } from './parse.ts';
import { inWords, isAtOrBelow, listManifestFiles, readBounded } from './walk.ts';
import type { FoundFile, Walk, WalkOptions } from './walk.ts';

/** As many as one relay class is made for, with room for their lists, senders and Secrets. */
const MAX_OBJECTS = 250_000;

/**
 * Manifest files as they last could be read, so that a slip in one of them revokes nobody, a restart included.
 * They hold what the manifests hold, Secrets too.
 */
export interface LastGood {
  readonly load: (path: string) => Promise<string | undefined>;
  readonly save: (path: string, text: string) => Promise<void>;
  /** Forgets a file that can be read and holds nothing any more: who was taken out of it stays out. */
  readonly forget: (path: string) => Promise<void>;
  /** Forgets files that are gone. */
  readonly keepOnly: (paths: readonly string[]) => Promise<void>;
}

/** What a folder says. Files in path order, objects of a file in its order. */
export interface Reading {
  readonly manifests: readonly Manifest[];
  readonly ignored: readonly Ignored[];
  readonly problems: readonly Problem[];
  /**
   * Whether some of the folder could not be read now, or is no object because of a slip (in its kind, its name): an object
   * that is not here may still be wanted.
   */
  readonly incomplete: boolean;
}

interface RememberedFile {
  readonly stamp: string;
  readonly content: FileContent;
}

export interface ReadOptions extends WalkOptions {
  /** Where files are kept as they last could be read. Without it, only this process remembers. */
  readonly lastGood?: LastGood;
}

/** Reads every manifest under a folder once. Trouble is part of the answer, never an exception. */
export async function readFolder(folder: string, options: WalkOptions = {}): Promise<Reading> {
  return createReader(folder, options)();
}

/**
 * A reader that remembers: unchanged files are not parsed again, and a file that is no YAML at the moment keeps saying
 * what it said before, until it is mended or deleted.
 */
export function createReader(folder: string, options: ReadOptions = {}): () => Promise<Reading> {
  let remembered = new Map<string, RememberedFile>();
  /** Files that went while nothing ran may still be kept as they last could be read. */
  let isUntidy = true;

  return async function read(): Promise<Reading> {
    const problems: Problem[] = [];
    let walk: Walk;
    try {
      walk = await listManifestFiles(folder, options);
    } catch (error) {
      // a volume that is gone for a moment must not revoke everybody
      const gone = unreadable(folder, `cannot be read: ${inWords(error)}`);
      return merge([...remembered.values()], [gone], true);
    }
    for (const { path, message } of walk.problems) problems.push(unreadable(path, message));

    const next = new Map<string, RememberedFile>();
    for (const file of walk.files)
      next.set(file.path, await readOne(file, remembered.get(file.path), options.lastGood));
    // what is listed but unreadable (permissions, a dangling link) has not been deleted, nor has what lies below it
    const hidden = walk.problems.map(({ path }) => path);
    for (const [path, before] of hidden.length === 0 ? [] : remembered) {
      if (!next.has(path) && isAtOrBelow(path, hidden)) next.set(path, before);
    }
    for (const path of remembered.keys()) if (!next.has(path)) await options.lastGood?.forget(path);
    if (isUntidy && hidden.length === 0) {
      await options.lastGood?.keepOnly([...next.keys()]);
      isUntidy = false;
    }
    remembered = new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
    return merge([...remembered.values()], problems, problems.length > 0);
  };
}

async function readOne(
  file: FoundFile,
  before: RememberedFile | undefined,
  lastGood: LastGood | undefined,
): Promise<RememberedFile> {
  if (before?.stamp === file.stamp) return before;
  const read = await readBounded(file.path);
  const content = contentOf(file.path, read);
  if (!content.broken && 'text' in read) {
    if (content.manifests.length > 0) await lastGood?.save(file.path, read.text);
    else await lastGood?.forget(file.path);
    return { stamp: file.stamp, content };
  }
  const manifests = before?.content.manifests ?? (await recall(file.path, lastGood));
  // an empty file that never held anything is just that
  if (manifests.length === 0 && 'text' in read && read.text === '') return { stamp: file.stamp, content: NOTHING };
  return { stamp: file.stamp, content: { ...content, manifests } };
}

const NOTHING: FileContent = { manifests: [], ignored: [], problems: [], broken: false };

function contentOf(path: string, read: Awaited<ReturnType<typeof readBounded>>): FileContent {
  if ('problem' in read) return { ...NOTHING, problems: [unreadable(path, read.problem)], broken: true };
  // what a shell leaves before `>` gets its content, and an editor for an instant: it does not mean "nobody may send"
  if (read.text === '') {
    return { ...NOTHING, problems: [unreadable(path, 'is empty; delete it, or leave a comment in it')], broken: true };
  }
  return parseManifests(path, read.text);
}

async function recall(path: string, lastGood: LastGood | undefined): Promise<readonly Manifest[]> {
  const text = await lastGood?.load(path);
  return text === undefined ? [] : parseManifests(path, text).manifests;
}

function merge(files: readonly RememberedFile[], walkProblems: readonly Problem[], incomplete: boolean): Reading {
  const manifests = new Map<string, Manifest>();
  const problems = [...walkProblems];
  for (const { content } of files) {
    problems.push(...content.problems);
    for (const manifest of content.manifests) {
      const key = `${manifest.kind}/${manifest.namespace}/${manifest.name}`;
      const first = manifests.get(key);
      if (first !== undefined) problems.push(duplicate(manifest, first));
      else if (manifests.size < MAX_OBJECTS) manifests.set(key, manifest);
      else {
        problems.push({ source: manifest.source, reason: 'too-many', message: `more than ${MAX_OBJECTS} objects` });
        return { manifests: [...manifests.values()], ignored: [], problems, incomplete: true };
      }
    }
  }
  return {
    manifests: [...manifests.values()],
    ignored: files.flatMap(({ content }) => content.ignored),
    problems,
    // two of one name hide nothing: that problem is the folder's, not the file's
    incomplete: incomplete || files.some(({ content }) => content.broken || content.problems.length > 0),
  };
}

function duplicate(manifest: Manifest, first: Manifest): Problem {
  const name = manifest.namespace === '' ? manifest.name : join(manifest.namespace, manifest.name);
  const message = `${manifest.kind} ${name} is already at ${formatSource(first.source)}, which counts`;
  return { source: manifest.source, reason: 'duplicate', message };
}

function unreadable(file: string, message: string): Problem {
  return { source: { file, line: 1, column: 1 }, reason: 'unreadable', message };
}

/** `examples/shop.yaml:12:3`, as editors understand it. */
export function formatSource(source: Problem['source']): string {
  return `${source.file}:${source.line}:${source.column}`;
}
