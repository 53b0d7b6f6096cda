/** Arithmetic on counts. Tallies are changed in place: one is touched for each message. */
import type { Tally } from '../observe/usage-report.ts';

/** By `list NAMESPACE/NAME` and `user NAMESPACE/NAME`. */
export type Tallies = Map<string, Tally>;

const COUNTS = ['logins', 'accepted', 'recipients', 'bytes', 'delivered', 'bounced', 'deferred'] as const;
const TIMES = ['lastLogin', 'lastMessage'] as const;

export function addTo(tallies: Tallies, key: string, more: Tally): void {
  const tally = tallies.get(key) ?? {};
  tallies.set(key, tally);
  for (const name of COUNTS) if (more[name] !== undefined) tally[name] = (tally[name] ?? 0) + more[name];
  for (const name of TIMES) if ((more[name] ?? '') > (tally[name] ?? '')) tally[name] = more[name];
  for (const [reason, count] of Object.entries(more.refused ?? {})) {
    tally.refused ??= {};
    tally.refused[reason] = (tally.refused[reason] ?? 0) + count;
  }
}

/** Takes away what was added once. What has nothing left goes, its times with it: they are about what is gone. */
export function takeFrom(tallies: Tallies, key: string, less: Tally): void {
  const tally = tallies.get(key);
  if (tally === undefined) return;
  for (const name of COUNTS) if (less[name] !== undefined) tally[name] = (tally[name] ?? 0) - less[name];
  for (const name of COUNTS) if (tally[name] === 0) delete tally[name];
  for (const [reason, count] of Object.entries(less.refused ?? {})) {
    const left = (tally.refused?.[reason] ?? 0) - count;
    if (left === 0) delete tally.refused?.[reason];
    else tally.refused = { ...tally.refused, [reason]: left };
  }
  const hasRefusals = Object.keys(tally.refused ?? {}).length > 0;
  if (!hasRefusals) delete tally.refused;
  if (!hasRefusals && COUNTS.every((name) => tally[name] === undefined)) tallies.delete(key);
}
