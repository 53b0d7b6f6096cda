/** Errors in words for people. */

/** The usual errors of a system, for people who do not know them by their codes. */
const IN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EEXIST: 'there is one of this name already',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links go round in a circle',
  EIO: 'the disk reports an error',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many open files',
};

/** A system error for people: `no such file or folder (ENOENT)`. */
export function inWords(error: unknown): string {
  const reason = systemReason(error);
  const words = IN_WORDS[reason];
  return words === undefined ? reason : `${words} (${reason})`;
}

/** `ENOENT` and the like: the part of a system error that helps, without its stack. */
export function systemReason(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : messageOf(error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For the log, where the fault may be our own. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
