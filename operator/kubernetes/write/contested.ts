/**
 * Statuses that somebody else replaces each time that we have written them, such as a second installation that speaks of the
 * same objects. Two that never give in would write for ever: after a few rounds this one leaves such an object alone for
 * a while, and says so.
 */
import type { Kind } from '../../core/model.ts';

export interface Contested {
  /** A watch has told of another status than was known. It may be our own write, told before it was answered. */
  readonly onTold: (kind: Kind, key: string, digest: string | undefined) => void;
  /** We have written a status; `digest` is of what is there now. */
  readonly onWritten: (kind: Kind, key: string, digest: string | undefined) => void;
  /** Whether the status is to be left as it is for now. */
  readonly isLeft: (kind: Kind, key: string) => boolean;
  readonly forget: (kind: Kind, key: string) => void;
  /** How many are left alone. */
  readonly count: () => number;
}

interface Struggle {
  /** Of the status that was there before our next write, where a watch told of it. */
  told: string | undefined;
  rounds: number;
  since: number;
  leftUntil: number;
}

/** People who try things out in a status do not do it so often. */
const ROUNDS = 5;
const ROUNDS_MS = 60_000;
/** The other one may be gone by then. */
const LEFT_MS = 600_000;

/** @param clock milliseconds that only ever go up */
export function createContested(
  onTrouble: (message: string) => void,
  clock: () => number = () => performance.now(),
): Contested {
  /** Only of objects whose status somebody else has touched. */
  const struggles = new Map<string, Struggle>();
  const idOf = (kind: Kind, key: string): string => `${kind} ${key}`;

  function count(): number {
    const now = clock();
    return [...struggles.values()].filter(({ leftUntil }) => leftUntil > now).length;
  }

  function leave(id: string, struggle: Struggle): void {
    const isFirst = count() === 0;
    struggle.leftUntil = clock() + LEFT_MS;
    struggle.rounds = 0;
    if (!isFirst) return;
    onTrouble(
      `the status of ${id} was replaced by somebody else each of the ${ROUNDS} times that this operator wrote it: it is left alone for ${LEFT_MS / 60_000} minutes, as will be others of which the same is true (metric smtpplus_operator_contested_statuses). Where two installations are in this cluster, no class may be in the settings of both, each of their classes belongs into classesElsewhere of the other, and reportsUnknownClasses: true is for one of them alone.`,
    );
  }

  return {
    onTold: (kind, key, digest) => {
      const id = idOf(kind, key);
      const struggle = struggles.get(id) ?? { told: undefined, rounds: 0, since: clock(), leftUntil: 0 };
      struggle.told = digest;
      struggles.set(id, struggle);
    },
    onWritten: (kind, key, digest) => {
      const id = idOf(kind, key);
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
    isLeft: (kind, key) => (struggles.get(idOf(kind, key))?.leftUntil ?? 0) > clock(),
    forget: (kind, key) => void struggles.delete(idOf(kind, key)),
    count,
  };
}
