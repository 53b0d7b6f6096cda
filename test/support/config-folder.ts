/** A folder of configuration as an operator writes it, for whole relays in processes of their own. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CLASS_FILE_NAME,
  deliverySettingsSchema,
  type ListConfig,
  type RelayConfig,
  SHARD_COUNT,
  shardFileName,
  shardOf,
  type UpstreamConfig,
} from '../../relay/config/config.ts';
import { aClass, aConfig, aList, LIST } from './relay-config.ts';

/** What waits is tried again in no time. */
export const QUICK_DELIVERY = deliverySettingsSchema.parse({ retryFirstSeconds: 0.1, retryMostSeconds: 1 });

/** The usual list, led to this smart host. */
export function ledTo(upstream: UpstreamConfig, overrides: Parameters<typeof aConfig>[0] = {}): RelayConfig {
  const lists: Record<string, ListConfig> = { [LIST]: aList({ upstream }) };
  return aConfig({ relayClass: aClass({ delivery: QUICK_DELIVERY }), lists, ...overrides });
}

export async function writeConfig(folder: string, config: RelayConfig): Promise<void> {
  await mkdir(folder, { recursive: true });
  await place(folder, CLASS_FILE_NAME, config.class);
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    const only = <Value>(all: ReadonlyMap<string, Value>) =>
      Object.fromEntries([...all].filter(([key]) => shardOf(key) === shard));
    const { lists, users, unusable, namespaces, dkim } = config;
    const document = {
      version: 1,
      lists: only(lists),
      users: only(users),
      unusable: only(unusable),
      namespaces: only(namespaces),
      dkim: only(dkim),
    };
    await place(folder, shardFileName(shard), document);
  }
}

/** As a whole: a relay may look at any time. */
async function place(folder: string, name: string, document: object): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(`${file}.tmp`, JSON.stringify(document));
  await rename(`${file}.tmp`, file);
}
