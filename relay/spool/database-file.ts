/**
 * What can be told of the database file before lmdb maps it into memory: a page that should lie beyond the file's end
 * would end the process without a word.
 */
import { type FileHandle, open } from 'node:fs/promises';

const MAGIC = 0xbeefc0de;
/** Places in a meta page of mdb.c: a page header, then `MDB_meta`. */
const AT = { magic: 24, pageBytes: 48, lastPage: 144, commit: 152 } as const;
const META_BYTES = 160;

/** A commit may take pages at the end and give them up again: those are counted, and never written. */
const UNWRITTEN_MAX_BYTES = 1024 * 1024;

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly commit: bigint;
}

/** Whether there is one, even without a message; false for an empty file, which lmdb would fill. Throws at a damaged one. */
export async function hasDatabase(file: string): Promise<boolean> {
  await using handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (handle === undefined) return false;
  const { size } = await handle.stat();
  if (size === 0) return false;
  const first = await readMeta(handle, 0);
  const second = first && (await readMeta(handle, first.pageBytes));
  if (first === undefined || second === undefined || !isWhole(first.commit > second.commit ? first : second, size)) {
    throw new Error(`${file} is damaged: move it away; larger contents are in bodies/ beside it`);
  }
  return true;
}

async function readMeta(handle: FileHandle, position: number): Promise<Meta | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(META_BYTES), 0, META_BYTES, position);
  if (bytesRead < META_BYTES || buffer.readUInt32LE(AT.magic) !== MAGIC) return undefined;
  return {
    pageBytes: buffer.readUInt32LE(AT.pageBytes),
    lastPage: Number(buffer.readBigUInt64LE(AT.lastPage)),
    commit: buffer.readBigUInt64LE(AT.commit),
  };
}

function isWhole({ lastPage, pageBytes }: Meta, size: number): boolean {
  return (lastPage + 1) * pageBytes <= size + UNWRITTEN_MAX_BYTES;
}
