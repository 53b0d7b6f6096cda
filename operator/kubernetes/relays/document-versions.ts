/**
 * The versions of one document of the relays' configuration: which entries wait for which version, and which version
 * all ready pods run. A pod reports the hash of its version. A later version contains whatever an earlier one was to
 * bring, so that nobody's entry has to wait for the changes of others.
 */

export interface DocumentVersions {
  /** Entries have changed: they are in the next version. */
  readonly change: (entries: Iterable<string>) => void;
  /** A version is being written. Returns the time of the first change in it, by `performance.now()`. */
  readonly begin: (hash: string) => number;
  /** It was written, without the entries that it had no room for. Returns those that got in, or dropped out, this time. */
  readonly succeed: (leftOut: readonly string[]) => readonly string[];
  readonly fail: (why: string) => void;
  /** The document is not to be any more. */
  readonly drop: () => void;
  /** What ready pods run, by hash (undefined: one did not say). Returns the waiting entries that all of them run now. */
  readonly run: (hashes: readonly unknown[]) => readonly string[];
  /** Whether a pod that runs the version with this hash runs the entry as it is now. */
  readonly runs: (hash: unknown, entry: string) => boolean;
  /** Whether an entry (any, where none is named) waits for pods to run it as it is now. */
  readonly isAwaited: (entry?: string) => boolean;
  /** When the change was made that has waited longest, by `performance.now()`; undefined: none waits. */
  readonly awaitedSince: () => number | undefined;
  /** One of the entries that wait. */
  readonly someAwaited: () => string | undefined;
  readonly isLeftOut: (entry: string) => boolean;
  /** Whether something is not written yet. */
  readonly isDirty: () => boolean;
  readonly trouble: () => string | undefined;
  /** Hash of what was written last. */
  readonly written: () => string | undefined;
  /** Hash of what is being written, or was written last. */
  readonly latest: () => string | undefined;
  /** When a write last began, by `performance.now()`. */
  readonly writtenAt: () => number;
}

/** Versions by hash that are remembered; a pod that runs an older one lags, whichever it is. */
const REMEMBERED_MAX = 200;

export function createDocumentVersions(): DocumentVersions {
  const numbers = new Map<string, number>();
  /** The first version that has an entry as it is now. */
  const awaited = new Map<string, number>();
  /** When the first change of each version that is remembered was made. */
  const changeTimes = new Map<number, number>();
  let latest = 0;
  let leftOut: ReadonlySet<string> = new Set();
  let changedAt: number | undefined;
  let writtenAt = -Infinity;
  let writing: string | undefined;
  let written: string | undefined;
  let trouble: string | undefined;

  const numberOf = (hash: unknown): number => (typeof hash === 'string' ? (numbers.get(hash) ?? 0) : 0);

  return {
    change: (entries) => {
      changedAt ??= performance.now();
      for (const entry of entries) awaited.set(entry, latest + 1);
    },
    begin: (hash) => {
      const since = changedAt ?? performance.now();
      changedAt = undefined;
      writtenAt = performance.now();
      writing = hash;
      latest += 1;
      changeTimes.set(latest, since);
      changeTimes.delete(latest - REMEMBERED_MAX);
      // a document that is again what it was: pods that run it run this version
      numbers.delete(hash);
      numbers.set(hash, latest);
      const [oldest] = numbers.keys();
      if (numbers.size > REMEMBERED_MAX && oldest !== undefined) numbers.delete(oldest);
      return since;
    },
    succeed: (keys) => {
      trouble = undefined;
      written = writing;
      const before = leftOut;
      leftOut = new Set(keys);
      return [...keys.filter((key) => !before.has(key)), ...[...before].filter((key) => !leftOut.has(key))];
    },
    fail: (why) => {
      trouble = why;
      changedAt ??= performance.now();
    },
    drop: () => {
      changedAt = undefined;
      awaited.clear();
    },
    run: (hashes) => {
      if (hashes.length === 0 || awaited.size === 0) return [];
      const running = Math.min(...hashes.map(numberOf));
      const done = [...awaited].filter(([, version]) => version <= running).map(([entry]) => entry);
      for (const entry of done) awaited.delete(entry);
      return done;
    },
    runs: (hash, entry) => (awaited.get(entry) ?? 0) <= numberOf(hash),
    isAwaited: (entry) => (entry === undefined ? awaited.size > 0 : awaited.has(entry)),
    awaitedSince: () => {
      if (awaited.size === 0) return undefined;
      const version = [...awaited.values()].reduce((a, b) => Math.min(a, b));
      const [oldest] = changeTimes.values();
      return changeTimes.get(version) ?? (version > latest ? changedAt : oldest);
    },
    someAwaited: () => awaited.keys().next().value,
    isLeftOut: (entry) => leftOut.has(entry),
    isDirty: () => changedAt !== undefined,
    trouble: () => trouble,
    written: () => written,
    latest: () => writing,
    writtenAt: () => writtenAt,
  };
}
