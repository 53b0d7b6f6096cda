import { join } from 'node:path';
import { parseManifests } from './parse.ts';
import type { FileContent, Ignored, Manifest, Problem } from './parse.ts';
import { inParallel } from './parallel.ts';
import { walkAgain } from './walk-again.ts';
import type { Touched } from './walk-again.ts';
import { readBounded } from './walk.ts';
import type { Walk, WalkOptions } from './walk.ts';

/** As many as one relay class is made for, with room for their lists, senders and Secrets. */
const MAX_OBJECTS = 250_000;

/** What a folder says. Files in path order, objects of a file in its order. */
export interface FolderReading {
  readonly manifests: readonly Manifest[];
  readonly ignored: readonly Ignored[];
  readonly problems: readonly Problem[];
  /**
   * Whether some of the folder could not be read now, or is no object because of a slip (in its kind, its name): an object
   * that is not here may still be wanted.
   */
  readonly incomplete: boolean;
}

/** One file as it is now. */
export interface ReadFile {
  readonly path: string;
  readonly content: FileContent;
}

/** What the files of a folder say now, each for itself. */
export interface FolderContent {
  /** In path order. */
  readonly files: readonly ReadFile[];
  readonly problems: readonly Problem[];
  /** What is there, or may be, and cannot be looked into: nothing at or below these paths has been deleted. */
  readonly hidden: readonly string[];
}

/** Reads every manifest under a folder once. Trouble is part of the answer, never an exception. */
export async function readFolder(folder: string, options: WalkOptions = {}): Promise<FolderReading> {
  const { files, ...rest } = await createFolderReader(folder, options).read();
  // an empty file says nothing, where nobody remembers what it held before
  return mergeFiles({ ...rest, files: files.filter(({ content }) => !content.isEmpty) });
}

export interface FolderReader {
  /** What the files say now; `touched` are those that alone can have changed since it was last asked. */
  readonly read: (touched?: Touched) => Promise<FolderContent>;
  /** The folder when it was last asked. */
  readonly seen: () => Walk | undefined;
}

/** A reader that does not parse again what has not changed. */
export function createFolderReader(folder: string, options: WalkOptions = {}): FolderReader {
  let remembered = new Map<string, { readonly stamp: string; readonly file: ReadFile }>();
  let walk: Walk | undefined;

  return {
    read: async (touched = 'any') => {
      walk = await walkAgain(folder, { ...options, before: walk, touched });
      const files = await inParallel(walk.files, async ([path, stamp]) => {
        const before = remembered.get(path);
        if (before?.stamp === stamp) return before;
        return { stamp, file: { path, content: contentOf(path, await readBounded(path)) } };
      });
      remembered = new Map(files.map((one) => [one.file.path, one]));
      return {
        files: files.map(({ file }) => file),
        problems: walk.problems.map(({ path, message }) => unreadable(path, message)),
        hidden: walk.problems.map(({ path }) => path),
      };
    },
    seen: () => walk,
  };
}

const NOTHING: FileContent = { manifests: [], ignored: [], problems: [], broken: false };

function contentOf(path: string, read: Awaited<ReturnType<typeof readBounded>>): FileContent {
  if ('problem' in read) return { ...NOTHING, problems: [unreadable(path, read.problem)], broken: true };
  // what a shell leaves before `>` gets its content, and an editor for an instant: it does not mean "nobody may send"
  if (read.text === '') {
    const problems = [unreadable(path, 'is empty; delete it, or leave a comment in it')];
    return { ...NOTHING, problems, broken: true, isEmpty: true };
  }
  return parseManifests(path, read.text);
}

/** All files together: of two objects of one name, the first counts. */
export function mergeFiles({ files, problems: others }: FolderContent): FolderReading {
  const manifests = new Map<string, Manifest>();
  const problems = [...others];
  for (const { content } of files) {
    problems.push(...content.problems);
    for (const manifest of content.manifests) {
      const key = manifestKey(manifest);
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
    incomplete: others.length > 0 || files.some(({ content }) => content.broken || content.problems.length > 0),
  };
}

/** `KIND/NAMESPACE/NAME`. */
export function manifestKey({ kind, namespace, name }: Pick<Manifest, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
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
