/** The credentials Secrets under `secrets/`: read for the core, written as it plans them. */
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../../relay/observe/log.ts';
import { isEqual } from '../core/equal.ts';
import { keyOf } from '../core/model.ts';
import type { SecretPlan, SecretView } from '../core/model.ts';
import { isNamespaceName, isObjectName } from '../manifests/classify.ts';
import type { Installation } from '../installation.ts';
import type { KeptAside } from './kept-aside.ts';
import { listFiles } from './mirror.ts';
import { viewPlan, viewText } from './secret-file-view.ts';
import { inParallel } from '../manifests/parallel.ts';
import { isAtOrBelow, readBounded, stampOf } from '../manifests/walk.ts';
import type { Walk } from '../manifests/walk.ts';
import { walkAgain } from '../manifests/walk-again.ts';
import type { Touched } from '../manifests/walk-again.ts';
import { formatSecret, secretPath } from './state-files.ts';
import { makePrivateFolder, syncFolder, writeAtomically } from './write-file.ts';

/** Beyond what one relay class is made for: one that was overlooked would get a new password. */
const MAX_SECRETS = 1_000_000;

export interface SecretFiles {
  /**
   * Looks at the files, `touched` being those that alone can have changed since. Throws where the first time one can't be
   * read.
   */
  readonly read: (touched?: Touched) => Promise<void>;
  /** Whether one of these files is other than as read or written last. */
  readonly isNews: (touched: Touched) => Promise<boolean>;
  /** The folder as read or written last. */
  readonly seen: () => Walk | undefined;
  /** Every Secret as read or written last, by `NAMESPACE/NAME`. */
  readonly current: () => ReadonlyMap<string, SecretView>;
  /** Makes the files hold what is planned. Those that do already are not touched. Resolves to the number of the others. */
  readonly write: (plans: readonly SecretPlan[]) => Promise<number>;
  /** Takes Secrets away, by `NAMESPACE/NAME`; each is kept aside for a day. */
  readonly remove: (keys: readonly string[]) => Promise<void>;
  /**
   * Brings the Secrets back that were taken away from users who are there again, by key of the Secret and user's UID.
   * Resolves to whether there was any, to be read then.
   */
  readonly restore: (wanted: readonly { readonly key: string; readonly uid: () => string }[]) => Promise<boolean>;
}

const RESTORED =
  'Secret restored: its user is back, with its old password; for a new one, change spec.credentials.rotation.trigger';

interface KnownFile {
  readonly stamp: string;
  readonly view: SecretView;
  /** What was written there; absent where the file was found so. */
  readonly plan?: SecretPlan;
  /** It holds what is in the view no more. */
  readonly isDamaged?: true;
}

interface SecretFilesOptions {
  readonly installation: Installation;
  readonly aside: KeptAside;
  readonly log: Log;
}

