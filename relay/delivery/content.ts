/** Reads the content of a message, wherever its body is. */
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { Content } from '../message.ts';

/** The content with lines of ours in front, for one recipient; in the spool it stays as it is. */
export function withAdded({ head, body }: Content, added: Buffer): Content {
  return { head: Buffer.concat([added, head]), body };
}

/** All of it, in pieces; nothing is opened before the first is asked for. */
export function piecesOf({ head, body }: Content): readonly Buffer[] | AsyncIterable<Buffer> {
  return body.kind === 'memory' ? [head, body.bytes] : inTurn(head, body.path);
}

async function* inTurn(head: Buffer, path: string): AsyncGenerator<Buffer> {
  yield head;
  yield* createReadStream(path) as AsyncIterable<Buffer>;
}

export async function bytesOf({ head, body }: Content): Promise<Buffer> {
  return Buffer.concat([head, body.kind === 'memory' ? body.bytes : await readFile(body.path)]);
}

/** The first `maxBytes` octets at most. */
export async function startOf({ head, body }: Content, maxBytes: number): Promise<Buffer> {
  const most = Math.max(0, maxBytes - head.length);
  const start = body.kind === 'memory' ? body.bytes.subarray(0, most) : await startOfFile(body.path, most);
  return Buffer.concat([head.subarray(0, maxBytes), start]);
}

async function startOfFile(path: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
