/** The queues of one process: a socket in the spool of each of its workers. */
import { open, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SOCKET_NAME, type AdminRequest, type AdminAnswer } from '../../relay/admin/protocol.ts';
import { inWords, systemReason } from '../errors.ts';
import {
  merge,
  systemUser,
  type FoundMessage,
  type QueueAnswer,
  type QueueDoor,
  type QueueOutcome,
} from './queue-door.ts';
import { CommandError } from './source.ts';

export function openSockets(state: string): QueueDoor {
  return {
    who: async () => systemUser(),
    ask: async (request) => {
      const folders = await spoolsOf(state);
      return merge(await Promise.all(folders.map((folder) => askOne(folder, request))));
    },
    content: async (request) => {
      const found = await Promise.all((await spoolsOf(state)).map((folder) => contentOf(folder, request)));
      return found.find((one) => one !== undefined);
    },
    close: () => undefined,
  };
}

/** Folders with a socket: of the first worker the spool itself, of the others one in it. */
async function spoolsOf(state: string): Promise<readonly string[]> {
  const spool = join(state, 'spool');
  const entries = await readdir(spool, { withFileTypes: true }).catch((error: unknown) => {
    throw new CommandError(
      `${spool} cannot be read: ${inWords(error)}; name the state folder of the process with --state`,
    );
  });
  const folders = [spool, ...entries.filter((one) => one.isDirectory()).map(({ name }) => join(spool, name))];
  const found: string[] = [];
  for (const folder of folders) {
    const names: readonly string[] = await readdir(folder).catch(() => []);
    if (names.includes(SOCKET_NAME)) found.push(folder);
  }
  if (found.length > 0) return found;
  throw new CommandError(`no relay has its spool open in ${spool}: it does not run, or is of an older version`);
}

async function askOne(folder: string, request: AdminRequest): Promise<QueueAnswer> {
  const messages: FoundMessage[] = [];
  const outcomes: Record<string, QueueOutcome> = {};
  let matched = 0;
  for await (const line of linesOf(folder, request)) {
    if ('message' in line) messages.push(line.message);
    else if ('changed' in line) outcomes[line.changed] = line.outcome;
    else if ('end' in line) ({ matched } = line.end);
  }
  return { messages, matched, outcomes, silent: [] };
}

async function contentOf(folder: string, request: AdminRequest): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(folder, request)) chunks.push(Buffer.from(chunk, 'base64'));
  return chunks.length > 0 ? Buffer.concat(chunks) : undefined;
}

async function* chunksOf(folder: string, request: AdminRequest): AsyncGenerator<string> {
  for await (const line of linesOf(folder, request)) if ('chunk' in line) yield line.chunk;
}

/** The content of one message piece by piece, each in base64: it may be large, and a relay pod has little room beside its relay. */
export async function* contentChunks(state: string, request: AdminRequest): AsyncGenerator<string> {
  for (const folder of await spoolsOf(state)) yield* chunksOf(folder, request);
}

/** The whole answer, or an error: one that breaks off is none. */
async function* linesOf(folder: string, request: AdminRequest): AsyncGenerator<AdminAnswer> {
  const handle = await open(folder, 'r');
  try {
    // a path of any length, where the name of a socket may have 107 octets
    const socket = connect(`/proc/self/fd/${handle.fd}/${SOCKET_NAME}`);
    socket.write(`${JSON.stringify(request)}\n`);
    let isWhole = false;
    for await (const text of createInterface({ input: socket, crlfDelay: Infinity })) {
      const line = JSON.parse(text) as AdminAnswer;
      if ('problem' in line) throw new CommandError(`the relay of ${folder}: ${line.problem}`, 1);
      if ('end' in line) isWhole = true;
      yield line;
    }
    if (!isWhole) throw new CommandError(`the relay of ${folder} ended in the middle of its answer; ask again`, 1);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${join(folder, SOCKET_NAME)}: ${whyNot(error)}`, 2, { cause: error });
  } finally {
    await handle.close();
  }
}

function whyNot(error: unknown): string {
  switch (systemReason(error)) {
    case 'ECONNREFUSED':
      return 'nobody answers: the relay was killed, and is not running again yet';
    case 'EACCES':
      return 'permission denied; run this as the user whose process it is';
    default:
      return inWords(error);
  }
}
