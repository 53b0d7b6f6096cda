/** Why the spool has no room for a message: the reply to its client. */
import { replies, type Reply } from '../replies.ts';
import type { DiskSpace } from './disk-space.ts';
import type { SpoolIndex } from './entries.ts';
import type { Shares } from './shares.ts';

export interface RefusalOptions {
  readonly room: Pick<DiskSpace, 'has'>;
  readonly index: Pick<SpoolIndex, 'hasRoom'>;
  readonly shares: Pick<Shares, 'fits'>;
  /** A write has failed: what the disk holds is known only after opening it again. */
  readonly hasFailed: () => boolean;
  /** There is mail on disk that memory has had no room for yet. */
  readonly isMore: () => boolean;
}

export function createRefusals({ room, index, shares, hasFailed, isMore }: RefusalOptions) {
  const refusalByDisk = (bytes: number): Reply | undefined => {
    if (hasFailed()) return replies.diskFailed();
    return room.has(bytes) ? undefined : replies.diskFull();
  };
  const refusalByQueue = (): Reply | undefined => (!index.hasRoom() || isMore() ? replies.queueFull() : undefined);
  const refusalByShare = (bytes: number, namespace: string): Reply | undefined =>
    shares.fits(bytes, namespace) ? undefined : replies.shareFull(namespace);
  const refusalByAll = (bytes: number): Reply | undefined => refusalByDisk(bytes) ?? refusalByQueue();
  return {
    hasRoom: (bytes: number): boolean => refusalByAll(bytes) === undefined,
    /** @param namespace undefined: the message is on the disk only while it comes in, and never in the queue. */
    refusal: (bytes: number, namespace: string | undefined): Reply | undefined =>
      namespace === undefined ? refusalByDisk(bytes) : (refusalByAll(bytes) ?? refusalByShare(bytes, namespace)),
  };
}
