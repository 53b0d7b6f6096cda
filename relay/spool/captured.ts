/**
 * Copies for recipients whom the guard of a list keeps mail from (`recipients.otherwise: Capture`), for people to read:
 *
 *   FOLDER/NAMESPACE/LIST/ID.eml    the content, octet for octet
 *   FOLDER/NAMESPACE/LIST/ID.json   its envelope: {id, time, user, list, from, recipients}; written last
 *
 * The newest are kept. Room is made at the expense of the namespace that takes most of it.
 */
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AcceptedMessage, Content } from '../message.ts';
import { syncFile, syncFolder } from './files.ts';

export interface CapturedLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** A message of which these recipients get no copy. */
export interface CapturedMessage extends Pick<AcceptedMessage, 'id' | 'user' | 'list' | 'received' | 'size'> {
  readonly from: string;
  readonly recipients: readonly string[];
}

export interface Captured {
  /** Resolves when the copy is on disk. A message that is kept already gets further recipients. */
  keep(message: CapturedMessage, content: Content): Promise<void>;
}

interface Kept {
  /** Path without its suffix. Its last part is the id, which sorts by time. */
  readonly file: string;
  readonly bytes: number;
}

export async function openCaptured(folder: string, limits: () => CapturedLimits): Promise<Captured> {
  const kept = await findKept(folder);
  let turn = Promise.resolve();

  async function keepNow(message: CapturedMessage, content: Content): Promise<void> {
    const [namespace = '', list = ''] = message.list.split('/').map(fileName);
    const file = path.join(folder, namespace, list, message.id);
    const isNew = kept.get(namespace)?.some((one) => one.file === file) !== true;
    if (isNew) await makeRoom(kept, { messages: 1, bytes: message.size }, limits());
    await write(file, message, content);
    if (isNew) kept.set(namespace, [...(kept.get(namespace) ?? []), { file, bytes: message.size }]);
  }

  return {
    keep: (message, content) => {
      // one at a time, so that the bound holds
      const done = turn.then(() => keepNow(message, content));
      turn = done.catch(() => {});
      return done;
    },
  };
}

/** Deletes the oldest of the namespace with most, until `more` fits, or nothing is left. */
async function makeRoom(
  kept: Map<string, readonly Kept[]>,
  more: CapturedLimits,
  limits: CapturedLimits,
): Promise<void> {
  for (;;) {
    const all = [...kept.values()].flat();
    const isOverCount = all.length + more.messages > limits.messages;
    if (!isOverCount && bytesOf(all) + more.bytes <= limits.bytes) return;
    const sizeOf = isOverCount ? (some: readonly Kept[]) => some.length : bytesOf;
    const [namespace = '', some = []] = [...kept].toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a))[0] ?? [];
    const [oldest, ...others] = some;
    if (oldest === undefined) return;
    await remove(oldest.file);
    if (others.length === 0) kept.delete(namespace);
    else kept.set(namespace, others);
  }
}

function bytesOf(some: readonly Kept[]): number {
  return some.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function write(file: string, message: CapturedMessage, content: Content): Promise<void> {
  const folder = path.dirname(file);
  const isNewFolder = (await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined;
  const { id, received: time, user, list, from } = message;
  const recipients = [...new Set([...(await recipientsIn(file)), ...message.recipients])];
  const envelope = Buffer.from(`${JSON.stringify({ id, time, user, list, from, recipients }, undefined, 2)}\n`);
  await writeWhole(`${file}.eml`, content);
  await writeWhole(`${file}.json`, { head: envelope, body: { kind: 'memory', bytes: Buffer.alloc(0) } });
  await syncFolder(folder);
  if (!isNewFolder) return;
  await syncFolder(path.dirname(folder));
  await syncFolder(path.dirname(path.dirname(folder)));
}

async function writeWhole(file: string, { head, body }: Content): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeFile(temporary, head, { mode: 0o600 });
  await appendFile(temporary, body.kind === 'file' ? createReadStream(body.path) : body.bytes);
  await syncFile(temporary);
  await rename(temporary, file);
}

async function recipientsIn(file: string): Promise<readonly string[]> {
  const text = await readFile(`${file}.json`, 'utf8').catch(() => undefined);
  return text === undefined ? [] : (JSON.parse(text) as { recipients: string[] }).recipients;
}

/** The envelope first: what has none does not count as kept. */
async function remove(file: string): Promise<void> {
  await rm(`${file}.json`, { force: true });
  await rm(`${file}.eml`, { force: true });
}

/** What an earlier process kept, by namespace, oldest first. What a crash left unfinished goes; what is not ours stays. */
async function findKept(folder: string): Promise<Map<string, readonly Kept[]>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const kept = new Map<string, readonly Kept[]>();
  for (const namespace of await foldersIn(folder)) {
    const found: Kept[] = [];
    for (const list of await foldersIn(namespace)) found.push(...(await findIn(list)));
    if (found.length > 0) kept.set(path.basename(namespace), found.toSorted(byAge));
  }
  return kept;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name));
}

/** People look into the folder, and may leave something there. */
const OURS = /^(.+)\.(eml|json)(\.tmp)?$/;

async function findIn(folder: string): Promise<Kept[]> {
  const names = new Set(await readdir(folder));
  const found: Kept[] = [];
  for (const name of names) {
    const [, id = '', suffix, unfinished] = OURS.exec(name) ?? [];
    if (suffix === undefined) continue;
    const file = path.join(folder, id);
    const isWhole = unfinished === undefined && names.has(`${id}.eml`) && names.has(`${id}.json`);
    if (!isWhole) await rm(path.join(folder, name), { force: true });
    else if (suffix === 'eml') found.push({ file, bytes: (await stat(`${file}.eml`)).size });
  }
  return found;
}

function byAge(a: Kept, b: Kept): number {
  return path.basename(a.file) < path.basename(b.file) ? -1 : 1;
}

/** Names of objects are file names; whatever else the configuration may hold, it stays in its folder. */
function fileName(part: string): string {
  return encodeURIComponent(part).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
}
