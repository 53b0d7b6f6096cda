/** What a client hears where its message could not be stored. */
import { constants } from 'node:os';
import { replies, type Reply } from '../replies.ts';

/** Trouble that room on a disk, another disk or more descriptors would mend. */
const REPLIES = {
  ENOSPC: replies.diskFull,
  EDQUOT: replies.diskFull,
  EROFS: replies.diskFailed,
  EIO: replies.diskFailed,
  EMFILE: replies.tooManyFiles,
  ENFILE: replies.tooManyFiles,
} as const;

/** Node names an error, lmdb numbers it. */
const BY_CODE = new Map<unknown, () => Reply>(
  Object.entries(REPLIES).flatMap(([name, reply]) => [
    [name, reply],
    [constants.errno[name as keyof typeof REPLIES], reply],
  ]),
);

/** By the code of the error, or of what caused it. Always a temporary refusal: the fault is ours. */
export function replyToStorageFailure(error: unknown): Reply {
  const cause = error instanceof Error ? error.cause : undefined;
  const known = [error, cause].map((one) =>
    one instanceof Error && 'code' in one ? BY_CODE.get(one.code) : undefined,
  );
  return (known.find((reply) => reply !== undefined) ?? replies.internal)();
}
