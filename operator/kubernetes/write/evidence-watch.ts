/**
 * Secrets with evidence that somebody deletes or changes while we run: we still know what was in them, but the next
 * process would not. They are written again at once, not only when there is something else to write.
 */
import type { SecretObject } from '../cache/views.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector } from '../client/reflector.ts';
import { SECRETS } from '../client/resources.ts';
import { digestIn, type EvidenceShard } from './evidence-shard.ts';

export interface EvidenceWatchOptions {
  readonly namespace: string;
  readonly label: string;
  readonly shards: readonly EvidenceShard<unknown>[];
  /** One of them is not as we have written it. */
  readonly onForeign: (index: number) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

export function watchEvidence(
  client: KubeClient,
  { namespace, label, shards, onForeign, onTrouble, signal }: EvidenceWatchOptions,
): void {
  const compare = (name: string, digest: string | undefined): void => {
    const index = shards.findIndex((shard) => shard.name === name);
    const shard = shards[index];
    // what we have never written is not ours to write; of a write of ours, its event may come before its answer
    if (shard === undefined || shard.digests.length === 0 || (digest && shard.digests.includes(digest))) return;
    onForeign(index);
  };
  const { entries, synced } = startReflector<string>(client, {
    resource: SECRETS,
    namespace,
    labelSelector: label,
    keep: (secret: SecretObject) => digestIn(secret),
    onChange: (key, _before, after) => compare(key.slice(namespace.length + 1), after),
    onTrouble,
    signal,
  });
  void (async () => {
    await synced;
    for (const { name } of shards) if (!entries.has(`${namespace}/${name}`)) compare(name, undefined);
  })();
}
