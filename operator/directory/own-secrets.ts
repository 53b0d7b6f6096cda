/** The credentials Secrets under `secrets/`: read as the core sees them, written as it plans them. */
import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../relay/log.ts';
import { sha256Verifier } from '../../relay/verifier.ts';
import { isEqual } from '../core/equal.ts';
import { isRetained } from '../core/credentials/ownership.ts';
import { keyOf } from '../core/model.ts';
import type { SecretPlan, SecretView } from '../core/model.ts';
import { classify, isNamespaceName, isObjectName } from '../manifests/classify.ts';
import type { NamedObject } from '../manifests/classify.ts';
import { viewOwnSecret } from '../manifests/secrets.ts';
import type { Installation } from '../installation.ts';
import type { KeptAside } from './kept-aside.ts';
import { listFiles } from './mirror.ts';
import { inParallel } from '../manifests/parallel.ts';
import { parseManifests } from '../manifests/parse.ts';
import { readFormatted } from '../manifests/read-formatted.ts';
import { isAtOrBelow, listManifestFiles, readBounded, stampOf } from '../manifests/walk.ts';
import { formatSecret, secretPath } from './state-files.ts';
import { makeFolder, syncFolder, writeAtomically } from './write-file.ts';

/** Beyond what one relay class is made for: one that was overlooked would get a new password. */
const MAX_SECRETS = 1_000_000;

export interface OwnSecrets {
  /** Looks at the files. Throws where the first time one can't be read. */
  readonly read: () => Promise<void>;
  /** Every Secret as read or written last, by `NAMESPACE/NAME`. */
  readonly current: () => ReadonlyMap<string, SecretView>;
  /** Makes the files hold what is planned. Those that do already are not touched. Resolves to the number of the others. */
  readonly write: (plans: readonly SecretPlan[]) => Promise<number>;
  /** Takes Secrets away, by `NAMESPACE/NAME`; each is kept aside for a day. */
  readonly remove: (keys: readonly string[]) => Promise<void>;
  /** Brings the Secrets back that were taken away from users who are there again, by key of the Secret and user's UID. */
  readonly restore: (wanted: readonly { readonly key: string; readonly uid: () => string }[]) => Promise<void>;
}

const RESTORED =
  'Secret restored: its user is back, with the password of before; for a new one change spec.credentials.rotation.trigger';

interface KnownFile {
  readonly stamp: string;
  readonly view: SecretView;
  /** Of the plan that was written there; absent where the file was found so. */
  readonly planHash?: string;
}

interface OwnSecretsOptions {
  readonly installation: Installation;
  readonly aside: KeptAside;
  readonly log: Log;
}

