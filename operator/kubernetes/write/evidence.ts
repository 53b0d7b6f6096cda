/**
 * Evidence about senders, in Secrets of the operator's own namespace: a fixed number of them, so that one look-up costs one
 * small write, and compressed, so that a hundred thousand senders fit under the limit of 1 MiB for each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { shardOf } from '../../../relay/config.ts';
import type { EvidenceStore } from '../../verify/evidence-store.ts';
import { createPastSenders } from '../../verify/past-senders.ts';
import type { KubeClient } from '../client/client.ts';
import { loadShard, writeShard, type EvidenceShard, type ShardPlace } from './evidence-shard.ts';

const SHARDS = 32;
/** What is found in this time is written at once. */
const GATHER_MS = 200;

interface Writing {
  /** A write that has not begun yet: whoever comes until then goes with it. */
  next: Promise<void> | undefined;
  last: Promise<void>;
}

/** Reads what there is. To be called once it is sure that nobody else writes. */
export async function openEvidenceSecrets(
  client: KubeClient,
  options: { readonly namespace: string; readonly onTrouble: (message: string) => void },
): Promise<EvidenceStore> {
  const place: ShardPlace = { client, ...options };
  const shards = await Promise.all(Array.from({ length: SHARDS }, (_, index) => loadShard(place, index)));
  const writes: readonly Writing[] = shards.map(() => ({ next: undefined, last: Promise.resolve() }));
  const pasts = shards.map(createPastSenders);

  function indexOf(sender: string): number {
    return shardOf(sender) % SHARDS;
  }

  function entriesOf(sender: string): EvidenceShard['entries'] {
    return shards[indexOf(sender)]?.entries ?? new Map();
  }

  function save(index: number): Promise<void> {
    const [shard, writing] = [shards[index], writes[index]];
    if (shard === undefined || writing === undefined) return Promise.resolve();
    const ignore = (): undefined => undefined;
    writing.next ??= writing.last
      .then(ignore, ignore)
      .then(() => sleep(GATHER_MS))
      .then(() => {
        writing.next = undefined;
        writing.last = writeShard(place, shard);
        return writing.last;
      });
    return writing.next;
  }

  return {
    of: (sender) => entriesOf(sender).get(sender),
    keep: async (sender, parts) => {
      const entries = entriesOf(sender);
      entries.set(sender, { ...entries.get(sender), ...parts });
      await save(indexOf(sender));
    },
    tidy: async (isThere, now) => {
      const expired = shards.flatMap(({ entries }, index) => pasts[index]?.expired(entries.keys(), isThere, now) ?? []);
      for (const sender of expired) entriesOf(sender).delete(sender);
      await Promise.all([...new Set(expired.map(indexOf))].map(save));
    },
  };
}
