/**
 * What people do with messages that wait. A message is taken out of its queue first, so that nothing else touches it
 * meanwhile; what becomes of it is on disk before anybody is told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lanes } from './lanes.ts';
import type { Schedule } from './schedule.ts';
import type { Tasks } from './tasks.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { QueuedMessage } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';

/** `active`: it is being handed to the smart host now, or to another relay. `ready`: it waits for its turn. `waiting`: for the time of a retry. */
type QueueState = 'active' | 'held' | 'ready' | 'waiting';

/** `busy`: it was being handed on all the while. `same`: there was nothing to do. */
type Outcome = 'done' | 'same' | 'busy' | 'missing';

export interface QueueControl {
  readonly stateOf: (entry: SpoolEntry) => QueueState;
  /** When it is tried next, in milliseconds from now; undefined where that is no matter of time. */
  readonly dueIn: (entry: SpoolEntry) => number | undefined;
  /** Now, instead of at its time. */
  readonly retry: (ids: ReadonlySet<string>) => Promise<ReadonlyMap<string, Outcome>>;
  readonly hold: (ids: ReadonlySet<string>, by: string) => Promise<ReadonlyMap<string, Outcome>>;
  readonly release: (ids: ReadonlySet<string>) => Promise<ReadonlyMap<string, Outcome>>;
  /** For good, and without a report to its sender. */
  readonly drop: (ids: ReadonlySet<string>) => Promise<ReadonlyMap<string, Outcome>>;
}

interface Parts {
  readonly spool: Spool;
  readonly lanes: Pick<Lanes, 'inTurn'>;
  readonly later: Schedule<SpoolEntry>;
  readonly tasks: Tasks;
  /** Gives it back its time. */
  readonly keep: (entry: SpoolEntry) => void;
  readonly now: () => number;
  /** It may be another relay's by now, or be on its way there: nobody changes it here. */
  readonly isLocked: (id: string) => boolean;
  /** Default: ten seconds. */
  readonly busyMs?: number;
}

/** What to do with a message that is out of its queue; undefined: nothing, and it goes back. */
type Change = (entry: SpoolEntry) => (() => Promise<SpoolEntry | undefined>) | undefined;

/** A handover takes moments, or as long as a smart host hangs: people need not wait for that. */
const BUSY_MS = 10_000;
const LOOK_MS = 20;

function pause(milliseconds: number): Promise<void> {
  return sleep(milliseconds, undefined, { ref: false });
}

export function createQueueControl(parts: Parts): QueueControl {
  const { spool, lanes, later, tasks, keep, now, isLocked, busyMs = BUSY_MS } = parts;

  async function changeAll(ids: ReadonlySet<string>, change: Change): Promise<ReadonlyMap<string, Outcome>> {
    const taken = new Map(takeOut(ids).map((entry) => [entry.id, entry]));
    // before anything is waited for, each of those that were taken out is somebody's again
    const changed = [...ids].map(async (id) => [id, await changeOne(id, taken.get(id), change)] as const);
    return new Map(await Promise.all(changed));
  }

  function takeOut(ids: ReadonlySet<string>): readonly SpoolEntry[] {
    const isMeant = ({ id }: SpoolEntry): boolean => ids.has(id) && !isLocked(id);
    return [...later.takeWhere(isMeant), ...lanes.inTurn().flatMap(({ waiting }) => waiting.takeWhere(isMeant))];
  }

  async function changeOne(id: string, taken: SpoolEntry | undefined, change: Change): Promise<Outcome> {
    const deadline = performance.now() + busyMs;
    for (let entry = taken; ;) {
      const end = tasks.endOf(id);
      const known = spool.entry(id);
      if (known === undefined) return 'missing';
      if (end === undefined && !isLocked(id)) {
        const free = entry ?? (known.isHeld ? known : takeOut(new Set([id]))[0]);
        if (free !== undefined) return deal(free, change);
      }
      if (performance.now() > deadline) return 'busy';
      // between two queues for a moment, or under way
      await (end === undefined ? pause(LOOK_MS) : Promise.race([end, pause(deadline - performance.now())]));
      entry = undefined;
    }
  }

  /** As a task, which a shutdown waits for. */
  function deal(entry: SpoolEntry, change: Change): Promise<Outcome> {
    const work = change(entry);
    if (work === undefined) {
      if (!entry.isHeld) keep(entry);
      return Promise.resolve('same');
    }
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    tasks.run(entry, async () => {
      try {
        const next = await work();
        resolve('done');
        return next;
      } catch (error) {
        reject(error);
        throw error;
      }
    });
    return promise;
  }

  /** Resolves with the entry where it is to be scheduled. */
  async function rewrite(id: string, edit: (queued: QueuedMessage) => QueuedMessage): Promise<SpoolEntry | undefined> {
    const queued = spool.look(id);
    if (queued === undefined) throw new Error(`the record of ${id} cannot be read`);
    const entry = await spool.settle(id, { next: edit(queued), reports: [] });
    return entry?.isHeld === true ? undefined : entry;
  }

  function stateOf(entry: SpoolEntry): QueueState {
    if (entry.isHeld) return 'held';
    if (tasks.endOf(entry.id) !== undefined || isLocked(entry.id)) return 'active';
    return entry.due > now() ? 'waiting' : 'ready';
  }

  return {
    stateOf,
    dueIn: (entry) => (stateOf(entry) === 'waiting' ? entry.due - now() : undefined),
    retry: (ids) => changeAll(ids, (entry) => (entry.isHeld ? undefined : async () => entry.dueAt(now()))),
    hold: (ids, by) =>
      changeAll(ids, (entry) => {
        const held = { by, since: new Date().toISOString() };
        return entry.isHeld ? undefined : () => rewrite(entry.id, (queued) => ({ ...queued, isHeld: true, held }));
      }),
    release: (ids) =>
      changeAll(ids, (entry) =>
        entry.isHeld ? () => rewrite(entry.id, (queued) => ({ ...withoutHold(queued), due: now() })) : undefined,
      ),
    drop: (ids) =>
      changeAll(
        ids,
        ({ id }) =>
          () =>
            spool.settle(id, { reports: [] }),
      ),
  };
}

function withoutHold({ isHeld: _isHeld, held: _held, ...queued }: QueuedMessage): QueuedMessage {
  return queued;
}
