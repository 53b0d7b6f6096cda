/**
 * The body of one message while it comes in: in memory, and past a threshold in a file. All of it is still in memory
 * when the header section is judged, so that what is to be left out never reaches the file.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { OctetRange } from '../checks/header-changes.ts';
import type { Body } from '../message.ts';
import type { Reply } from '../replies.ts';
import type { Room } from './state.ts';

/** Room on the disk, for one message. */
export interface BodyRoom extends Pick<Room, 'use'> {
  readonly refusal: (bytes: number) => Reply | undefined;
  /** What was written for the message is gone, or counts elsewhere. */
  readonly release: () => void;
}

/** Most messages are smaller, and so cost no file; 2,000 connections may hold 500 MB. */
const MEMORY_MAX = 256 * 1024;

export function createIncomingBody({ pathOf, room }: { readonly pathOf: () => string; readonly room: BodyRoom }) {
  const held = createHeldBytes();
  let file: FileHandle | undefined;

  async function append(bytes: Buffer): Promise<void> {
    file ??= await open(pathOf(), 'wx', 0o600);
    await file.appendFile(bytes);
  }

  /** Writes what is held to the file, where there is room for it. */
  async function flush(): Promise<Reply | undefined> {
    const refusal = room.refusal(held.length());
    if (refusal !== undefined) return refusal;
    const bytes = held.empty();
    await room.use(bytes.length, () => append(bytes));
    return undefined;
  }

  return {
    add: (octets: Buffer) => held.add(octets),
    /** Leaves out these octets, none of which is in the file yet; returns how many there were. */
    drop: (ranges: readonly OctetRange[]) => held.drop(ranges),
    /** More is held than should be. */
    isFull: () => held.length() > MEMORY_MAX,
    flush,
    /** All of it, where it is to stay; or why that cannot be. */
    async finish(): Promise<Body | Reply> {
      if (file === undefined) return { kind: 'memory', bytes: held.empty() };
      const objection = await flush();
      if (objection !== undefined) return objection;
      await file.close();
      return { kind: 'file', path: pathOf() };
    },
    /** Leaves nothing behind but what somebody moved away. */
    async discard(): Promise<void> {
      held.empty();
      if (file === undefined) return;
      await file.close().catch(() => undefined);
      await unlink(pathOf()).catch(() => undefined);
      room.release();
    },
  };
}

/** Octets in one piece: a client that sends them one by one must not make us hold an object for each. */
function createHeldBytes() {
  let bytes: Buffer = Buffer.alloc(0);
  let length = 0;
  return {
    length: () => length,
    add(more: Buffer): void {
      if (length + more.length > bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * length, length + more.length));
        bytes.copy(larger, 0, 0, length);
        bytes = larger;
      }
      more.copy(bytes, length);
      length += more.length;
    },
    /** Closes the gaps. */
    drop(ranges: readonly OctetRange[]): number {
      const before = length;
      let kept = ranges[0]?.start ?? length;
      for (const [index, { end }] of ranges.entries()) {
        const next = ranges[index + 1]?.start ?? before;
        bytes.copyWithin(kept, end, next);
        kept += next - end;
      }
      length = kept;
      return before - kept;
    },
    /** Hands out all octets; nothing is held afterwards. */
    empty(): Buffer {
      const all = bytes.subarray(0, length);
      [bytes, length] = [Buffer.alloc(0), 0];
      return all;
    },
  };
}
