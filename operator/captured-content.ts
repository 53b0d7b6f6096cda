/** The content of captured mail, octet for octet. */
import { open, readFile } from 'node:fs/promises';

export interface CapturedFile {
  /** Path without its suffix. */
  readonly file: string;
}

export interface Start {
  readonly bytes: Buffer;
  /** Of all of it. */
  readonly octets: number;
}

/** Up to so many octets; undefined where it is gone. */
export async function readContent({ file }: CapturedFile, most: number): Promise<Start | undefined> {
  return readStart(`${file}.eml`, most).catch(() => undefined);
}

/** All of it, however large it is. */
export async function readWhole({ file }: CapturedFile): Promise<Buffer | undefined> {
  return readFile(`${file}.eml`).catch(() => undefined);
}

export async function readStart(file: string, most: number): Promise<Start> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, most));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return { bytes: bytes.subarray(0, bytesRead), octets: size };
  } finally {
    await handle.close();
  }
}
