/**
 * Which of the Secrets that nothing wants any more may be deleted: those that have been unwanted for a while, unless it
 * looks more like a mistake with the folder than like a wish. Deleting one cuts off an application.
 */
import { readFile, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Log } from '../../relay/observe/log.ts';
import { writeAtomically } from './write-file.ts';

export interface Deletions {
  /** The Secrets to delete now, and when to look again. */
  readonly due: (round: Round) => { readonly due: readonly string[]; readonly nextLook: Date | undefined };
}

interface Round {
  /** `NAMESPACE/NAME` of what nothing wants. */
  readonly unwanted: readonly string[];
  /** All of our Secrets, wanted or not. */
  readonly total: number;
  /** Whether the folder has any object. */
  readonly isEmpty: boolean;
  /** Whether some of it could not be read: what is not there may still be wanted. */
  readonly incomplete: boolean;
  readonly now: number;
}

export interface DeletionOptions {
  /** The folder of manifests. */
  readonly folder: string;
  /** The file that says which folder the Secrets belong to. */
  readonly record: string;
  /** Whether what is gone at the start is meant to be, however much it is. */
  readonly prune: boolean;
  /** How long a Secret outlives its user; milliseconds. */
  readonly graceMs: number;
  readonly log: Log;
}

/** How many may go at any time, and what share of all within `WINDOW_MS`, before somebody has to say that it is meant. */
const FEW = 10;
const SHARE = 0.2;
const WINDOW_MS = 600_000;
/** Named in a line of the log. */
const NAMED_MAX = 5;

export async function openDeletions(options: DeletionOptions): Promise<Deletions> {
  const { folder, record, prune, graceMs, log } = options;
  const since = new Map<string, number>();
  const recent: number[] = [];
  let isPruning = prune;
  let saidLast = '';
  const owner = await readRecord(record);
  const isSame = owner !== undefined && (await isSameFolder(owner, folder));
  const isOther = owner !== undefined && !isSame && !prune;
  if (!isSame && !isOther) await writeAtomically(record, `${resolve(folder)}\n`);

  function objection({ total, isEmpty, now }: Round, going: number): string | undefined {
    if (going === 0 || isPruning) return undefined;
    if (isOther) return `this state folder belongs to the manifests in ${owner}, not to those in ${resolve(folder)}`;
    if (isEmpty) return `there is no object in ${resolve(folder)} any more`;
    while ((recent[0] ?? now) < now - WINDOW_MS) recent.shift();
    const gone = recent.length + going;
    const isMuch = gone > FEW && gone > SHARE * (total + recent.length);
    return isMuch ? `${gone} of ${total + recent.length} users are gone at once` : undefined;
  }

  function say(why: string, going: readonly string[]): void {
    if (saidLast === why) return;
    saidLast = why;
    const names = going.slice(0, NAMED_MAX).join(', ');
    const more = going.length > NAMED_MAX ? ` and ${going.length - NAMED_MAX} more` : '';
    const mend = isOther ? 'or use another state folder: --state DIR' : 'or bring the manifests back';
    log.error(
      { event: 'secret', secrets: going.length },
      `no Secret is deleted: ${why}. These would go: ${names}${more}. If that is meant, start once with --prune; ${mend}`,
    );
  }

  return {
    due: (round) => {
      const { unwanted, incomplete, now } = round;
      if (incomplete) {
        since.clear();
        return { due: [], nextLook: undefined };
      }
      const candidates = new Set(unwanted);
      for (const key of since.keys()) if (!candidates.has(key)) since.delete(key);
      for (const key of candidates) if (!since.has(key)) since.set(key, now);
      const why = objection(round, since.size);
      if (why !== undefined) {
        say(why, [...since.keys()]);
        return { due: [], nextLook: undefined };
      }
      saidLast = '';
      const due = [...since].filter(([, start]) => isPruning || now - start >= graceMs).map(([key]) => key);
      isPruning = false;
      for (const key of due) since.delete(key);
      recent.push(...due.map(() => now));
      const [oldest] = since.values();
      return { due, nextLook: oldest === undefined ? undefined : new Date(oldest + graceMs) };
    },
  };
}

async function readRecord(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}

/** By its name, which may be a symbolic link to a new checkout each time, or by what it is. */
async function isSameFolder(one: string, other: string): Promise<boolean> {
  if (one === resolve(other)) return true;
  const [a, b] = await Promise.all([one, other].map(async (path) => realpath(path).catch(() => undefined)));
  return a !== undefined && a === b;
}
