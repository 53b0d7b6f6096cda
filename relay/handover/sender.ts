/**
 * Hands what lies in a spool to other relays of the fleet, each message exactly once, whoever is killed when:
 *
 *   a transfer is on disk here -> each of its messages is on disk there, with the transfer's id -> each of these is gone from
 *   the disk here -> the transfer is closed here, and forgotten there
 *
 * While it is open, its messages are offered to nobody else, and delivered by nobody here. How a transfer ended that was
 * broken off, the other relay is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import type { Spool } from '../spool/spool.ts';
import type { Transfer } from '../spool/transfers.ts';
import { OFFERS_AT_ONCE, type Peer, type OfferOutcome } from './peers.ts';

type HandOverSpool = Pick<Spool, 'entries' | 'read' | 'settle' | 'transfers' | 'has'>;

export interface HandOverOptions {
  readonly spool: HandOverSpool;
  /** Those that answer now. */
  readonly peers: () => Promise<readonly Peer[]>;
  /** There is no time left to begin with anything more. */
  readonly isLate: () => boolean;
  readonly log: Log;
  readonly onHandedOver: (messages: number) => void;
}

/** Messages of one transfer. */
const TRANSFER_MAX = 256;
/** The size of a fleet changes an instant before its relays are stopped, and its peers may hear of it a little later. */
const UNWILLING_MS = 4000;
const AGAIN_MS = 250;

/** Ends when nothing is left, when nobody takes more, or when the time is over. */
export async function handOver(options: HandOverOptions): Promise<void> {
  const { spool, isLate } = options;
  for (;;) {
    for (const transfer of spool.transfers.all()) await concludeTransfer(transfer, options);
    if (nextOf(spool, new Set()).length > 0) await offerToPeers(options);
    // what is unknown of a relay that was killed is known when it is back
    if (spool.transfers.all().length === 0 || isLate()) return;
    await sleep(AGAIN_MS);
  }
}

async function offerToPeers(options: HandOverOptions): Promise<void> {
  const { willing, why } = await findWilling(options);
  if (willing.length === 0) options.log.info({ event: 'handover', why }, 'mail stays here: no other relay takes it');
  for (const peer of willing) {
    const refused = new Set<string>();
    for (let isTaking = true; isTaking && !options.isLate();) {
      const ids = nextOf(options.spool, refused);
      isTaking = ids.length > 0 && (await transferTo(peer, ids, { ...options, refused }));
    }
    peer.close();
  }
}

async function findWilling({ peers, isLate }: HandOverOptions): Promise<{ willing: readonly Peer[]; why: string }> {
  const deadline = performance.now() + UNWILLING_MS;
  for (;;) {
    const all = await peers();
    const willing = all.filter(({ takes }) => takes);
    const others = all.filter(({ takes }) => !takes);
    for (const peer of others) peer.close();
    if (willing.length > 0) return { willing: shuffled(willing), why: '' };
    if (isLate() || performance.now() > deadline) return { willing, why: others[0]?.why ?? 'none answers' };
    await sleep(AGAIN_MS);
  }
}

/** Relays that go at the same time are not to choose the same one. */
function shuffled(peers: readonly Peer[]): readonly Peer[] {
  const places = peers.map((peer) => ({ peer, place: Math.random() }));
  return places.sort((a, b) => a.place - b.place).map(({ peer }) => peer);
}

/** The oldest messages that no open transfer has. */
function nextOf(spool: HandOverSpool, refused: ReadonlySet<string>): readonly string[] {
  const offered = new Set(spool.transfers.all().flatMap(({ messages }) => messages));
  const ids: string[] = [];
  for (const { id } of spool.entries()) {
    if (offered.has(id) || refused.has(id)) continue;
    ids.push(id);
    if (ids.length === TRANSFER_MAX) break;
  }
  return ids;
}

/** Whether the peer takes more. */
async function transferTo(
  peer: Peer,
  ids: readonly string[],
  options: HandOverOptions & { readonly refused: Set<string> },
): Promise<boolean> {
  const { spool, refused } = options;
  const transfer = await spool.transfers.open(peer.name, ids);
  const answers = await offerAll(peer, transfer, options);
  const isSure = ![...answers.values()].includes('unknown');
  for (const [id, answer] of answers) if (answer === 'refused') refused.add(id);
  const taken = [...answers].filter(([, answer]) => answer === 'taken').map(([id]) => id);
  if (isSure) await concluded(transfer, { peer, taken }, options);
  else await concludeTransfer(transfer, options);
  return isSure && ![...answers.values()].includes('busy');
}

async function offerAll(
  peer: Peer,
  { id: transfer, messages }: Transfer,
  { spool, isLate }: HandOverOptions,
): Promise<ReadonlyMap<string, OfferOutcome>> {
  const answers = new Map<string, OfferOutcome>();
  const waiting = messages.values();
  let isOver = false;
  await Promise.all(
    Array.from({ length: OFFERS_AT_ONCE }, async () => {
      for (const id of waiting) {
        if (isOver || isLate()) return;
        const found = await spool.read(id);
        if (found === undefined) continue;
        const answer = await peer.put(transfer, found.queued, found.content);
        answers.set(id, answer);
        if (answer === 'busy' || answer === 'unknown') isOver = true;
      }
    }),
  );
  return answers;
}

/** Asks the other relay what it has taken. False where it cannot be asked. */
export async function concludeTransfer(transfer: Transfer, options: HandOverOptions): Promise<boolean> {
  const { spool, peers } = options;
  // it was all handed over, and only not written down yet
  if (!transfer.messages.some(spool.has)) return concluded(transfer, { taken: [] }, options);
  const all = await peers();
  try {
    const peer = all.find(({ name }) => name === transfer.peer);
    const taken = await peer?.takenIn(transfer.id);
    return taken !== undefined && (await concluded(transfer, { peer, taken }, options));
  } catch {
    return false;
  } finally {
    for (const peer of all) peer.close();
  }
}

async function concluded(
  transfer: Transfer,
  { peer, taken }: { readonly peer?: Peer | undefined; readonly taken: readonly string[] },
  { spool, log, onHandedOver }: HandOverOptions,
): Promise<true> {
  await Promise.all(taken.map((id) => spool.settle(id, { reports: [] })));
  await spool.transfers.close(transfer);
  // without this it remembers them for some weeks
  await peer?.forget(transfer.id).catch(() => undefined);
  if (taken.length === 0) return true;
  onHandedOver(taken.length);
  log.info({ event: 'handover', peer: transfer.peer, messages: taken.length }, 'messages handed over to another relay');
  return true;
}
