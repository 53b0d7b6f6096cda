/**
 * Brings a walk up to date by the names of what has changed, for a folder of thousands of files in which somebody edits
 * one.
 */
import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { inWords, systemReason } from '../errors.ts';
import { inParallel } from './parallel.ts';
import { formatIdentity, formatStamp, isFolderName, isManifestName, listManifestFiles } from './walk.ts';
import type { Walk, WalkOptions } from './walk.ts';

/** Paths, in the form of a walk, that alone can have changed; `any` where nobody knows which. */
export type Touched = ReadonlySet<string> | 'any';

/** Beyond this a walk costs less than to look at each name. */
const NAMES_MAX = 200;

export function bothTouched(a: Touched, b: Touched): Touched {
  if (a === 'any' || b === 'any') return 'any';
  return a.size + b.size > NAMES_MAX ? 'any' : new Set([...a, ...b]);
}

/** What there is now. Trouble with the folder itself is a problem in the answer, too. */
export async function walkAgain(
  folder: string,
  { before, touched, ...options }: WalkOptions & { readonly before?: Walk | undefined; readonly touched: Touched },
): Promise<Walk> {
  const known = before === undefined || touched === 'any' ? undefined : await byNames(before, touched, options);
  if (known !== undefined) return known;
  try {
    return await listManifestFiles(folder, options);
  } catch (error) {
    const problems = [{ path: folder, message: `cannot be read: ${inWords(error)}` }];
    return { files: new Map(), folders: new Map(), problems, hasLinks: false };
  }
}

/** Whether two walks have found the same files, with the same in them. */
export function isSameWalk(a: Pick<Walk, 'files' | 'problems'>, b: Pick<Walk, 'files' | 'problems'>): boolean {
  if (a.files.size !== b.files.size || JSON.stringify(a.problems) !== JSON.stringify(b.problems)) return false;
  for (const [path, stamp] of a.files) if (b.files.get(path) !== stamp) return false;
  return true;
}

/**
 * The walk with these paths looked at again, where those are files of it that are other than before or gone, or nothing
 * that a walk would list. Undefined where it takes a walk to tell: something has come, and what it hides or stands before
 * depends on all the others; a folder is concerned; links show one file in several places.
 */
async function byNames(before: Walk, touched: ReadonlySet<string>, options: WalkOptions): Promise<Walk | undefined> {
  if (before.hasLinks || before.problems.length > 0) return undefined;
  const folders = new Set([...touched].map((path) => dirname(path)));
  if ((await inParallel(folders, (path) => isStillThere(before, path))).includes(false)) return undefined;
  const ignored = new Set((options.ignore ?? []).map((path) => resolve(path)));
  const files = new Map(before.files);
  const looks = await inParallel(touched, async (path) => ({ path, now: await lookAt(path, before, ignored) }));
  for (const { path, now } of looks) {
    if (now === 'unclear') return undefined;
    if (now === 'gone') files.delete(path);
    else if (now !== 'nothing') files.set(path, now.stamp);
  }
  return { ...before, files };
}

/** A folder that was moved away may have another one in its place. */
async function isStillThere({ folders }: Walk, path: string): Promise<boolean> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found !== undefined && folders.get(path) === formatIdentity(found);
}

type Look = { readonly stamp: string } | 'gone' | 'nothing' | 'unclear';

async function lookAt(path: string, { files, folders }: Walk, ignored: ReadonlySet<string>): Promise<Look> {
  const name = basename(path);
  const isListed = isManifestName(name) || isFolderName(name);
  if (!isListed || ignored.has(resolve(path))) return 'nothing';
  const isKnown = files.has(path);
  try {
    const found = await lstat(path, { bigint: true });
    if (!found.isFile()) return 'unclear';
    if (isKnown) return { stamp: formatStamp(found) };
    return isManifestName(name) || folders.has(path) ? 'unclear' : 'nothing';
  } catch (error) {
    if (systemReason(error) !== 'ENOENT' || folders.has(path)) return 'unclear';
    return isKnown ? 'gone' : 'nothing';
  }
}
