/**
 * Copies for recipients whom the guard of a list keeps mail from (`recipients.otherwise: Capture`), for people to read:
 *
 *   FOLDER/NAMESPACE/LIST/ID.eml    the content, octet for octet
 *   FOLDER/NAMESPACE/LIST/ID.json   its envelope: {id, time, user, list, from, recipients}; written last
 *
 * The newest are kept. Room is made at the expense of the namespace that takes most of it.
 */
import path from 'node:path';
import { type DeliverySettings, deliverySettingsSchema } from '../config/config.ts';
import type { AcceptedMessage, Content } from '../message.ts';
import { type Disk, makeFolder, nodeDisk, placeFile } from './disk.ts';

export interface CapturedLimits {
  readonly messages: number;
  readonly bytes: number;
}

export function capturedLimitsOf({ capturedMessages, capturedBytes }: DeliverySettings): CapturedLimits {
  return { messages: capturedMessages, bytes: capturedBytes };
}

/** Those of a class that says nothing. */
export function defaultCapturedLimits(): CapturedLimits {
  return capturedLimitsOf(deliverySettingsSchema.parse({}));
}

/** For one of several processes that keep copies on the same disk. */
export function capturedLimitsShare({ messages, bytes }: CapturedLimits, sharers: number): CapturedLimits {
  return { messages: Math.max(1, Math.floor(messages / sharers)), bytes: Math.floor(bytes / sharers) };
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

export async function openCaptured(
  folder: string,
  limits: () => CapturedLimits,
  disk: Disk = nodeDisk,
): Promise<Captured> {
  const kept = await findKept(folder, disk);
  let turn = Promise.resolve();

  async function keepNow(message: CapturedMessage, content: Content): Promise<void> {
    const [namespace = '', list = ''] = message.list.split('/').map(fileName);
    const file = path.join(folder, namespace, list, message.id);
    const isNew = kept.get(namespace)?.some((one) => one.file === file) !== true;
    if (isNew) await makeRoom(kept, disk, { more: { messages: 1, bytes: message.size }, limits: limits() });
    await write(disk, file, message, content);
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
  disk: Disk,
  { more, limits }: { readonly more: CapturedLimits; readonly limits: CapturedLimits },
): Promise<void> {
  for (;;) {
    const all = [...kept.values()].flat();
    const isOverCount = all.length + more.messages > limits.messages;
    if (!isOverCount && bytesOf(all) + more.bytes <= limits.bytes) return;
    const sizeOf = isOverCount ? (some: readonly Kept[]) => some.length : bytesOf;
    const [namespace = '', some = []] = [...kept].toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a))[0] ?? [];
    const [oldest, ...others] = some;
    if (oldest === undefined) return;
    await remove(disk, oldest.file);
    if (others.length === 0) kept.delete(namespace);
    else kept.set(namespace, others);
  }
}

function bytesOf(some: readonly Kept[]): number {
  return some.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function write(disk: Disk, file: string, message: CapturedMessage, content: Content): Promise<void> {
  const folder = path.dirname(file);
  await makeFolder(disk, folder);
  const { id, received: time, user, list, from } = message;
  const recipients = [...new Set([...(await recipientsIn(disk, file)), ...message.recipients])];
  const envelope = Buffer.from(`${JSON.stringify({ id, time, user, list, from, recipients }, undefined, 2)}\n`);
  await placeFile(disk, `${file}.eml`, (temporary) => writeContent(disk, temporary, content));
  await placeFile(disk, `${file}.json`, (temporary) => disk.write(temporary, envelope));
  await disk.syncFolder(folder);
}

async function writeContent(disk: Disk, file: string, { head, body }: Content): Promise<void> {
  if (body.kind === 'memory') return disk.write(file, Buffer.concat([head, body.bytes]));
  await disk.write(file, head);
  await disk.append(file, body.path);
}

async function recipientsIn(disk: Disk, file: string): Promise<readonly string[]> {
  const bytes = await disk.read(`${file}.json`).catch(() => undefined);
  return bytes === undefined ? [] : (JSON.parse(bytes.toString()) as { recipients: string[] }).recipients;
}

/** The envelope first: what has none does not count as kept. */
async function remove(disk: Disk, file: string): Promise<void> {
  await disk.remove(`${file}.json`);
  await disk.remove(`${file}.eml`);
}

/** What an earlier process kept, by namespace, oldest first. What a crash left unfinished goes; what is not ours stays. */
async function findKept(folder: string, disk: Disk): Promise<Map<string, readonly Kept[]>> {
  await makeFolder(disk, folder);
  const kept = new Map<string, readonly Kept[]>();
  for (const namespace of await foldersIn(folder, disk)) {
    const found: Kept[] = [];
    for (const list of await foldersIn(namespace, disk)) found.push(...(await findIn(list, disk)));
    if (found.length > 0) kept.set(path.basename(namespace), found.toSorted(byAge));
  }
  return kept;
}

async function foldersIn(folder: string, disk: Disk): Promise<string[]> {
  const entries = await disk.list(folder);
  return entries.filter(({ isFolder }) => isFolder).map(({ name }) => path.join(folder, name));
}

/** People look into the folder, and may leave something there. */
const OURS = /^(.+)\.(eml|json)(\.tmp)?$/;

async function findIn(folder: string, disk: Disk): Promise<Kept[]> {
  const names = new Set((await disk.list(folder)).map(({ name }) => name));
  const found: Kept[] = [];
  for (const name of names) {
    const [, id = '', suffix, unfinished] = OURS.exec(name) ?? [];
    if (suffix === undefined) continue;
    const file = path.join(folder, id);
    const isWhole = unfinished === undefined && names.has(`${id}.eml`) && names.has(`${id}.json`);
    if (!isWhole) await disk.remove(path.join(folder, name));
    else if (suffix === 'eml') found.push({ file, bytes: (await disk.sizeOf(`${file}.eml`)) ?? 0 });
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
