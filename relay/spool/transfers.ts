/**
 * Transfers of messages to another relay, in the spool that they leave. A transfer is on disk before the first of its messages
 * goes out. While it is open, nobody here knows which of them the other relay has taken, and none of them is delivered here.
 *
 *   FOLDER/handing-over/ID.json   {peer, begun, messages, silence}
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import type { Log } from '../observe/log.ts';
import { type Disk, makeFolder, placeFile } from './disk.ts';

export interface Transfer {
  readonly id: string;
  /** Name of the relay that the messages are offered to. */
  readonly peer: string;
  /** ISO 8601. */
  readonly begun: string;
  /** Ids of the messages. */
  readonly messages: readonly string[];
  /** The silence of the other relay, as the last process saw it. */
  readonly silence?: Silence | undefined;
}

/** From the first question that nobody answered to the last one; ISO 8601. */
interface Silence {
  readonly since: string;
  readonly until: string;
}

export interface Transfers {
  /** Those that are open. */
  readonly all: () => readonly Transfer[];
  /** Resolves when it is on disk. */
  open(peer: string, messages: readonly string[]): Promise<Transfer>;
  /** Resolves when it is on disk. */
  noteSilence(transfer: Transfer, silence: Silence): Promise<void>;
  /** What has become of each of its messages is known, and on disk. */
  close(transfer: Transfer): Promise<void>;
}

const transferSchema = z.object({
  peer: z.string(),
  begun: z.iso.datetime(),
  messages: z.array(z.string()),
  silence: z.object({ since: z.iso.datetime(), until: z.iso.datetime() }).optional(),
});

export async function openTransfers(spoolFolder: string, { disk, log }: { disk: Disk; log: Log }): Promise<Transfers> {
  const folder = path.join(spoolFolder, 'handing-over');
  await makeFolder(disk, folder);
  const known = new Map<string, Transfer>();
  for (const { name } of await disk.list(folder)) {
    const transfer = name.endsWith('.json') ? await read(disk, path.join(folder, name)) : undefined;
    if (transfer !== undefined) known.set(transfer.id, transfer);
    // left from one that was never begun
    else if (name.endsWith('.tmp')) await disk.remove(path.join(folder, name));
    else log.error({ event: 'handover', file: name }, 'a file about messages that were handed over cannot be read');
  }
  const fileOf = (id: string): string => path.join(folder, `${id}.json`);
  async function write(transfer: Transfer): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(transfer));
    await placeFile(disk, fileOf(transfer.id), (temporary) => disk.write(temporary, bytes));
    await disk.syncFolder(folder);
    known.set(transfer.id, transfer);
  }

  return {
    all: () => [...known.values()],
    open: async (peer, messages) => {
      const transfer = { id: randomUUID(), peer, begun: new Date().toISOString(), messages };
      await write(transfer);
      return transfer;
    },
    noteSilence: (transfer, silence) => write({ ...transfer, silence }),
    close: async ({ id }) => {
      await disk.remove(fileOf(id));
      known.delete(id);
    },
  };
}

async function read(disk: Disk, file: string): Promise<Transfer | undefined> {
  try {
    const found = transferSchema.parse(JSON.parse((await disk.read(file)).toString()));
    return { id: path.basename(file, '.json'), ...found };
  } catch {
    return undefined;
  }
}
