/**
 * A disk in memory that can crash at any operation, and then forgets what was not synced, in any combination: contents
 * of files, their names, renames, deletions. Commits of its database are lost from the last one backwards.
 */
import path from 'node:path';
import type { Disk } from '../../relay/spool/disk.ts';
import type { OpenStore, SpoolStore } from '../../relay/spool/store.ts';

interface File {
  bytes: Buffer;
  /** What a crash leaves for certain. */
  synced: Buffer | undefined;
}

type Node = File | Folder | Database;

interface Folder {
  readonly names: Map<string, Node>;
  /** Names as they are on disk, and what became of them since. */
  readonly synced: Map<string, Node>;
  changes: { readonly name: string; readonly node: Node | undefined }[];
}

interface Database {
  readonly records: Map<string, Buffer>;
  readonly bodies: Map<string, Buffer>;
  /** Keys of what is remembered of other relays. */
  readonly handedOver: Set<string>;
  uncommitted: (() => void)[];
}

export interface ForgetfulDisk {
  readonly disk: Disk;
  readonly openStore: OpenStore;
  /** Stops everything at this operation, counted from now: nothing resolves any more. Resolves when it has happened. */
  crashAt(operation: number): Promise<void>;
  /** Stops everything now. */
  stop(): void;
  /** Names of operations, in the order in which they were done. */
  readonly journal: readonly string[];
  /** What is there after a crash, for another folder: `isLost` is asked of everything that was not synced. */
  survivors(root: string, isLost: () => boolean): ForgetfulDisk;
}

export function createForgetfulDisk(root: string, top: Folder = newFolder()): ForgetfulDisk {
  const journal: string[] = [];
  let crashOperation = Infinity;
  let onCrash = () => {};

  /** Every operation takes a turn of the event loop, so that others come in between. */
  async function step(name: string, ...files: string[]): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (journal.length >= crashOperation) {
      onCrash();
      await new Promise(() => {});
    }
    journal.push([name, ...files.map((file) => path.relative(root, file))].join(' '));
  }

  function folderOf(file: string): Folder {
    const parts = path.relative(root, path.dirname(file)).split('/').filter(Boolean);
    return parts.reduce<Folder>((folder, name) => asFolder(folder.names.get(name), file), top);
  }

  function find(file: string): Node | undefined {
    return file === root ? top : folderOf(file).names.get(path.basename(file));
  }

  function put(file: string, node: Node | undefined): void {
    const folder = folderOf(file);
    const name = path.basename(file);
    if (node === undefined) folder.names.delete(name);
    else folder.names.set(name, node);
    folder.changes.push({ name, node });
  }

  function fileAt(file: string): File {
    const node = find(file);
    if (node === undefined || !('bytes' in node)) throw missing(file);
    return node;
  }

  const disk: Disk = {
    // one that crashed would keep it
    lock: () => Promise.resolve(() => Promise.resolve()),
    mkdir: async (folder) => {
      await step('mkdir', folder);
      return makeFolders(folder);
    },
    list: async (folder) => {
      await step('list', folder);
      const { names } = asFolder(find(folder), folder);
      return [...names].map(([name, node]) => ({ name, isFolder: 'names' in node }));
    },
    sizeOf: async (file) => {
      await step('size', file);
      const node = find(file);
      return node !== undefined && 'bytes' in node ? node.bytes.length : undefined;
    },
    read: async (file) => {
      await step('read', file);
      return fileAt(file).bytes;
    },
    write: async (file, bytes) => {
      await step('write', file);
      put(file, { bytes: Buffer.from(bytes), synced: undefined });
    },
    append: async (file, source) => {
      await step('append', file, source);
      const node = fileAt(file);
      node.bytes = Buffer.concat([node.bytes, fileAt(source).bytes]);
    },
    rename: async (from, to) => {
      await step('rename', from, to);
      const node = fileAt(from);
      put(from, undefined);
      put(to, node);
    },
    remove: async (file) => {
      await step('remove', file);
      if (find(file) !== undefined) put(file, undefined);
    },
    syncFile: async (file) => {
      await step('sync', file);
      const node = fileAt(file);
      node.synced = node.bytes;
    },
    syncFolder: async (folder) => {
      await step('sync folder', folder);
      const node = file(folder);
      for (const { name, node: changed } of node.changes) apply(node.synced, name, changed);
      node.changes = [];
    },
  };

  function file(folder: string): Folder {
    // its parent is there before the spool begins
    return asFolder(folder === path.dirname(root) ? newFolder() : find(folder), folder);
  }

  function makeFolders(folder: string): string | undefined {
    if (path.relative(root, folder) === '') return undefined;
    const first = makeFolders(path.dirname(folder));
    if (find(folder) !== undefined) return first;
    put(folder, newFolder());
    return first ?? folder;
  }

  return {
    disk,
    openStore: async (at, show = () => false) => {
      const known = find(at);
      const database: Database = known !== undefined && 'records' in known ? known : newDatabase();
      if (known === undefined) put(at, database);
      sorted(database.records).every(([id, record]) => show(id, record.toString()));
      return storeOf(database, { step, isNew: known === undefined, isCrashed: () => journal.length >= crashOperation });
    },
    crashAt: (operation) => {
      crashOperation = journal.length + operation;
      return new Promise((resolve) => {
        onCrash = resolve;
      });
    },
    stop: () => {
      crashOperation = journal.length;
    },
    journal,
    survivors: (at, isLost) => createForgetfulDisk(at, folderAfter(top, isLost)),
  };
}