export async function openSecretFiles(folder: string, options: SecretFilesOptions): Promise<SecretFiles> {
  const { aside, log } = options;
  await makePrivateFolder(folder);
  await removeLeftovers(folder);
  let known = new Map<string, KnownFile>();
  /** The last one, with what has been written and removed since. */
  let walk: (Walk & { readonly files: Map<string, string> }) | undefined;
  let writing: Promise<unknown> = Promise.resolve();
  /** Later, what could not be read before is none of ours: those we know. */
  let isStart = true;

  /** What is only out of reach for now must not get a new password: the user who has the old one would be locked out. */
  function unreadable(path: string, problem: string): undefined {
    if (isStart) throw new Error(`${path} ${problem}; make it readable, or delete it to get a new password`);
    return undefined;
  }

  async function readOne(path: string, stamp: string): Promise<KnownFile | undefined> {
    const before = known.get(path);
    if (before?.stamp === stamp) return before;
    const file = join(folder, path);
    const read = await readBounded(file);
    if ('code' in read) {
      if (read.code === 'ENOENT') return undefined;
      return before === undefined ? unreadable(file, read.problem) : { ...before, stamp };
    }
    const view = 'text' in read ? viewText(read.text, { file, path, installation: options.installation }) : undefined;
    if (view !== undefined) return { stamp, view };
    // what we know to have been there is written again, with the same password
    if (before !== undefined) return { stamp, view: before.view, isDamaged: true };
    await setAside(file, options.log);
    return undefined;
  }

  /** Whether the file held something else. */
  async function writeOne(plan: SecretPlan): Promise<boolean> {
    const path = safePath(plan);
    const before = known.get(path);
    if (isEqual(before?.plan, plan)) return false;
    const view = viewPlan(plan);
    const file = join(folder, path);
    const isThere = before?.isDamaged === undefined && isEqual(before?.view, view);
    if (!isThere) await writeAtomically(file, formatSecret(plan), { isFolderSyncedLater: true });
    const stamp = isThere && before !== undefined ? before.stamp : ((await stampOf(file)) ?? '');
    known.set(path, { stamp, plan, view });
    walk?.files.set(file, stamp);
    return !isThere;
  }

  /** Whether a file is other than it is known to be. A folder in which we know files is no news: the poll sees to it. */
  async function isOther(path: string): Promise<boolean> {
    const stamp = await stampOf(path).catch(() => 'unreadable');
    if (stamp === walk?.files.get(path)) return false;
    return ![...known.keys()].some((short) => isAtOrBelow(dirname(join(folder, short)), [path]));
  }

  async function write(plans: readonly SecretPlan[]): Promise<number> {
    const isWritten = await inParallel(plans, writeOne);
    const written = plans.filter((_, index) => isWritten[index]);
    const folders = written.length === 0 ? [] : [folder, ...written.map(({ namespace }) => join(folder, namespace))];
    await inParallel(new Set(folders), syncFolder);
    return written.length;
  }

  return {
    read: async (touched = 'any') => {
      await makePrivateFolder(folder);
      const now = await walkAgain(folder, { maxFiles: MAX_SECRETS, before: walk, touched });
      walk = { ...now, files: new Map(now.files) };
      const found = new Map<string, KnownFile>();
      const files = await inParallel(walk.files, async ([path, stamp]) => {
        const short = path.slice(folder.length + 1);
        return { short, file: await readOne(short, stamp) };
      });
      for (const { short, file } of files) if (file !== undefined) found.set(short, file);
      for (const { path, message } of walk.problems) {
        const hidden = [...known].filter(([short]) => isAtOrBelow(join(folder, short), [path]));
        if (hidden.length === 0) unreadable(path, message);
        for (const [short, file] of hidden) if (!found.has(short)) found.set(short, file);
      }
      known = found;
      isStart = false;
    },
    current: () => new Map([...known.values()].map(({ view }) => [keyOf(view), view])),
    isNews: async (touched) => {
      if (touched === 'any') return true;
      // what is being written is not known yet
      await writing;
      return (await inParallel(touched, isOther)).includes(true);
    },
    seen: () => walk,
    write: (plans) => {
      const result = write(plans);
      writing = result.catch(() => {});
      return result;
    },
    remove: async (keys) => {
      for (const key of keys) {
        known.delete(`${key}.yaml`);
        walk?.files.delete(join(folder, `${key}.yaml`));
        await aside.take(`${key}.yaml`);
        log.warn({ event: 'secret', secret: key }, 'Secret deleted: its user is gone; its password is kept for a day');
      }
      await aside.tidy(Date.now());
    },
    restore: async (wanted) => {
      let isAny = false;
      for (const { key, uid } of wanted) {
        const path = `${key}.yaml`;
        if (known.has(path) || !aside.has(path)) continue;
        const file = aside.fileOf(path);
        const read = await readBounded(file);
        const view =
          'text' in read ? viewText(read.text, { file, path, installation: options.installation }) : undefined;
        if (view?.controllerUid !== uid() || !(await aside.giveBack(path))) continue;
        log.warn({ event: 'secret', secret: key }, RESTORED);
        isAny = true;
      }
      return isAny;
    },
  };
}

/** Half-written files of a process that was killed. */
async function removeLeftovers(folder: string): Promise<void> {
  const leftovers = (await listFiles(folder)).filter((path) => /(^|\/)\.[^/]+\.tmp$/.test(path));
  for (const path of leftovers) await rm(join(folder, path), { force: true });
}

/** A damaged Secret may still hold a password that somebody can recover: it is kept, out of the way of the new one. */
async function setAside(file: string, log: Log): Promise<void> {
  await rename(file, `${file}.damaged`);
  log.error(
    { event: 'state', file },
    `damaged; kept as ${file}.damaged, and the Secret is written again, with a new password`,
  );
}

/** The core checks names too; a slip there must not write outside of the state folder. */
function safePath(secret: { readonly namespace: string; readonly name: string }): string {
  if (!isNamespaceName(secret.namespace) || !isObjectName(secret.name)) {
    throw new Error(`refusing to write Secret ${keyOf(secret)}: no valid name`);
  }
  return secretPath(secret);
}
