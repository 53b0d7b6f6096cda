/** The hand-over of one spool: what it takes from other relays, what it gives them, and what it is not sure of. */
import type { RelayConfig } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { Spool } from '../spool/spool.ts';
import type { Transfer } from '../spool/transfers.ts';
import { concludeTransfer, handOver, type HandOverOptions } from './sender.ts';
import { findPeers, type PeerAddress } from './peers.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/** Where a relay stands in its fleet. */
export interface PlaceInFleet {
  readonly name: string;
  readonly peers: readonly PeerAddress[];
  /** Where it takes mail of other relays. Absent: it takes none. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
}

/** Called with a message that is still to be delivered. */
type Resume = (entry: SpoolEntry) => void;

export interface Handover {
  /** Messages that another relay may have taken. */
  readonly isWithheld: (id: string) => boolean;
  /** Takes mail of other relays, and finds out about what is withheld. */
  readonly start: (resume: Resume) => Promise<void>;
  /** Undefined where it takes no mail of other relays. */
  readonly port: () => number | undefined;
  /** Takes nothing more from other relays. */
  readonly stopTaking: () => Promise<void>;
  /** Gives away what lies in the spool, which nobody else may touch any more. */
  readonly run: (budgetMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface HandoverOptions {
  /** Absent: the relay is alone. */
  readonly fleet: PlaceInFleet | undefined;
  readonly spool: Spool;
  readonly config: () => RelayConfig | undefined;
  readonly metrics: Pick<Metrics, 'handedOver' | 'takenOver' | 'handoverUnsure'>;
  readonly log: Log;
  /** In place of UNSURE_MS. */
  readonly unsureMs?: number;
}

/** What is being written when the time is over comes to an end in this part of it, or is asked about later. */
const GRACE_MS = 2000;
const ASK_MS = 1000;
/** How long a relay that may have taken messages is waited for. Then they go out, perhaps for the second time. */
const UNSURE_MS = 3600 * 1000;
/** A relay that drains a spool begins anew in each round: in a longer pause than between those nobody was asked. */
const PAUSE_MS = 15 * 60 * 1000;

export function createHandover(options: HandoverOptions): Handover {
  const { fleet, spool, config, metrics, log, unsureMs = UNSURE_MS } = options;
  const withheld = new Set(spool.transfers.all().flatMap(({ messages }) => messages));
  /** When the first question about a transfer was that nobody answered. */
  const silentSince = new Map<string, number>();
  const closing = new AbortController();
  let receiver: Receiver | undefined;
  let asking = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function peers(signal: AbortSignal) {
    const key = config()?.class.handover?.key;
    if (fleet === undefined || key === undefined) return [];
    return findPeers(fleet.peers, { key, name: fleet.name, signal });
  }

  const terms = (signal: AbortSignal, isLate: () => boolean): HandOverOptions => ({
    spool,
    peers: () => peers(signal),
    isLate,
    log,
    onHandedOver: (messages) => metrics.handedOver.inc(messages),
  });

  /** Whatever is wrong with one look, there is another one. */
  async function ask(resume: Resume): Promise<void> {
    for (const transfer of spool.transfers.all()) {
      if (closing.signal.aborted) return;
      const isKnown = await concludeTransfer(
        transfer,
        terms(closing.signal, () => closing.signal.aborted),
      );
      // broken off: that is no answer, nor the lack of one
      if (closing.signal.aborted || !(isKnown || (await giveUp(transfer)))) continue;
      silentSince.delete(transfer.id);
      for (const id of transfer.messages) {
        const entry = spool.entry(id);
        if (withheld.delete(id) && entry !== undefined) resume(entry);
      }
    }
  }

  /** Since this transfer was begun, its relay may have been there all the time, and this one was not. */
  function sinceOf({ id, silence }: Transfer): number {
    const now = Date.now();
    const isRecent = silence !== undefined && now - Date.parse(silence.until) <= PAUSE_MS;
    const since = silentSince.get(id) ?? (isRecent ? Date.parse(silence.since) : now);
    silentSince.set(id, since);
    return since;
  }

  /** For the next round, or the next process. */
  async function noteSilence(transfer: Transfer): Promise<void> {
    const since = new Date(sinceOf(transfer)).toISOString();
    await spool.transfers.noteSilence(transfer, { since, until: new Date().toISOString() });
  }

  /** False while it is too early for that. */
  async function giveUp(transfer: Transfer): Promise<boolean> {
    if (fleet !== undefined && Date.now() - sinceOf(transfer) <= unsureMs) return false;
    const messages = transfer.messages.filter(spool.has).length;
    metrics.handoverUnsure.inc(messages);
    log.warn(
      { event: 'handover', peer: transfer.peer, messages },
      'the relay that may have taken these messages does not answer: they are delivered, perhaps for the second time',
    );
    await spool.transfers.close(transfer);
    return true;
  }

  async function askUntilKnown(resume: Resume): Promise<void> {
    await ask(resume).catch((err: unknown) => {
      log.error({ event: 'handover', err }, 'what became of messages that went to another relay cannot be found out');
    });
    if (closing.signal.aborted || spool.transfers.all().length === 0) return;
    timer = setTimeout(() => {
      asking = askUntilKnown(resume);
    }, ASK_MS);
  }

  async function stopTaking(): Promise<void> {
    const running = receiver;
    receiver = undefined;
    await running?.close();
  }

  async function stopAsking(): Promise<void> {
    closing.abort();
    clearTimeout(timer);
    await asking;
  }

  return {
    isWithheld: (id) => withheld.has(id),
    port: () => receiver?.port,
    start: async (resume) => {
      if (fleet?.port !== undefined) {
        const { host, port, name } = fleet;
        receiver = await startReceiver({ host, port, name, config, spool, metrics, log });
      }
      if (withheld.size > 0) asking = askUntilKnown(resume);
    },
    stopTaking,
    run: async (budgetMs) => {
      await stopAsking();
      if (fleet === undefined || spool.isEmpty()) return;
      const over = AbortSignal.timeout(Math.max(1, Math.floor(budgetMs)));
      const lateAt = performance.now() + budgetMs - Math.min(GRACE_MS, budgetMs / 2);
      await handOver(terms(over, () => performance.now() >= lateAt));
      for (const transfer of spool.transfers.all()) if (!(await giveUp(transfer))) await noteSilence(transfer);
    },
    close: async () => {
      await stopAsking();
      await stopTaking();
    },
  };
}
