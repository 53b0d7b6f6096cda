/** Whether the disk has room, asked for every message and therefore answered from memory. */
import { statfs } from 'node:fs/promises';
import { shareRuns } from '../share-runs.ts';

export interface SpoolRoom {
  has(bytes: number): boolean;
  /** Counts what was promised or freed since the disk was last asked. */
  use(bytes: number): void;
  refresh(): Promise<void>;
  close(): void;
}

/** At 1 GB/s of incoming mail the answer would be wrong by the size of one reserve and no more. */
const REFRESH_MS = 250;

export async function openRoom(
  folder: string,
  { reserveBytes, reusableBytes }: { reserveBytes: () => number; reusableBytes: () => Promise<number> },
): Promise<SpoolRoom> {
  let freeBytes = 0;
  let usedSince = 0;
  // one at a time: two that overlap would both take off what was used before
  const refresh = shareRuns(async () => {
    const usedBefore = usedSince;
    const [disk, reusable] = [await statfs(folder), await reusableBytes()];
    freeBytes = disk.bavail * disk.bsize + reusable;
    // what was used while the disk was asked may not be in its answer
    usedSince -= usedBefore;
  });
  await refresh();
  const timer = setInterval(() => {
    // a disk that cannot even be asked has no room
    refresh().catch(() => (freeBytes = 0));
  }, REFRESH_MS);
  timer.unref();
  return {
    has: (bytes) => freeBytes - usedSince - bytes >= reserveBytes(),
    use: (bytes) => {
      usedSince += bytes;
    },
    refresh,
    close: () => clearInterval(timer),
  };
}