export async function openOwnSecrets(folder: string, options: OwnSecretsOptions): Promise<OwnSecrets> {
  const { aside, log } = options;
  await makeFolder(folder);
  await removeLeftovers(folder);
  let known = new Map<string, KnownFile>();
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
      return before ?? unreadable(file, read.problem);
    }
    const view = 'text' in read ? viewText(read.text, { file, path, installation: options.installation }) : undefined;
    if (view !== undefined) return { stamp, view };
    // what we know to have been there is written again, with the same password
    if (before !== undefined) return { stamp, view: before.view };
    await setAside(file, options.log);
    return undefined;
  }

  /** Whether the file held something else. */
  async function writeOne(plan: SecretPlan): Promise<boolean> {
    const path = safePath(plan);
    const planHash = hashOf(JSON.stringify(plan));
    const before = known.get(path);
    if (before?.planHash === planHash) return false;
    const view = viewPlan(plan, options.installation);
    const file = join(folder, path);
    const isThere = before !== undefined && isEqual(before.view, view);
    if (!isThere) await writeAtomically(file, formatSecret(plan), { isFolderSyncedLater: true });
    const stamp = isThere ? before.stamp : ((await stampOf(file)) ?? '');
    known.set(path, { stamp, planHash, view });
    return !isThere;
  }

  return {
    read: async () => {
      await makeFolder(folder);
      const walk = await listManifestFiles(folder, { maxFiles: MAX_SECRETS });
      const found = new Map<string, KnownFile>();
      const files = await inParallel(walk.files, async ({ path, stamp }) => {
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
    write: async (plans) => {
      const isWritten = await inParallel(plans, writeOne);
      const written = plans.filter((_, index) => isWritten[index]);
      const folders = written.length === 0 ? [] : [folder, ...written.map(({ namespace }) => join(folder, namespace))];
      await inParallel(new Set(folders), syncFolder);
      return written.length;
    },
    remove: async (keys) => {
      for (const key of keys) {
        known.delete(`${key}.yaml`);
        await aside.take(`${key}.yaml`);
        log.warn({ event: 'secret', secret: key }, 'Secret deleted: its user is gone; its password is kept for a day');
      }
      await aside.tidy(Date.now());
    },
    restore: async (wanted) => {
      for (const { key, uid } of wanted) {
        const path = `${key}.yaml`;
        if (known.has(path) || !aside.has(path)) continue;
        const file = aside.fileOf(path);
        const read = await readBounded(file);
        const view =
          'text' in read ? viewText(read.text, { file, path, installation: options.installation }) : undefined;
        if (view?.controllerUid !== uid() || !(await aside.giveBack(path))) continue;
        log.warn({ event: 'secret', secret: key }, RESTORED);
      }
    },
  };
}

/** Half-written files of a process that was killed. */
async function removeLeftovers(folder: string): Promise<void> {
  const leftovers = (await listFiles(folder)).filter((path) => /(^|\/)\.[^/]+\.tmp$/.test(path));
  for (const path of leftovers) await rm(join(folder, path), { force: true });
}

interface FilePlace {
  readonly file: string;
  /** From the folder of Secrets. */
  readonly path: string;
  readonly installation: Installation;
}

/** The Secret in a text; undefined where it is something else. One in the wrong place could stand in for another. */
function viewText(text: string, { file, path, installation }: FilePlace): SecretView | undefined {
  const [manifest, ...others] = objectsIn(file, text);
  if (manifest?.kind !== 'Secret' || others.length > 0 || secretPath(manifest) !== path) return undefined;
  return withVerifiers(viewOwnSecret(manifest), installation);
}

/** As written here it is read at once; as a person has left it, as any manifest is. */
function objectsIn(file: string, text: string): readonly NamedObject[] {
  const read = classify(readFormatted(text));
  return read.as === 'manifest' ? [read.object] : parseManifests(file, text).manifests;
}

function viewPlan({ owner, ...secret }: SecretPlan, installation: Installation): SecretView {
  const retained = isRetained(secret) && { retainedFor: owner.name };
  return withVerifiers({ ...secret, controllerUid: owner.uid, ...retained }, installation);
}

function withVerifiers(view: Omit<SecretView, 'verifiers'>, installation: Installation): SecretView {
  const { controllerUid } = view;
  const password = view.data['password'];
  if (controllerUid === undefined || password === undefined) return { ...view, verifiers: {} };
  return { ...view, verifiers: { password: sha256Verifier(password, installation.saltFor(controllerUid)) } };
}

/** A damaged Secret may still hold a password that somebody can recover: it is kept, out of the way of the new one. */
async function setAside(file: string, log: Log): Promise<void> {
  await rename(file, `${file}.damaged`);
  log.error({ event: 'state', file }, `damaged; kept as ${file}.damaged, and the Secret is made anew`);
}

/** The core checks names too; a slip there must not write outside of the state folder. */
function safePath(secret: { readonly namespace: string; readonly name: string }): string {
  if (!isNamespaceName(secret.namespace) || !isObjectName(secret.name)) {
    throw new Error(`refusing to write Secret ${keyOf(secret)}: no valid name`);
  }
  return secretPath(secret);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