function storeOf(
  database: Database,
  { step, isNew, isCrashed }: { step: (name: string) => Promise<void>; isNew: boolean; isCrashed: () => boolean },
): SpoolStore {
  const { records, bodies, handedOver } = database;
  return {
    isNew,
    write: async ({ put = [], remove = [], remember = [] }) => {
      const change = () => {
        for (const { id, record, body } of put) {
          records.set(id, Buffer.from(record));
          if (body !== undefined) bodies.set(id, Buffer.from(body));
        }
        for (const id of remove) {
          records.delete(id);
          bodies.delete(id);
        }
        for (const key of remember) handedOver.add(key);
      };
      database.uncommitted.push(change);
      const name = [...put.map(({ id }) => `+${id}`), ...remove.map((id) => `-${id}`)].join(' ');
      await step(`commit ${name}`);
      // a sync takes all that was written before it along
      const done = database.uncommitted.splice(0, database.uncommitted.indexOf(change) + 1);
      for (const one of done) one();
    },
    record: (id) => records.get(id),
    body: (id) => bodies.get(id),
    records: (after, most) => {
      const later = sorted(records).filter(([key]) => key > after);
      return later.slice(0, most).map(([key, value]) => ({ key, value }));
    },
    remembered: (prefix) =>
      [...handedOver].filter((key) => key.startsWith(prefix)).map((key) => ({ key, since: Date.now() })),
    forget: async (keys) => {
      await step(`forget ${keys.join(' ')}`);
      for (const key of keys) handedOver.delete(key);
    },
    freeBytes: () => Promise.resolve(0),
    keepRoom: () => Promise.resolve(),
    close: () => (isCrashed() ? Promise.resolve() : step('close')),
  };
}

function sorted(records: ReadonlyMap<string, Buffer>): [string, Buffer][] {
  return [...records].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function newFolder(): Folder {
  return { names: new Map(), synced: new Map(), changes: [] };
}

function newDatabase(): Database {
  return { records: new Map(), bodies: new Map(), handedOver: new Set(), uncommitted: [] };
}

function asFolder(node: Node | undefined, file: string): Folder {
  if (node === undefined || !('names' in node)) throw missing(file);
  return node;
}

function missing(file: string): Error {
  return Object.assign(new Error(`ENOENT: ${file}`), { code: 'ENOENT' });
}

function apply(names: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

function folderAfter(folder: Folder, isLost: () => boolean): Folder {
  const names = new Map(folder.synced);
  for (const { name, node } of folder.changes) if (!isLost()) apply(names, name, node);
  const after = new Map([...names].map(([name, node]) => [name, nodeAfter(node, isLost)]));
  return { names: after, synced: new Map(after), changes: [] };
}

function nodeAfter(node: Node, isLost: () => boolean): Node {
  if ('names' in node) return folderAfter(node, isLost);
  if ('bytes' in node) return fileAfter(node, isLost);
  for (const change of node.uncommitted) {
    if (isLost()) break;
    change();
  }
  return { ...node, uncommitted: [] };
}

/** Contents that were not synced may be there, cut off, or full of zeros. */
function fileAfter({ bytes, synced }: File, isLost: () => boolean): File {
  if (bytes === synced || !isLost()) return { bytes, synced: bytes };
  const left = synced ?? Buffer.alloc(isLost() ? 0 : bytes.length);
  return { bytes: left, synced: left };
}
