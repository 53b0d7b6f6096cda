import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { inWords, systemReason } from '../errors.ts';
import { inParallel } from './parallel.ts';

/** A folder with more is no folder of manifests, but a mistake in the path. */
const MAX_FILES = 10_000;
const MAX_ENTRIES = 1_000_000;
const MAX_FOLDER_DEPTH = 32;
/** 8 MiB hold some 50,000 users; the YAML parser needs a second and 40 bytes of memory for each byte. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Paths are as a person would type them: the folder as given, and the way from there. */
export interface Walk {
  /**
   * In path order, so that "the first one wins" means the same on every machine; each with a stamp that differs whenever
   * the content may differ.
   */
  readonly files: ReadonlyMap<string, string>;
  /** With what tells each from another one in its place. */
  readonly folders: ReadonlyMap<string, string>;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
  /** Whether a symbolic link is among them: one file may be in several places then, or outside of the folder. */
  readonly hasLinks: boolean;
}

export interface WalkOptions {
  /** Files and folders that are no manifests: the settings file in use, the state folder. */
  readonly ignore?: readonly string[];
  readonly maxFiles?: number;
}

/** Hidden files, editors' temporary files (`.x.swp`, `#x#`, `x~`) and what kustomize reads for itself are no manifests. */
export function isManifestName(name: string): boolean {
  if (!/\.(ya?ml|json)$/i.test(name) || /^[.#]/.test(name)) return false;
  return !/^kustomization\.ya?ml$/i.test(name);
}

/** `lost+found` is at the root of a volume, and nobody's to read. */
export function isFolderName(name: string): boolean {
  return !name.startsWith('.') && name !== 'node_modules' && name !== 'lost+found';
}

/**
 * Lists the manifest files under a folder, sub-folders and symbolic links included.
 * Throws the system's error when the folder itself can't be read; trouble below it is a problem in the answer.
 */
export async function listManifestFiles(folder: string, options: WalkOptions = {}): Promise<Walk> {
  const walk = {
    files: new Map<string, string>(),
    folders: new Map<string, string>(),
    problems: [] as { path: string; message: string }[],
    hasLinks: false,
  };
  const ignored = new Set((options.ignore ?? []).map((path) => resolve(path)));
  const maxFiles = options.maxFiles ?? MAX_FILES;
  const seen = new Set<string>();
  let entries = 0;

  async function visitFolder(path: string, found: BigIntStats, depth: number): Promise<void> {
    // a symbolic link back up would go round for ever
    const identity = formatIdentity(found);
    if (seen.has(identity) || depth > MAX_FOLDER_DEPTH || entries >= MAX_ENTRIES) return;
    seen.add(identity);
    walk.folders.set(path, identity);
    const there = await readdir(path, { withFileTypes: true });
    if (there.some((entry) => entry.isSymbolicLink())) walk.hasLinks = true;
    const names = there
      .map(({ name }) => name)
      .filter((name) => isFolderName(name) || isManifestName(name))
      .sort();
    entries += names.length;
    // asked for side by side, taken in order
    const stats = await inParallel(names, (name) => stat(join(path, name), { bigint: true }).catch(asError));
    for (const [index, name] of names.entries()) await visit(join(path, name), name, stats[index], depth);
  }

  async function visit(
    path: string,
    name: string,
    found: BigIntStats | Error | undefined,
    depth: number,
  ): Promise<void> {
    if (ignored.has(resolve(path)) || walk.files.size >= maxFiles || found === undefined) return;
    if (found instanceof Error) return tell(path, name, found);
    if (found.isDirectory())
      return visitFolder(path, found, depth + 1).catch((error: unknown) => tell(path, name, error));
    if (found.isFile() && isManifestName(name)) take(path, found);
  }

  function take(path: string, found: BigIntStats): void {
    walk.files.set(path, formatStamp(found));
    if (walk.files.size === maxFiles) {
      walk.problems.push({ path, message: `more than ${maxFiles} files; those after this one are not read` });
    }
  }

  /**
   * What vanished between readdir and stat is simply not there; a dangling link of a manifest is worth a line, and so is a
   * folder that may not be entered: the manifests in it are not gone.
   */
  function tell(path: string, name: string, error: unknown): void {
    if (!isManifestName(name) && systemReason(error) === 'ENOENT') return;
    walk.problems.push({ path, message: `cannot be read: ${inWords(error)}` });
  }

  const found = await stat(folder, { bigint: true });
  if (found.isDirectory()) await visitFolder(folder, found, 0);
  else if (found.isFile()) take(folder, found);
  return walk;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Stamp of a file as in a walk; undefined where there is none. */
export async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (systemReason(error) === 'ENOENT') return undefined;
    throw error;
  });
  return found === undefined ? undefined : formatStamp(found);
}

export function formatIdentity({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

export function formatStamp({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

export interface Unreadable {
  readonly problem: string;
  /** The system's code, where it failed; absent where the file was read, and is not what it should be. */
  readonly code?: string;
}

/** Reads a text file of bounded size. Never blocks on a pipe or device that a link points to. */
export async function readBounded(path: string): Promise<{ readonly text: string } | Unreadable> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const info = await file.stat();
    if (!info.isFile()) return { problem: 'is no regular file' };
    if (info.size > MAX_FILE_BYTES) return { problem: `is larger than ${MAX_FILE_BYTES} bytes; split it` };
    const bytes = await file.readFile();
    if (bytes.length > MAX_FILE_BYTES) return { problem: `is larger than ${MAX_FILE_BYTES} bytes; split it` };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { problem: 'is not UTF-8 text' };
    return { problem: `cannot be read: ${inWords(error)}`, code: systemReason(error) };
  }
}

/** Whether a path is one of these, or lies below one. */
export function isAtOrBelow(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}
