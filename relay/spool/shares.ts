/**
 * How much of the spool a namespace may fill: a fixed part of the room that the others leave to it. One alone may fill
 * that part of the whole, a second one that part of the rest, and there is always something left for one more.
 */
import type { SpoolIndex, SpoolAmount } from './entries.ts';

/** From 0 to 1. */
export interface Fill {
  readonly spool: number;
  /** How full the shares of namespaces are, the fullest first. */
  readonly namespaces: readonly { readonly namespace: string; readonly fill: number }[];
}

export interface Shares {
  /** Whether a message of this size fits into the share of the namespace. */
  fits(bytes: number, namespace: string): boolean;
  /** This many octets more, or fewer, of messages that are coming in are on the disk. */
  incoming(namespace: string, bytes: number): void;
  /** Namespaces whose fill is above a bound, a few at most. */
  fill(bound: number): Fill;
}

interface SharesOptions {
  readonly index: SpoolIndex;
  /** Above the reserve. */
  readonly freeBytes: () => number;
  readonly reserveBytes: () => number;
  readonly percent: () => number;
}

/** In logs and answers. */
const TOLD_MAX = 20;

export function createShares({ index, freeBytes, reserveBytes, percent }: SharesOptions): Shares {
  const comingIn = new Map<string, number>();
  const free = (): SpoolAmount => ({
    bytes: Math.max(0, freeBytes()),
    messages: Math.max(0, index.most - index.size()),
  });

  function fillOf(held: SpoolAmount, room: SpoolAmount): number {
    const part = percent() / 100;
    const of = (own: number, left: number) => (own === 0 ? 0 : own / (part * (own + left)));
    return Math.max(of(held.bytes, room.bytes), of(held.messages, room.messages));
  }

  function fillOfSpool(all: SpoolAmount, room: SpoolAmount): number {
    const of = (own: number, left: number) => own / Math.max(1, own + left);
    // where others fill the disk as well, our part of it says little
    const isNearReserve = room.bytes < reserveBytes();
    return Math.max(isNearReserve ? 0.9 : 0, of(all.bytes, room.bytes), of(all.messages, room.messages));
  }

  return {
    fits: (bytes, namespace) => {
      if (percent() >= 100) return true;
      const { bytes: queued, messages } = index.usageOf(namespace);
      const held = queued + (comingIn.get(namespace) ?? 0);
      const room = free();
      const after = { bytes: held + bytes, messages: messages + 1 };
      return fillOf(after, { bytes: room.bytes - bytes, messages: room.messages - 1 }) <= 1;
    },
    incoming: (namespace, bytes) => {
      const left = (comingIn.get(namespace) ?? 0) + bytes;
      if (left > 0) comingIn.set(namespace, left);
      else comingIn.delete(namespace);
    },
    fill: (bound) => {
      const room = free();
      const all = [...index.usages()].map(([namespace, usage]) => ({ namespace, fill: fillOf(usage, room) }));
      const full = all.filter(({ fill }) => percent() < 100 && fill > bound).sort((a, b) => b.fill - a.fill);
      return { spool: fillOfSpool(index.usage(), room), namespaces: full.slice(0, TOLD_MAX) };
    },
  };
}
