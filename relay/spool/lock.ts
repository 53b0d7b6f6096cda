/**
 * One process per spool. The lock is a socket whose name is made from the folder's identity: the kernel drops it with
 * the process, however that ends, so no stale lock can keep a restarted relay out. It holds within one network
 * namespace; that two pods never share a volume is the StatefulSet's part. (The lock of a state folder, which is a file, would
 * need room on a disk: a spool has to open, and to drain, on one that is full.)
 */
import { createHash } from 'node:crypto';
import { stat, unlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';

export class SpoolInUse extends Error {}

/** The result gives it back. Throws SpoolInUse where another process, or another spool of this one, holds the folder. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(folder);
  const name = `smtp-plus-spool-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)}`;
  const server = createServer((socket) => socket.destroy());
  await listen(server, folder, await address(folder, name));
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Only Linux has names without a file; elsewhere (development) a leftover file is no lock. */
async function address(folder: string, name: string): Promise<string> {
  if (process.platform === 'linux') return `\0${name}`;
  const file = path.join(folder, 'lock');
  await unlink(file).catch(() => {});
  return file;
}

function listen(server: Server, folder: string, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE' ? new SpoolInUse(`another process uses the spool in ${folder}`, { cause }) : cause,
      ),
    );
    server.listen(address, resolve);
  });
}
