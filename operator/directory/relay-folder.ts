/** The relay's configuration in the state folder, as an earlier run left it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SHARD_COUNT, shardFileName } from '../../relay/config/config.ts';
import { collectAccepted } from '../relays/accepted-passwords.ts';
import type { AcceptedPasswords } from '../core/model.ts';

export const RELAY_FOLDER = 'relay';

/** What the relay was told of passwords, by key of the user. A file that cannot be read says nothing. */
export async function readAccepted(folder: string): Promise<ReadonlyMap<string, AcceptedPasswords>> {
  const accepted = new Map<string, AcceptedPasswords>();
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    collectAccepted(await readFile(join(folder, shardFileName(shard)), 'utf8').catch(() => ''), accepted);
  }
  return accepted;
}
