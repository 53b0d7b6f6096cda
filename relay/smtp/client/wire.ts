/**
 * A connection to a server as our client uses it: what is to be sent goes in, and replies are asked for one by one. All
 * waiting happens here, and every wait has an end: a reply, room for more, a deadline, or the end of the connection.
 */
import type { Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { createReplyParser, type ServerReply, REPLY_MAX_BYTES } from './reply-parser.ts';

/** The connection is of no more use: closed, too slow, or what came over it makes no sense. The message says which. */
export class ConnectionBroken extends Error {}

export interface Wire {
  isOpen(): boolean;
  isSecure(): boolean;
  /** Sends, and expects this many replies to it. What is written in one go leaves in one go. */
  write(parts: readonly (string | Buffer)[], replies: number): void;
  /** Answers that will not come after all. */
  expectFewer(replies: number): void;
  /** The next reply. Throws `ConnectionBroken` where none comes any more, after all that came have been read. */
  readReply(deadline: Deadline): Promise<ServerReply>;
  /** Whether there is a reply to read, now. */
  hasReply(): boolean;
  /** Waits until what was written has left for the most part, or a reply is there. */
  untilWritable(deadline: Deadline): Promise<void>;
  startTls(options: ConnectionOptions, deadline: Deadline): Promise<void>;
  /** Closes it at once: whoever waits gets this as the reason. */
  breakOff(reason: string): void;
}

/** By `performance.now()`; what happens then, for people. Absent where somebody else sees to it. */
export interface Deadline {
  readonly at: number;
  readonly reason: string;
}

export function within(seconds: number, reason = 'timed out'): Deadline {
  return { at: performance.now() + seconds * 1000, reason };
}

/** Where whoever opened the connection breaks it off in time. */
export const BY_OWNER: Deadline = { at: Infinity, reason: 'timed out' };

/** Room for long texts to many recipients. */
const BYTES_PER_REPLY = 1024;

/** The greeting, or the handshake of `startTls`, is the first thing to wait for. */
export function createWire(plain: Socket): Wire {
  let socket: Socket = plain;
  let parser = createReplyParser();
  const queue: ServerReply[] = [];
  /** Replies that are to come; the greeting is nobody's answer. */
  let expected = 1;
  /** Octets since nothing was expected, and how many may come. */
  let received = 0;
  let receivable = REPLY_MAX_BYTES + BYTES_PER_REPLY;
  /** Why it is of no more use. */
  let broken: string | undefined;
  let isSecure = false;
  let wake = (): void => {};

  function onData(chunk: Buffer): void {
    received += chunk.length;
    const { replies, problem } = parser.push(chunk);
    for (const reply of replies) onReply(reply);
    if (problem !== undefined) breakOff(problem);
    else if (received > receivable) breakOff('sends without end');
    else wake();
  }

  function onReply(reply: ServerReply): void {
    if (expected > 0) {
      expected--;
      queue.push(reply);
    } else if (broken === undefined) {
      // a server may say goodbye at any time (RFC 5321 section 3.8); everything else would answer the wrong command
      breakOff(reply.code === 421 ? reply.text : `reply to nothing: ${reply.text}`);
    }
  }

  function breakOff(reason: string): void {
    broken ??= reason;
    socket.destroy();
    wake();
  }

  const onEnd = (): void => breakOff('connection closed');
  const onError = (error: NodeJS.ErrnoException): void => breakOff(reasonOf(error));
  const onDrain = (): void => wake();

  function attach(to: Socket): void {
    socket = to;
    to.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError).on('drain', onDrain);
  }

  function until(isMet: () => boolean, { at, reason }: Deadline): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = at === Infinity ? undefined : setTimeout(() => breakOff(reason), at - performance.now());
      wake = () => {
        if (isMet()) resolve();
        else if (broken === undefined) return;
        else reject(new ConnectionBroken(broken));
        wake = () => {};
        clearTimeout(timer);
      };
      wake();
    });
  }

  attach(plain);
  plain.setNoDelay(true);
  return {
    isOpen: () => broken === undefined,
    isSecure: () => isSecure,
    write: (parts, replies) => {
      if (expected === 0) [received, receivable] = [0, REPLY_MAX_BYTES];
      expected += replies;
      receivable += replies * BYTES_PER_REPLY;
      if (broken !== undefined) return;
      if (parts.length > 1) socket.cork();
      for (const part of parts) socket.write(part);
      if (parts.length > 1) socket.uncork();
    },
    readReply: async (deadline) => {
      if (queue.length === 0) await until(() => queue.length > 0, deadline);
      return queue.shift() as ServerReply;
    },
    hasReply: () => queue.length > 0,
    untilWritable: async (deadline) => {
      const isThere = () => (broken === undefined && !socket.writableNeedDrain) || queue.length > 0;
      if (!isThere()) await until(isThere, deadline);
    },
    expectFewer: (replies) => {
      expected -= replies;
    },
    startTls: async (options, deadline) => {
      // what came in clear text must never count as said under TLS (RFC 3207 section 4.2, and CVE-2011-0411)
      if (parser.isMidReply()) breakOff('sent more than its answer to STARTTLS in the clear');
      if (broken !== undefined) throw new ConnectionBroken(broken);
      plain.off('data', onData).off('end', onEnd).off('drain', onDrain);
      const secured: TLSSocket = connectTls({ ...options, socket: plain });
      parser = createReplyParser();
      attach(secured);
      secured.once('secureConnect', () => {
        isSecure = true;
        wake();
      });
      await until(() => isSecure, deadline);
    },
    breakOff,
  };
}

function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}
