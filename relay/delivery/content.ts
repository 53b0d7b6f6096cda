/** Reading a content, wherever it is. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Content } from '../message.ts';

/** The content with lines of ours in front, for one recipient; in the spool it stays as it is. */
export type SentContent = Content & { readonly added?: Buffer };

export function withAdded(content: Content, added: Buffer): SentContent {
  return content.kind === 'memory'
    ? { kind: 'memory', bytes: Buffer.concat([added, content.bytes]) }
    : { ...content, added };
}

export function contentStream(content: SentContent): Readable {
  if (content.kind === 'memory') return Readable.from(content.bytes, { objectMode: false });
  const { path, added } = content;
  return added === undefined ? createReadStream(path) : Readable.from(inTurn(added, path), { objectMode: false });
}

async function* inTurn(added: Buffer, path: string): AsyncGenerator<Buffer> {
  yield added;
  yield* createReadStream(path) as AsyncIterable<Buffer>;
}

/** The first `maxBytes` octets at most. */
export async function startOf(content: Content, maxBytes: number): Promise<Buffer> {
  if (content.kind === 'memory') return content.bytes.subarray(0, maxBytes);
  const handle = await open(content.path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
