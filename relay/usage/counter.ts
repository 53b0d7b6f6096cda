/**
 * Where a worker counts: into the relay's own counts, where it is the only one, or into what it reports to its parent.
 */
import type { UserConfig, PauseTerms } from '../config/config.ts';
import type { Tally } from '../observe/usage-report.ts';
import type { WatchedUser } from './pauses.ts';

/** Whose mail it was; absent where the configuration does not know of it (any more). */
export interface Owner {
  /** `NAMESPACE/NAME`, as the user's object. */
  readonly list?: string | undefined;
  readonly user?: string | undefined;
}

export type Seen = Pick<WatchedUser, 'judged' | 'bounced'>;

export interface UsageCounter {
  readonly count: (owner: Owner, tally: Tally) => void;
  /** What became of recipients of a user who is paused where too many bounce. */
  readonly see: (user: string, terms: PauseTerms, seen: Seen) => void;
  /** Whether this relay has seen too many. */
  readonly isPaused: (user: string, terms: PauseTerms) => boolean;
}

/** Nothing is counted. */
export const uncounted: UsageCounter = { count: () => undefined, see: () => undefined, isPaused: () => false };

export function isPausedHere(counter: UsageCounter, { object, pauseAbove }: UserConfig): boolean {
  return pauseAbove !== undefined && counter.isPaused(object, pauseAbove);
}

/** The key of what was refused to somebody whom the configuration does not know: there is no name to count it by. */
export const NOBODY = 'nobody';

/** By the keys of tallies. */
export function keyed({ list, user }: Owner, tally: Tally): readonly (readonly [string, Tally])[] {
  return [
    ...(user === undefined && tally.refused !== undefined ? [[NOBODY, tally] as const] : []),
    ...(list === undefined ? [] : [[`list ${list}`, tally] as const]),
    ...(user === undefined ? [] : [[`user ${user}`, tally] as const]),
  ];
}
