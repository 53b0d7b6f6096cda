/**
 * Reads the octets of one message up to its final dot, never more of them than the limits allow. The header section is
 * judged once, as soon as there is need to: before the first octet goes to a file.
 */
import { collectHeader } from '../checks/header-end.ts';
import { createBodyHash } from '../dkim/body-hash.ts';
import type { HeaderChanges } from '../checks/header-changes.ts';
import type { Body } from '../message.ts';
import { isReply, replies, type Answer, type Reply } from '../replies.ts';
import type { Connection } from '../smtp/server/connection.ts';
import { DataScanner } from '../smtp/server/data-scanner.ts';
import { createIncomingBody, type BodyRoom } from './incoming-body.ts';

/** Read on past an objection so that the client gets our reply after its data; then the connection ends. */
const EXCESS_MAX = 1024 * 1024;

export interface ReceiveOptions {
  readonly messageBytes: number;
  readonly headerBytes: number;
  readonly lineBytes: number;
  /** Path of the file that a large message goes to. */
  readonly pathOf: () => string;
  readonly room: BodyRoom;
  /** Whether the body is to be hashed for a signature. */
  readonly isHashed: boolean;
  /** What is to be changed in the header section, or why the message is refused. */
  readonly judge: (headerSection: Buffer) => HeaderChanges | Reply;
  /** Told how many octets have come. */
  readonly onOctets: (count: number) => void;
  /** The reply to a fault of ours. */
  readonly fail: (error: unknown) => Reply;
}

export interface Received {
  readonly body: Body;
  /** Octets of the body. */
  readonly size: number;
  readonly isEightBit: boolean;
  readonly changes: HeaderChanges;
  /** See AcceptedMessage. */
  readonly bodyHash?: string;
  /** Removes what nobody took over. */
  readonly discard: () => Promise<void>;
}

/** The connection was gone, or had to end, before the message was through: nothing of it is left. */
interface Interrupted {
  readonly interruption: Answer;
}

export async function receive(
  conn: Pick<Connection, 'readData' | 'putBack'>,
  options: ReceiveOptions,
): Promise<Received | Reply | Interrupted> {
  const scanner = new DataScanner();
  const message = createMessage(options);
  let refusal: Reply | undefined;
  let excess = 0;
  while (!scanner.ended && excess <= EXCESS_MAX) {
    const octets = await conn.readData();
    if (!Buffer.isBuffer(octets)) {
      await message.discard();
      return { interruption: octets };
    }
    const { content, consumed } = scanner.scan(octets);
    conn.putBack(octets.subarray(consumed));
    options.onOctets(consumed);
    if (refusal !== undefined) {
      excess += consumed;
      continue;
    }
    refusal = objectionTo(scanner, options) ?? (await message.add(content).catch(options.fail));
    // at once: the client may go on for as long as a message may take
    if (refusal !== undefined) await message.discard();
  }
  const received = refusal ?? (await message.finish().catch(options.fail));
  if (!isReply(received)) return { ...received, isEightBit: scanner.isEightBit, discard: message.discard };
  await message.discard();
  // what a lenient parser before us may have taken for commands must not follow on this connection
  return scanner.hasBareNewline || !scanner.ended ? { ...received, close: true } : received;
}

function objectionTo({ hasBareNewline, longestLine }: DataScanner, { lineBytes }: ReceiveOptions): Reply | undefined {
  if (hasBareNewline) return replies.bareNewline();
  return longestLine > lineBytes ? replies.lineTooLong(lineBytes) : undefined;
}

function createMessage(options: ReceiveOptions) {
  const { messageBytes, headerBytes } = options;
  const header = collectHeader(headerBytes);
  const hash = options.isHashed ? createBodyHash() : undefined;
  const body = createIncomingBody(options);
  let changes: HeaderChanges | undefined;
  // the client's content alone: what we add must not count against what it may send
  let size = 0;

  function judgeOnce(): HeaderChanges | Reply {
    if (changes !== undefined) return changes;
    const judged = options.judge(header.section());
    if (isReply(judged)) return judged;
    size -= body.drop(judged.dropped);
    changes = judged;
    return judged;
  }

  async function add(content: Buffer): Promise<Reply | undefined> {
    size += content.length;
    const before = header.length();
    const state = header.push(content);
    // all that is no part of the header section any more
    if (state === 'found') hash?.push(content.subarray(header.length() - before));
    if (size > messageBytes) return replies.tooLarge(messageBytes);
    if (state === 'too_large') return replies.headerInvalid(`larger than ${headerBytes} octets`);
    body.add(content);
    if (!body.isFull() || state !== 'found') return undefined;
    const judged = judgeOnce();
    return isReply(judged) ? judged : body.flush();
  }

  async function finish(): Promise<Omit<Received, 'isEightBit' | 'discard'> | Reply> {
    const judged = judgeOnce();
    if (isReply(judged)) return judged;
    const whole = await body.finish();
    if (isReply(whole)) return whole;
    return { body: whole, size, changes: judged, ...(hash !== undefined && { bodyHash: hash.digest() }) };
  }

  return { add, finish, discard: () => body.discard() };
}
