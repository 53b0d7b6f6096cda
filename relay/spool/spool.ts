/**
 * The spool: what was answered with 250 and has not reached every recipient. A message is on disk before `put`
 * resolves, and leaves it only when `settle` says so; everything between is decided by deliver.ts.
 *
 *   FOLDER/queue.mdb     records, and contents that fit into memory (store.ts)
 *   FOLDER/bodies/ID     larger contents (files.ts)
 *   FOLDER/incoming/     contents being received
 *   FOLDER/captured/     what guards of lists kept from their recipients, for people (captured.ts)
 *   FOLDER/quarantine/   what could not be read, for people
 *   FOLDER/reports/      reports that could not be delivered, for people (kept-reports.ts)
 *   FOLDER/handing-over/ transfers to other relays that have begun (transfers.ts)
 */
import path from 'node:path';
import type { Log } from '../observe/log.ts';
import type { AcceptedMessage, Content } from '../message.ts';
import { adoptedIn, adoptionKey, forgetOldAdoptions } from './adopted.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Reply } from '../replies.ts';
import {
  type CapturedLimits,
  capturedLimitsShare,
  type CapturedMessage,
  defaultCapturedLimits,
  openCaptured,
} from './captured.ts';
import { type Disk, makeFolder, nodeDisk } from './disk.ts';
import { openFiles } from './files.ts';
import { createSpoolIndex, type SpoolEntry } from './entries.ts';
import { type KeptReport, openKeptReports } from './kept-reports.ts';
import { createQuarantine, keepOrphans } from './quarantine.ts';
import { createFreshMessages } from './fresh.ts';
import { createReader } from './read.ts';
import { createRefusals } from './refusals.ts';
import { removeSpool } from './remove.ts';
import { createBacklog } from './backlog.ts';
import { messagesThatFit } from './messages-that-fit.ts';
import type { QueuedMessage } from './record.ts';
import { openDiskSpace } from './disk-space.ts';
import { openStore as openLmdbStore, type OpenStore, SETTLE_BYTES } from './store.ts';
import { createShares, type Fill } from './shares.ts';
import { openTransfers, type Transfers } from './transfers.ts';
import { steadyNow } from '../steady-time.ts';
import { createWriter, type PutListener, type Settlement } from './write.ts';

export interface Spool {
  /**
   * Resolves once the message is on disk. A file is taken over by renaming it. Throws where it could not be stored;
   * nothing may be acknowledged then.
   */
  put(message: AcceptedMessage, content: Content): Promise<void>;
  /** As `put`, of a message that another relay hands over as it is, in this transfer. */
  adopt(queued: QueuedMessage, content: Content, transfer: string): Promise<void>;
  /** Ids of the messages that were taken in a transfer, though they may be gone by now. */
  readonly takenIn: (transfer: string) => readonly string[];
  /** Nobody asks about the transfer any more. */
  readonly forget: (transfer: string) => Promise<void>;
  /** Messages on their way to other relays. */
  readonly transfers: Transfers;
  /** Keeps a copy for people; resolves once it is on disk. Rejects as `put` does where there is no room. */
  capture(message: CapturedMessage, content: Content): Promise<void>;
  /** Whether a message of this size fits without touching the reserve; false for good after a failed write. */
  hasRoom(bytes: number): boolean;
  /**
   * The reply to a message of this size for which there is no room, or none in the queue for this namespace.
   * @param namespace undefined: it is on the disk only while it comes in, and never in the queue.
   */
  readonly refusal: (bytes: number, namespace: string | undefined) => Reply | undefined;
  /** How full it is, and the namespaces that have filled more of their share than the bound says. */
  readonly fill: (bound: number) => Fill;
  /** Does a write of this many octets beside the queue, on its disk. */
  readonly useRoom: <T>(bytes: number, write: () => Promise<T>) => Promise<T>;
  /** This many octets more (or fewer) of messages that are coming in are on the disk: they count as their namespace's. */
  readonly incoming: (namespace: string, bytes: number) => void;
  /** Folder for contents being received, on the spool's file system. */
  readonly incomingFolder: string;
  /** How many messages lie in the spool, by list. */
  readonly queued: () => ReadonlyMap<string, number>;
  /** What lies in the spool, in the order in which it came here. */
  entries(): Iterable<SpoolEntry>;
  /** The one that has waited longest, wherever it came in first. */
  readonly oldest: () => SpoolEntry | undefined;
  /** That messages in it came by. */
  lists(): Iterable<string>;
  readonly entry: (id: string) => SpoolEntry | undefined;
  /** The record alone, as it is on disk. Undefined where it is gone, or broken. */
  readonly look: (id: string) => QueuedMessage | undefined;
  /** On disk, though memory may not have had room for it. */
  readonly has: (id: string) => boolean;
  /** How many messages there are, as far as memory knows of them; 0 only where there are none. */
  readonly size: () => number;
  /** Called with each message that `put`, `adopt` or `settle` brings in, after it is on disk. */
  onPut(listener: PutListener): void;
  /** Undefined where it is gone, or broken (then it is moved aside, and the log says so). */
  read(id: string): Promise<{ readonly queued: QueuedMessage; readonly content: Content } | undefined>;
  /** Replaces a message, or removes it where `next` is absent, and adds reports about it: all on disk, or nothing. */
  settle(id: string, outcome: Settlement): Promise<SpoolEntry | undefined>;
  /** Puts a report that cannot be delivered where people find it; resolves with its file. Throws where there is no room. */
  keepReport(report: KeptReport): Promise<string>;
  /** Nothing waits in it, neither in memory nor on disk. */
  readonly isEmpty: () => boolean;
  readonly close: () => Promise<void>;
  /** Closes a spool that is empty, and removes it but for what is there for people. */
  readonly discard: () => Promise<void>;
}

