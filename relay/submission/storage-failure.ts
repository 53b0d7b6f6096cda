/** The answer to a message that failed for a reason of our own: always a temporary one. */
import { constants } from 'node:os';
import { replies, type Reply } from '../replies.ts';

/** Trouble that room on a disk, another disk or more descriptors would mend. */
const CAUSES = {
  ENOSPC: replies.diskFull,
  EDQUOT: replies.diskFull,
  EROFS: replies.diskFailed,
  EIO: replies.diskFailed,
  EMFILE: replies.tooManyFiles,
  ENFILE: replies.tooManyFiles,
} as const;

/** Node names an error, lmdb numbers it. */
const BY_CODE = new Map<unknown, () => Reply>(
  Object.entries(CAUSES).flatMap(([name, reply]) => [
    [name, reply],
    [constants.errno[name as keyof typeof CAUSES], reply],
  ]),
);

export function replyToFailure(error: unknown): Reply {
  const cause = error instanceof Error ? error.cause : undefined;
  const known = [error, cause].map((one) =>
    one instanceof Error && 'code' in one ? BY_CODE.get(one.code) : undefined,
  );
  return (known.find((reply) => reply !== undefined) ?? replies.internal)();
}
