/** Whether the disk has room, asked for every message and therefore answered from memory. */
import { statfs } from 'node:fs/promises';
import { shareRuns } from '../share-runs.ts';

export interface SpaceAccount {
  readonly has: (bytes: number) => boolean;
  /** Above the reserve. */
  readonly free: () => number;
  /**
   * Does a write of this many octets. They count from its start and until the disk has been asked after its end: however
   * many messages come in at once, they must not reach into the reserve.
   */
  readonly use: <T>(bytes: number, write: () => Promise<T>) => Promise<T>;
  /** `ask` resolves with the free octets of the disk. */
  readonly measure: (ask: () => Promise<number>) => Promise<void>;
}

export interface DiskSpace extends Pick<SpaceAccount, 'has' | 'free' | 'use'> {
  close(): void;
}

/** At 1 GB/s of incoming mail the answer would be wrong by the size of one reserve and no more. */
const REFRESH_MS = 250;

export function createSpaceAccount({ reserveBytes }: { readonly reserveBytes: () => number }): SpaceAccount {
  let freeBytes = 0;
  let beingWritten = 0;
  let writtenSince = 0;
  const free = () => freeBytes - beingWritten - writtenSince - reserveBytes();
  return {
    free,
    has: (bytes) => free() - bytes >= 0,
    async use(bytes, write) {
      beingWritten += bytes;
      try {
        return await write();
      } finally {
        beingWritten -= bytes;
        writtenSince += bytes;
      }
    },
    async measure(ask) {
      // what is written while the disk is asked may not be in its answer
      const before = writtenSince;
      freeBytes = await ask();
      writtenSince -= before;
    },
  };
}

export interface RoomOptions {
  readonly reserveBytes: () => number;
  /** Beside what is free on the disk: within the spool's own files. */
  readonly reusableBytes: () => Promise<number>;
  /** Processes with a spool on this disk. What is free is divided among them, so that together they keep the reserve. */
  readonly sharers?: number;
}

export async function openDiskSpace(
  folder: string,
  { reserveBytes, reusableBytes, sharers = 1 }: RoomOptions,
): Promise<DiskSpace> {
  const account = createSpaceAccount({ reserveBytes: () => reserveBytes() / sharers });
  const ask = async () => {
    const [disk, reusable] = [await statfs(folder), await reusableBytes()];
    return Math.floor((disk.bavail * disk.bsize) / sharers) + reusable;
  };
  // one at a time: two that overlap would both take off what was written before
  const refresh = shareRuns(() => account.measure(ask));
  await refresh();
  const timer = setInterval(() => {
    // a disk that cannot even be asked has no room
    refresh().catch(() => account.measure(() => Promise.resolve(0)));
  }, REFRESH_MS);
  timer.unref();
  return { has: account.has, free: account.free, use: account.use, close: () => clearInterval(timer) };
}
