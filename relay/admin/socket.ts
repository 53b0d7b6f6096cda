/**
 * The socket by which people look after a spool. It is a file: it cannot be reached over a network, and only its owner
 * can open it.
 */
import { open, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { answer, type AdminParts } from './answer.ts';
import { requestSchema, SOCKET_NAME, type AdminRequest, type AdminAnswer } from './protocol.ts';

/** Ten thousand ids. */
const REQUEST_MAX_BYTES = 1024 * 1024;
const REQUEST_MS = 10_000;
const CONNECTIONS_MAX = 16;
/** Only the owner may use the socket, from the moment it exists. */
const UMASK = 0o177;

/** Resolves with the function that closes it. A disk that has no sockets is no reason to take no mail: then it says so. */
export async function openAdminSocket(folder: string, parts: AdminParts): Promise<() => Promise<void>> {
  const opened = new Set<Socket>();
  const server = createServer((socket) => {
    opened.add(socket);
    socket.once('close', () => opened.delete(socket));
    void serve(socket, parts);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const handle = await open(folder, 'r');
  try {
    // what a process that was killed has left: the lock of the spool says that it is nobody's
    await rm(path.join(folder, SOCKET_NAME), { force: true });
    await listen(server, placeOf(handle.fd));
  } catch (error) {
    await handle.close();
    parts.log.warn({ err: error, folder }, 'no admin socket: the queue commands cannot reach this relay');
    return async () => {};
  }
  server.unref();
  return async () => {
    for (const socket of opened) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await handle.close();
  };
}

/** A path of any length, where the name of a socket may have 107 octets. */
function placeOf(folderFd: number): string {
  return `/proc/self/fd/${folderFd}/${SOCKET_NAME}`;
}

function listen(server: Server, place: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    // the file is made within the call
    const before = process.umask(UMASK);
    try {
      server.listen(place);
    } finally {
      process.umask(before);
    }
  });
}

async function serve(socket: Socket, parts: AdminParts): Promise<void> {
  // whoever goes away in the middle has what it has
  socket.on('error', () => socket.destroy());
  try {
    const request = parse(await readLine(socket));
    if (typeof request === 'string') await write(socket, { problem: request });
    else for await (const line of answer(parts, request)) await write(socket, line);
  } catch (error) {
    if (!socket.destroyed) parts.log.error({ err: error }, 'a request at the admin socket failed');
    await write(socket, { problem: 'the relay failed at it; its log says why' }).catch(() => undefined);
  }
  socket.end();
}

async function readLine(socket: Socket): Promise<string> {
  const timer = setTimeout(() => socket.destroy(), REQUEST_MS);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      chunks.push(bytes);
      size += bytes.length;
      if (bytes.includes(10) || size > REQUEST_MAX_BYTES) break;
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): AdminRequest | string {
  try {
    const result = requestSchema.safeParse(JSON.parse(text.slice(0, text.indexOf('\n'))));
    return result.success ? result.data : 'the relay does not know this request: it is of another version';
  } catch {
    return 'the request is no line of JSON, or is too long';
  }
}

/** Waits for room, so that a reader who pauses costs no memory. */
async function write(socket: Socket, line: AdminAnswer): Promise<void> {
  if (socket.destroyed) throw new Error('the connection is closed');
  if (socket.write(`${JSON.stringify(line)}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
