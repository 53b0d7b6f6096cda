/**
 * What is in the spool, in memory: enough to schedule it and to count it. A million messages are to fit into 200 MB, so
 * an entry is small: whole milliseconds since the process began take no memory of their own, and names are shared.
 */
import type { Metrics } from '../observe/metrics.ts';
import type { EntryFields } from './record.ts';

/** Whose mail it is, and by way of which list. */
export interface Sender {
  readonly namespace: string;
  readonly user: string;
  readonly list: string;
}

const IS_FILE = 1;
const DELAY_NOTICE_SENT = 2;
const IS_HELD = 4;
/** In the middle of what a small integer reaches: 24 days to both sides. */
const ORIGIN = Math.floor(performance.timeOrigin);

export class SpoolEntry {
  readonly id: string;
  readonly sender: Sender;
  readonly size: number;
  readonly #flags: number;
  readonly #received: number;
  readonly #due: number;

  constructor(id: string, sender: Sender, fields: EntryFields) {
    const { size, isFile, isHeld, delayNoticeSent, receivedMs, due } = fields;
    this.id = id;
    this.sender = sender;
    this.size = size;
    this.#flags = (isFile ? IS_FILE : 0) | (delayNoticeSent ? DELAY_NOTICE_SENT : 0) | (isHeld ? IS_HELD : 0);
    this.#received = Math.round(receivedMs) - ORIGIN;
    this.#due = Math.round(due) - ORIGIN;
  }

  get isFile(): boolean {
    return (this.#flags & IS_FILE) !== 0;
  }

  get delayNoticeSent(): boolean {
    return (this.#flags & DELAY_NOTICE_SENT) !== 0;
  }

  /** It is in no lane and has no time: only people move it on. */
  get isHeld(): boolean {
    return (this.#flags & IS_HELD) !== 0;
  }

  get list(): string {
    return this.sender.list;
  }

  /** In steady time, as is `due`. */
  get received(): number {
    return this.#received + ORIGIN;
  }

  get due(): number {
    return this.#due + ORIGIN;
  }

  /** The same message at another time. */
  dueAt(due: number): SpoolEntry {
    const { id, sender, received: receivedMs, size, isFile, delayNoticeSent } = this;
    const held = this.isHeld ? { isHeld: true as const } : {};
    return new SpoolEntry(id, sender, { ...sender, size, isFile, delayNoticeSent, receivedMs, due, ...held });
  }
}

export type SpoolIndex = ReturnType<typeof createSpoolIndex>;

export interface SpoolAmount {
  readonly messages: number;
  readonly bytes: number;
}

const NOTHING: SpoolAmount = { messages: 0, bytes: 0 };
/** Of two that come in at once, the younger one may be on disk first. */
const AT_ONCE_MS = 10_000;

/** @param most messages that memory has room for. */
export function createSpoolIndex(metrics: Metrics, most: number) {
  // insertion order is the order of arrival: the first is the oldest, but for those in `late`
  const entries = new Map<string, SpoolEntry>();
  /** Those that have come after younger ones, as what another relay hands over does: all of them are looked at for the oldest. */
  const late = new Map<string, SpoolEntry>();
  let youngest = -Infinity;
  const senders = createSenders();
  const byNamespace = new Map<string, { messages: number; bytes: number }>();
  const byList = new Map<string, number>();
  let bytes = 0;

  function count({ size, sender: { namespace, list } }: SpoolEntry, sign: 1 | -1): void {
    bytes += sign * size;
    const usage = byNamespace.get(namespace) ?? { messages: 0, bytes: 0 };
    usage.messages += sign;
    usage.bytes += sign * size;
    if (usage.messages > 0) byNamespace.set(namespace, usage);
    else byNamespace.delete(namespace);
    const ofList = (byList.get(list) ?? 0) + sign;
    if (ofList > 0) byList.set(list, ofList);
    else byList.delete(list);
  }

  function measure(): void {
    metrics.spoolMessages.set(entries.size);
    metrics.spoolBytes.set(bytes);
  }

  function oldest(holds: (entry: SpoolEntry) => boolean = () => true): SpoolEntry | undefined {
    let found: SpoolEntry | undefined;
    for (const entry of entries.values()) {
      if (!holds(entry)) continue;
      found = entry;
      break;
    }
    for (const entry of late.values()) {
      if (found !== undefined && entry.received < found.received && holds(entry)) found = entry;
    }
    return found;
  }

  function add(id: string, fields: EntryFields): SpoolEntry {
    const entry = new SpoolEntry(id, senders.of(fields), fields);
    const isNew = !entries.has(id);
    entries.set(id, entry);
    count(entry, 1);
    if (isNew ? entry.received < youngest - AT_ONCE_MS : late.has(id)) late.set(id, entry);
    youngest = Math.max(youngest, entry.received);
    return entry;
  }

  return {
    /** For an entry that is not there yet; `measure` is to follow. */
    add,
    measure,
    set: (id: string, fields: EntryFields): SpoolEntry => {
      const before = entries.get(id);
      if (before !== undefined) count(before, -1);
      const entry = add(id, fields);
      measure();
      return entry;
    },
    remove: (id: string): SpoolEntry | undefined => {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      entries.delete(id);
      late.delete(id);
      count(entry, -1);
      measure();
      return entry;
    },
    has: (id: string) => entries.has(id),
    size: () => entries.size,
    usage: (): SpoolAmount => ({ messages: entries.size, bytes }),
    usageOf: (namespace: string): SpoolAmount => byNamespace.get(namespace) ?? NOTHING,
    /** By namespace, of those that have some. */
    usages: (): ReadonlyMap<string, SpoolAmount> => byNamespace,
    /** Those that messages came by. */
    lists: () => byList.keys(),
    /** How many messages wait, by list. */
    queued: (): ReadonlyMap<string, number> => byList,
    most,
    get: (id: string) => entries.get(id),
    hasRoom: () => entries.size < most,
    entries: () => entries.values(),
    /** The one that has waited longest. */
    oldest: () => oldest(),
    /** Mail of lists that are gone waits for people, and says nothing of how mail leaves: it is counted apart. */
    measureAge: (now: number, isGone: (list: string) => boolean): void => {
      const gone = new Set([...byList.keys()].filter(isGone));
      const orphans = [...gone].reduce((sum, list) => sum + (byList.get(list) ?? 0), 0);
      const ageOf = (entry: SpoolEntry | undefined) =>
        entry === undefined ? 0 : Math.max(0, now - entry.received) / 1000;
      metrics.spoolOldest.set(ageOf(orphans < entries.size ? oldest(({ list }) => !gone.has(list)) : undefined));
      metrics.spoolOrphans.set(orphans);
      metrics.spoolOrphansOldest.set(ageOf(orphans > 0 ? oldest(({ list }) => gone.has(list)) : undefined));
    },
  };
}

/** The same object for the same names, however many messages bear them. */
function createSenders() {
  const known = new Map<string, Sender>();
  return {
    of: ({ namespace, user, list }: Sender): Sender => {
      const last = known.get(user);
      // a user has one list at a time, and seldom another
      if (last !== undefined && last.list === list && last.namespace === namespace) return last;
      const sender = { namespace, user, list };
      known.set(user, sender);
      return sender;
    },
  };
}
