/**
 * Makes sure that a database file is whole before lmdb maps it into this process: given a file that is not a database,
 * or was cut short, lmdb ends its process without a word. So a process of its own opens it first, and may die of it.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Prints how long the file must be for the pages that lmdb counts in it. Arguments: lmdb's module, the file. */
const ASK = `
  const [, lmdb, path] = process.argv;
  const { open } = await import(lmdb);
  const { lastPageNumber, pageSize } = open({ path, noSubdir: true, readOnly: true }).getStats();
  process.stdout.write(String((lastPageNumber + 1) * pageSize));
`;

/** A commit may take pages at the end and give them up again: those are counted, and never written. */
const UNWRITTEN_MAX_BYTES = 1024 * 1024;

/** Whether there is one, even without a message; false for an empty file, which lmdb would fill. Throws at a damaged one. */
export async function hasDatabase(file: string): Promise<boolean> {
  const size = await sizeOf(file);
  if (size === 0) return false;
  const expected = await askLmdb(file);
  if (!(expected <= size + UNWRITTEN_MAX_BYTES)) throw damaged(file, `${size} octets of ${expected}`);
  return true;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}

async function askLmdb(file: string): Promise<number> {
  const parameters = ['--input-type=module', '--eval', ASK, import.meta.resolve('lmdb'), file];
  const { stdout } = await promisify(execFile)(process.execPath, parameters).catch((cause: unknown) => {
    throw damaged(file, cause);
  });
  return Number(stdout);
}

function damaged(file: string, cause: unknown): Error {
  return new Error(`${file} is damaged: move it away; larger contents are in bodies/ beside it`, { cause });
}
