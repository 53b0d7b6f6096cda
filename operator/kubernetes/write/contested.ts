/**
 * Things that somebody else changes back each time we have written them, such as a status that a second installation
 * writes as well. Two writers that never give in would write for ever: after a few rounds this one leaves such a thing
 * alone for a while, and says so.
 */
export interface Contested {
  /** A watch has told of something else than was known. It may be our own write, told before it was answered. */
  readonly onTold: (id: string, digest: string | undefined) => void;
  /** We have written; `digest` is of what is there now. */
  readonly onWritten: (id: string, digest: string | undefined) => void;
  /** Whether it is to be left as it is for now. */
  readonly isLeft: (id: string) => boolean;
  readonly forget: (id: string) => void;
  /** How many are left alone. */
  readonly count: () => number;
}

interface Struggle {
  /** Digest of what was there before our next write, where a watch reported it. */
  told: string | undefined;
  rounds: number;
  since: number;
  leftUntil: number;
}

/** People who try things out do not do it so often. */
export const ROUNDS = 5;
const ROUNDS_MS = 60_000;
/** The other one may be gone by then. */
export const LEFT_MINUTES = 10;

/**
 * @param onLeft One is left alone, and none was before: each of thousands would be a line in the log
 * @param clock milliseconds that only ever go up
 */
export function createContested(
  onLeft: (id: string) => void,
  clock: () => number = () => performance.now(),
): Contested {
  /** Only of what somebody else has touched. */
  const struggles = new Map<string, Struggle>();

  function count(): number {
    const now = clock();
    return [...struggles.values()].filter(({ leftUntil }) => leftUntil > now).length;
  }

  function leave(id: string, struggle: Struggle): void {
    const isFirst = count() === 0;
    struggle.leftUntil = clock() + LEFT_MINUTES * 60_000;
    struggle.rounds = 0;
    if (isFirst) onLeft(id);
  }

  return {
    onTold: (id, digest) => {
      const struggle = struggles.get(id) ?? { told: undefined, rounds: 0, since: clock(), leftUntil: 0 };
      struggle.told = digest;
      struggles.set(id, struggle);
    },
    onWritten: (id, digest) => {
      const struggle = struggles.get(id);
      if (struggle?.told === undefined) return;
      const isOurs = struggle.told === digest;
      struggle.told = undefined;
      if (isOurs && struggle.rounds === 0 && struggle.leftUntil <= clock()) struggles.delete(id);
      if (isOurs) return;
      const isLater = clock() - struggle.since > ROUNDS_MS;
      struggle.rounds = isLater ? 1 : struggle.rounds + 1;
      if (struggle.rounds === 1) struggle.since = clock();
      if (struggle.rounds >= ROUNDS) leave(id, struggle);
    },
    isLeft: (id) => (struggles.get(id)?.leftUntil ?? 0) > clock(),
    forget: (id) => void struggles.delete(id),
    count,
  };
}
