/**
 * Pauses users too many of whose recipients bounce, at once and by what this relay has seen; the operator then tells
 * the other relays. A pause lasts until people change the mark in the user's configuration.
 */
import type { PauseTerms } from '../config/config.ts';

/** What was seen since the mark was set. Recipients are counted in batches of the size that the terms say. */
export interface WatchedUser {
  readonly resume: string;
  readonly judged: number;
  readonly bounced: number;
  /** Since when the user is paused. ISO 8601. */
  readonly since?: string | undefined;
}

export interface Pauses {
  readonly see: (user: string, terms: PauseTerms, seen: Pick<WatchedUser, 'judged' | 'bounced'>) => void;
  readonly isPaused: (user: string, terms: PauseTerms) => boolean;
  readonly all: () => ReadonlyMap<string, WatchedUser>;
  readonly restore: (all: Iterable<readonly [string, WatchedUser]>) => void;
}

const USERS_MAX = 100_000;

/** @param onPause some user is paused since now. */
export function createPauses(now: () => number, onPause: () => void = () => undefined): Pauses {
  const watched = new Map<string, WatchedUser>();

  return {
    see: (user, terms, seen) => {
      const before = watched.get(user);
      const isSame = before?.resume === terms.resume;
      if (isSame && before.since !== undefined) return;
      const judged = (isSame ? before.judged : 0) + seen.judged;
      const bounced = (isSame ? before.bounced : 0) + seen.bounced;
      const isOver = bounced > (Math.max(judged, terms.of) * terms.bounceRate) / 100;
      const [oldest] = watched.keys();
      if (before === undefined && watched.size >= USERS_MAX && oldest !== undefined) watched.delete(oldest);
      const { resume } = terms;
      if (isOver) watched.set(user, { resume, judged, bounced, since: new Date(now()).toISOString() });
      else if (judged >= terms.of) watched.set(user, { resume, judged: 0, bounced: 0 });
      else watched.set(user, { resume, judged, bounced });
      if (isOver) onPause();
    },
    isPaused: (user, { resume }) => {
      const known = watched.get(user);
      return known?.since !== undefined && known.resume === resume;
    },
    all: () => watched,
    restore: (all) => {
      for (const [user, one] of all) watched.set(user, one);
    },
  };
}

/** Those of them who are paused. */
export function pausedOf(all: ReadonlyMap<string, WatchedUser>): readonly (readonly [string, WatchedUser])[] {
  return [...all].filter(([, { since }]) => since !== undefined);
}
