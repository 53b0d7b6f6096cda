/**
 * Takes the content of one message from the client: into memory, and past a threshold into a file; never more than the
 * limits allow, and nothing is left behind unless the message was taken. The header section is judged once, as soon as
 * there is need to: before the first octet goes to the file. All of it is still held then, so that what is to be left out
 * never reaches the file.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { constants } from 'node:os';
import { createDataScanner } from './data-scanner.ts';
import { collectHeader } from '../checks/header-end.ts';
import type { OctetRange } from '../checks/header-changes.ts';
import type { IncomingRoom } from './incoming-room.ts';
import type { Body, Content } from '../message.ts';
import { replies, type Reply } from '../replies.ts';

/** Most messages are smaller, and so cost no file; 2,000 connections may hold 500 MB. */
const MEMORY_MAX = 256 * 1024;
/** Read on past an objection so that the client gets our reply after its data; then the connection ends. */
const EXCESS_MAX = 1024 * 1024;

export type Judgement =
  | { readonly verdict: 'refuse'; readonly reply: Reply }
  /** `head` makes what goes in front of the content; `dropped` are the octets of the header section that are left out, in order. */
  | { readonly verdict: 'pass'; readonly head: () => string; readonly dropped: readonly OctetRange[] };

export interface ReceivedMessage {
  readonly content: Content;
  /** Octets of the content, added lines included. */
  readonly size: number;
  readonly isEightBit: boolean;
}

type ReceiverResult =
  | { readonly verdict: 'pass'; readonly message: ReceivedMessage }
  /** `close`: the connection has to end. */
  | { readonly verdict: 'refuse'; readonly reply: Reply; readonly close: boolean };

export interface Receiver {
  /** Takes octets; returns how many were the message's, fewer than given once it has ended. */
  readonly write: (chunk: Buffer) => number;
  /** Where octets wait to be written to the file: resolves when they are. */
  readonly ready: () => Promise<void> | undefined;
  /** The data has ended, or goes on for so long that no end is waited for. */
  readonly ended: () => boolean;
  /** Octets that came from the client. */
  readonly octets: () => number;
  readonly finish: () => Promise<ReceiverResult>;
  /** Removes what nobody took over. */
  readonly discard: () => Promise<void>;
}

export function createReceiver({
  messageBytes,
  headerBytes,
  path,
  room,
  judge,
}: {
  messageBytes: number;
  headerBytes: number;
  path: string;
  room: IncomingRoom;
  judge: (headerSection: Buffer) => Judgement;
}): Receiver {
  const scanner = createDataScanner();
  const header = collectHeader(headerBytes);
  const held = createHeldBytes();
  // the client's content alone: what we add must not count against what it may send
  let [size, octets, octetsAtObjection, dropped] = [0, 0, 0, 0];
  let headerState: ReturnType<typeof header.push> = 'more';
  let objection: Reply | undefined;
  let judgement: Judgement | undefined;
  let file: FileHandle | undefined;
  let flushing: Promise<void> | undefined;
  let removing: Promise<void> | undefined;

  function object(reply: Reply): void {
    objection = reply;
    octetsAtObjection = octets;
    // at once: the client may go on for as long as a message may take
    void discard();
  }

  function write(chunk: Buffer): number {
    const { content, consumed } = scanner.scan(chunk);
    octets += consumed;
    size += content.length;
    if (objection !== undefined) return consumed;
    headerState = header.push(content);
    if (scanner.hasBareNewline) object(replies.bareNewline());
    else if (size > messageBytes) object(replies.tooLarge(messageBytes));
    else if (headerState === 'too_large') object(replies.headerInvalid(`larger than ${headerBytes} octets`));
    else held.add(content);
    return consumed;
  }

  function judgeOnce(): void {
    if (judgement !== undefined || objection !== undefined) return;
    judgement = judge(header.section());
    if (judgement.verdict === 'refuse') return object(judgement.reply);
    dropped = held.drop(judgement.dropped);
  }

  async function flush(): Promise<void> {
    try {
      judgeOnce();
      if (objection !== undefined) return;
      if (!room.has(held.length())) return object(replies.storage());
      const bytes = held.take();
      await room.use(bytes.length, () => append(bytes));
    } catch (error) {
      object(replyToFailure(error));
    }
  }

  async function append(bytes: Buffer): Promise<void> {
    file ??= await open(path, 'wx', 0o600);
    await file.appendFile(bytes);
  }

  function ready(): Promise<void> | undefined {
    if (held.length() <= MEMORY_MAX || headerState !== 'found') return undefined;
    flushing = flush();
    return flushing;
  }

  function ended(): boolean {
    return scanner.ended || (objection !== undefined && octets - octetsAtObjection > EXCESS_MAX);
  }

  async function finish(): Promise<ReceiverResult> {
    if (file === undefined) judgeOnce();
    else await (flushing = flush());
    if (objection !== undefined) {
      // what a lenient parser before us may have taken for commands must not follow on this connection
      return { verdict: 'refuse', reply: objection, close: scanner.hasBareNewline || !scanner.ended };
    }
    await file?.close();
    const head = Buffer.from(judgement?.verdict === 'pass' ? judgement.head() : '', 'latin1');
    const body: Body = file === undefined ? { kind: 'memory', bytes: held.take() } : { kind: 'file', path };
    return {
      verdict: 'pass',
      message: { content: { head, body }, size: head.length + size - dropped, isEightBit: scanner.isEightBit },
    };
  }

  function discard(): Promise<void> {
    held.take();
    removing ??= remove();
    return removing;
  }

  async function remove(): Promise<void> {
    await flushing;
    if (file === undefined) return;
    await file.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
  }

  return { write, ready, ended, octets: () => octets, finish, discard };
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
    /** Leaves these octets out, and closes the gaps; returns how many there were. */
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
    /** All octets; nothing is held afterwards. */
    take(): Buffer {
      const all = bytes.subarray(0, length);
      [bytes, length] = [Buffer.alloc(0), 0];
      return all;
    },
  };
}

/** Trouble that room on a disk, or another disk, would mend. */
const STORAGE_ERRORS = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'] as const;
/** Node names an error, lmdb numbers it. */
const STORAGE_CODES = new Set<unknown>(STORAGE_ERRORS.flatMap((name) => [name, constants.errno[name]]));

/** The answer to a message that failed for a reason of our own: always a temporary one. */
export function replyToFailure(error: unknown): Reply {
  const codes = [error, error instanceof Error ? error.cause : undefined].map((one) =>
    one instanceof Error && 'code' in one ? one.code : undefined,
  );
  return codes.some((code) => STORAGE_CODES.has(code)) ? replies.storage() : replies.internal();
}
