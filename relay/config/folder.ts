/**
 * Reads the configuration folder, and again whenever it changes. A document that cannot be read leaves the one before
 * it in force: half an update, or a slip of the operator, must not lock every user out.
 *
 * Secret volumes swap a directory behind a symlink, so the folder is watched rather than its files; the poll finds what
 * no event tells (network file systems, exhausted inotify instances).
 */
import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CLASS_FILE_NAME,
  SHARD_COUNT,
  shardFileName,
  type ClassDocument,
  type RelayConfig,
  type ShardDocument,
} from './config.ts';
import { readClassDocument, readShardDocument, type ReadDocument } from './documents.ts';
import type { Log } from '../observe/log.ts';
import { shareRuns } from '../share-runs.ts';

export interface ConfigFolder {
  /** The configuration in force; undefined until every document has been read once. */
  readonly current: () => RelayConfig | undefined;
  /** SHA-256 (hex) of the bytes of each document in force, by file name. */
  readonly hashes: () => Readonly<Record<string, string>>;
  /** When the configuration in force was read. */
  readonly readTime: () => Date | undefined;
  /** Called after each change that is in force. */
  readonly onChange: (listener: () => void) => void;
  /** Looks at the folder now; resolves when what it holds is in force. */
  readonly reload: () => Promise<void>;
  readonly close: () => void;
}

/** Events of one update come in a burst; this long after the first of them the folder is read. */
const SETTLE_MS = 20;
const POLL_MS = 1000;
/** Where thousands of entries are wrong in the same way, this many are enough to find out why. */
const PROBLEMS_TOLD = 5;

interface Loaded<T> {
  readonly hash: string;
  readonly document: T;
}

export async function openConfigFolder(
  folder: string,
  { log, onError = () => {} }: { log: Pick<Log, 'error'>; onError?: () => void },
): Promise<ConfigFolder> {
  const loaded = new Map<string, Loaded<ClassDocument | ShardDocument>>();
  const complaints = new Map<string, string>();
  const listeners: (() => void)[] = [];
  let config: RelayConfig | undefined;
  let readTime: Date | undefined;

  async function reload(): Promise<void> {
    let changed = await read(CLASS_FILE_NAME, readClassDocument);
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      if (await read(shardFileName(shard), readShardDocument)) changed = true;
    }
    if (!changed) return;
    config = merge(loaded);
    readTime = new Date();
    for (const listener of listeners) listener();
  }

  /** Whether the document has changed. */
  async function read(
    name: string,
    parse: (bytes: Buffer) => ReadDocument<ClassDocument | ShardDocument>,
  ): Promise<boolean> {
    const bytes = await readFile(path.join(folder, name)).catch(() => undefined);
    if (bytes === undefined) return false;
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (loaded.get(name)?.hash === hash) return false;
    const { document, problems } = parse(bytes);
    if (problems.length === 0) complaints.delete(name);
    else complain(name, hash, { problems, isUsed: document !== undefined });
    if (document === undefined) return false;
    loaded.set(name, { hash, document });
    return true;
  }

  function complain(
    name: string,
    hash: string,
    { problems, isUsed }: { readonly problems: readonly string[]; readonly isUsed: boolean },
  ): void {
    if (complaints.get(name) === hash) return;
    complaints.set(name, hash);
    onError();
    const problem = problems.slice(0, PROBLEMS_TOLD).join('; ');
    const message = isUsed
      ? 'entries of a configuration document not usable, and left out'
      : 'configuration document not usable, the one before it stays in force';
    log.error({ document: name, problem, problems: problems.length }, message);
  }

  const reloader = shareRuns(reload);
  await reloader();
  const stop = watchFolder(folder, () => void reloader());
  return {
    current: () => config,
    hashes: () => Object.fromEntries([...loaded].map(([name, { hash }]) => [name, hash])),
    readTime: () => readTime,
    onChange: (listener) => void listeners.push(listener),
    reload: reloader,
    close: stop,
  };
}

function merge(loaded: ReadonlyMap<string, Loaded<ClassDocument | ShardDocument>>): RelayConfig | undefined {
  const documents = [...loaded.values()].map(({ document }) => document);
  const classDocument = documents.find((document): document is ClassDocument => 'shards' in document);
  const shards = documents.filter((document): document is ShardDocument => 'users' in document);
  if (classDocument === undefined || shards.length < SHARD_COUNT) return undefined;
  return {
    class: classDocument,
    lists: new Map(shards.flatMap((shard) => Object.entries(shard.lists))),
    users: new Map(shards.flatMap((shard) => Object.entries(shard.users))),
    unusable: new Map(shards.flatMap((shard) => Object.entries(shard.unusable))),
    namespaces: new Map(shards.flatMap((shard) => Object.entries(shard.namespaces))),
    dkim: new Map(shards.flatMap((shard) => Object.entries(shard.dkim))),
  };
}

function watchFolder(folder: string, onEvent: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const settle = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      onEvent();
    }, SETTLE_MS);
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, settle);
    watcher.on('error', () => watcher?.close());
  } catch {
    // the poll alone will do: the folder may be missing yet, or the system out of watches
  }
  const poll = setInterval(onEvent, POLL_MS);
  return () => {
    watcher?.close();
    clearInterval(poll);
    clearTimeout(timer);
  };
}
