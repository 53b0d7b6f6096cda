/** Counts by what they are about, `user shop/app accepted` say: what a log tells, what a spool keeps, what a status says. */
import type { Tallies } from '../../relay/usage/tally.ts';
import type { Traffic } from '../../operator/api/traffic.ts';

export type Counts = ReadonlyMap<string, number>;

/** What statuses tell; log-ins, say, have no line in the log. */
const TOLD = ['accepted', 'recipients', 'bytes', 'delivered', 'bounced', 'deferred'] as const;

export interface LogLine {
  readonly msg: string;
  readonly time: string;
  readonly list?: string;
  /** By the name to log in with. */
  readonly user?: string;
  readonly result?: string;
  readonly reason?: string;
  readonly size?: number;
  readonly from?: string;
  readonly recipients?: number;
  readonly messageId?: string;
}

const OUTCOMES = new Set(['delivered', 'bounced', 'deferred']);

/** @param objectOf user by the name that it logs in with */
export function countsOfLog(lines: readonly LogLine[], objectOf: (login: string) => string): Counts {
  const counts = new Map<string, number>();
  for (const line of lines) {
    if (line.user === undefined || line.list === undefined) continue;
    for (const key of [`list ${line.list}`, `user ${objectOf(line.user)}`]) {
      for (const [what, count] of toldBy(line)) add(counts, `${key} ${what}`, count);
    }
  }
  return counts;
}

function toldBy({ msg, result, reason = '', size = 0, from, recipients = 0 }: LogLine): readonly [string, number][] {
  if (msg === 'message' && result === 'accepted') {
    return [
      ['accepted', 1],
      ['recipients', recipients],
      ['bytes', size],
    ];
  }
  if (msg === 'message' || msg === 'refused') return [[`refused ${reason}`, 1]];
  // a report of ours is no mail of the user
  return OUTCOMES.has(msg) && from !== '' ? [[msg, recipients]] : [];
}

export function countsOfTallies(hours: Iterable<Tallies>): Counts {
  const counts = new Map<string, number>();
  for (const tallies of hours) {
    for (const [key, tally] of tallies) {
      for (const what of TOLD) add(counts, `${key} ${what}`, tally[what] ?? 0);
      for (const [reason, count] of Object.entries(tally.refused ?? {})) add(counts, `${key} refused ${reason}`, count);
    }
  }
  return counts;
}

/** @param key `user shop/app`, or `list shop/house` */
export function countsOfStatus(key: string, traffic: Traffic | undefined): Counts {
  const counts = new Map<string, number>();
  for (const what of TOLD) add(counts, `${key} ${what}`, traffic?.[what] ?? 0);
  for (const { reason, count } of traffic?.refusals ?? []) add(counts, `${key} refused ${reason}`, count);
  return counts;
}

export function sum(...all: readonly Counts[]): Counts {
  const counts = new Map<string, number>();
  for (const one of all) for (const [key, count] of one) add(counts, key, count);
  return counts;
}

export function minus(counts: Counts, less: Counts): Counts {
  return sum(counts, new Map([...less].map(([key, count]) => [key, -count])));
}

/** Of all users. */
export function total(counts: Counts, what: string): number {
  const found = [...counts].filter(([key]) => key.startsWith('user ') && key.endsWith(` ${what}`));
  return found.reduce((all, [, count]) => all + count, 0);
}

/** Without what is nothing, so that what is the same reads the same. */
function add(counts: Map<string, number>, key: string, count: number): void {
  const now = (counts.get(key) ?? 0) + count;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
}