export interface SpoolOptions {
  readonly metrics: Metrics;
  readonly log: Log;
  /** Free disk space that is never used, in bytes: asked each time, so that it changes with the configuration. */
  readonly reserveBytes: () => number;
  /** Bounds of what `capture` keeps; default: those of a class that says nothing. */
  readonly capturedLimits?: () => CapturedLimits;
  /** How much a namespace may fill of the room that others leave to it; default: all. */
  readonly namespacePercent?: () => number;
  /** A write failed: what the disk holds is known only after opening it again. The process should end. */
  readonly onFatal?: (error: unknown) => void;
  /** Whether a list that messages came by is gone. Default: none is. */
  readonly isGone?: (list: string) => boolean;
  /** In place of the machine's disk, and of the database on it. */
  readonly disk?: Disk;
  readonly openStore?: OpenStore;
  /** Messages that memory has room for. Default: by the limit of this process. */
  readonly mostMessages?: number;
  /**
   * Processes with a spool on this disk: its room, and the limits of captured mail, are divided among them. Default:
   * this one.
   */
  readonly sharers?: number;
}

/** For the room within the file, and for what lmdb writes beside it. */
const ROOM_TO_START_MIB = Math.ceil((SETTLE_BYTES * 1.25) / 1024 / 1024);

/** How often the age of the oldest message is measured, and what is free. */
const MEASURE_MS = 1000;
const HOUR_MS = 3600 * 1000;

