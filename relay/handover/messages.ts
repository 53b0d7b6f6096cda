/** One message on its way from a relay to another one: its record as the spool has it, and behind it the content. */
import { createReadStream } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Body, Content } from '../message.ts';
import { decodeRecord, encodeRecord, ID, type QueuedMessage } from '../spool/record.ts';

/** Octets of the record, at the beginning of the body. */
const RECORD_HEADER = 'smtp-plus-record';
/** Of tens of thousands of recipients. */
const RECORD_MAX = 16 * 1024 * 1024;
/** Contents up to here are small enough to come in memory; the spool keeps them beside the record. */
const MEMORY_MAX = 64 * 1024;
const NOTHING = Buffer.alloc(0);

export interface Outgoing {
  readonly headers: Readonly<Record<string, string | number>>;
  readonly write: (request: Writable) => Promise<void>;
}

export function outgoing(queued: QueuedMessage, { head, body }: Content): Outgoing {
  const record = encodeRecord(queued);
  return {
    headers: { [RECORD_HEADER]: record.length, 'content-length': record.length + queued.size },
    write: async (request) => {
      request.write(Buffer.concat([record, head]));
      if (body.kind === 'memory') request.end(body.bytes);
      else await pipeline(createReadStream(body.path), request);
    },
  };
}

/** The record, and what comes behind it. Undefined: it is no message that this version of the relay can keep. */
export interface Incoming {
  readonly queued: QueuedMessage;
  /** Resolves with the content; a large one in a file in this folder, which is gone where it rejects. */
  readonly content: (folder: string) => Promise<Content>;
  /** Reads the content, and drops it. */
  readonly skip: () => Promise<void>;
}

/** @param transfer that it comes in: the message may still be coming in in another one */
export async function incoming(
  request: IncomingMessage,
  { transfer, id }: { readonly transfer: string; readonly id: string },
): Promise<Incoming | undefined> {
  const recordLength = Number(request.headers[RECORD_HEADER]);
  const size = Number(request.headers['content-length']) - recordLength;
  if (!(recordLength > 0 && recordLength <= RECORD_MAX && size >= 0)) return undefined;
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  const { first, rest } = await readFirst(chunks, recordLength);
  const queued = decodeRecord(first.toString());
  if ('broken' in queued || queued.id !== id || !ID.test(id) || queued.size !== size) return undefined;
  return {
    queued,
    content: async (folder) => {
      const file = size > MEMORY_MAX ? path.join(folder, `handed-over-${transfer}-${id}`) : undefined;
      const body = file === undefined ? await inMemory(rest, chunks) : await inFile(file, rest, chunks);
      return { head: NOTHING, body };
    },
    skip: async () => {
      for (let isOver = false; !isOver;) isOver = (await chunks.next()).done === true;
    },
  };
}

async function readFirst(chunks: AsyncIterator<Buffer>, length: number): Promise<{ first: Buffer; rest: Buffer }> {
  const read: Buffer[] = [];
  for (let got = 0; got < length;) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    read.push(value);
    got += value.length;
  }
  const all = Buffer.concat(read);
  return { first: all.subarray(0, length), rest: all.subarray(length) };
}

async function inMemory(rest: Buffer, chunks: AsyncIterable<Buffer>): Promise<Body> {
  const read = [rest];
  for await (const chunk of chunks) read.push(chunk);
  return { kind: 'memory', bytes: Buffer.concat(read) };
}

async function inFile(file: string, rest: Buffer, chunks: AsyncIterable<Buffer>): Promise<Body> {
  try {
    await using handle = await open(file, 'w', 0o600);
    await handle.appendFile(rest);
    for await (const chunk of chunks) await handle.appendFile(chunk);
    return { kind: 'file', path: file };
  } catch (error) {
    await unlink(file).catch(() => undefined);
    throw error;
  }
}