/** Throws where the folder cannot be used, or another process uses it. */
export async function openSpool(folder: string, options: SpoolOptions): Promise<Spool> {
  const { metrics, log, reserveBytes, capturedLimits = defaultCapturedLimits, onFatal = () => {} } = options;
  const { namespacePercent = () => 100, isGone = () => false, sharers = 1 } = options;
  const { disk = nodeDisk, openStore = openLmdbStore } = options;
  await makeFolder(disk, folder);
  await using started = new AsyncDisposableStack();
  started.defer(await disk.lock(folder));
  let isDiscarded = false;
  // before anybody else has the lock
  started.defer(async () => {
    if (isDiscarded) await removeSpool(folder);
  });
  const files = await openFiles(folder, disk);
  const quarantine = createQuarantine(folder, disk);
  const index = createSpoolIndex(metrics, options.mostMessages ?? messagesThatFit());
  const backlog = createBacklog(index);
  const store = await openStore(path.join(folder, 'queue.mdb'), backlog.addRecord);
  started.defer(() => store.close());
  if (store.isNew) await keepOrphans(files, quarantine, log);
  // a new database is only as safe as its entry in the folder
  await disk.syncFolder(folder);
  const fresh = createFreshMessages();
  const reader = createReader({ store, files, index, fresh, quarantine, log });
  await store.keepRoom().catch((cause: unknown) => {
    const problem = `the spool in ${folder} has no room to write down what is delivered, so nothing is`;
    throw new Error(`${problem}: free ${ROOM_TO_START_MIB} MiB of its volume, or enlarge it`, { cause });
  });
  const reusableBytes = async () => Math.max(0, (await store.freeBytes()) - SETTLE_BYTES);
  const room = await openDiskSpace(folder, { reserveBytes, reusableBytes, sharers });
  started.defer(() => room.close());
  const captured = await openCaptured(
    path.join(folder, 'captured'),
    () => capturedLimitsShare(capturedLimits(), sharers),
    disk,
  );
  const writer = createWriter({ store, files, index, fresh, room, metrics, log, onFatal });
  const parts = { store, files, reader, log, announce: writer.announce };
  await backlog.finish(parts);
  await forgetOldAdoptions(store, Date.now());
  const transfers = await openTransfers(folder, { disk, log });
  const reports = await openKeptReports(path.join(folder, 'reports'), { disk });
  const measure = () => {
    index.measureAge(steadyNow(), isGone);
    metrics.spoolFree.set(Math.max(0, room.free()));
  };
  measure();
  const timer = setInterval(measure, MEASURE_MS);
  timer.unref();
  started.defer(() => clearInterval(timer));
  const hourly = setInterval(() => {
    reports.expire().catch((error: unknown) => log.warn({ err: error }, 'old reports could not be removed'));
  }, HOUR_MS);
  hourly.unref();
  started.defer(() => clearInterval(hourly));
  const shares = createShares({
    index,
    freeBytes: room.free,
    reserveBytes: () => reserveBytes() / sharers,
    percent: namespacePercent,
  });
  const refusals = createRefusals({ room, index, shares, hasFailed: writer.hasFailed, isMore: backlog.isMore });
  const running = started.move();
  return {
    put: writer.put,
    adopt: (queued, content, transfer) => writer.adopt(queued, content, adoptionKey(transfer, queued.id)),
    takenIn: (transfer) => adoptedIn(store, transfer),
    forget: (transfer) => writer.forget(adoptedIn(store, transfer).map((id) => adoptionKey(transfer, id))),
    transfers,
    capture: async (message, content) => {
      if (!room.has(message.size)) throw Object.assign(new Error('no room for a captured copy'), { code: 'ENOSPC' });
      await room.use(message.size, () => captured.keep(message, content));
    },
    hasRoom: refusals.hasRoom,
    refusal: refusals.refusal,
    fill: (bound) => shares.fill(bound),
    useRoom: room.use,
    incoming: (namespace, bytes) => shares.incoming(namespace, bytes),
    incomingFolder: files.incoming,
    queued: index.queued,
    entries: index.entries,
    oldest: index.oldest,
    lists: index.lists,
    entry: index.get,
    look: (id) => reader.look(id),
    has: (id) => index.has(id) || store.record(id) !== undefined,
    size: () => Math.max(index.size(), backlog.isMore() ? 1 : 0),
    onPut: writer.onPut,
    read: (id) => reader.read(id),
    settle: async (id, outcome) => {
      const entry = await writer.settle(id, outcome);
      backlog.look(parts).catch((err: unknown) => log.error({ err }, 'messages of the spool could not be read'));
      return entry;
    },
    keepReport: async (report) => {
      if (!room.has(report.content.length)) throw new Error('no room on the disk of the spool');
      return reports.keep(report);
    },
    isEmpty: () => index.size() === 0 && !backlog.isMore(),
    close: () => running.disposeAsync(),
    discard: () => {
      isDiscarded = index.size() === 0 && !backlog.isMore();
      return running.disposeAsync();
    },
  };
}
