/**
 * Evidence about senders, in Secrets of the operator's own namespace: a fixed number of them, so that one look-up costs
 * one small write, and compressed, so that a hundred thousand senders fit under the limit of 1 MiB for each. A secret
 * of the installation decides which one an entry is in: a tenant who could predict that could fill the Secret that
 * others are in.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { shareRuns } from '../../../relay/share-runs.ts';
import type { EvidenceStore } from '../../verify/evidence-store.ts';
import type { KubeClient } from '../client/client.ts';
import { loadShard, writeShard, type EvidenceShard, type ShardPlace } from './evidence-shard.ts';
import type { EvidenceKind } from './evidence-kinds.ts';
import { watchEvidence } from './evidence-watch.ts';
import { messageOf } from '../../errors.ts';
import type { Installation } from '../../installation.ts';

/** What is found in this time is written at once. */
const GATHER_MS = 200;
/** Where somebody else changes it again and again, our own version is written this often. */
const REPAIR_APART_MS = 60_000;

interface Writing {
  /** A write that has not begun yet: whoever comes until then goes with it. */
  next: Promise<void> | undefined;
  last: Promise<void>;
}

export interface EvidenceSecrets<Entry> extends EvidenceStore<Entry> {
  /** Deletes notes that others have put into one of the Secrets, with the same write that keeps what came of them. */
  readonly take: (secretName: string, notes: readonly string[]) => Promise<void>;
  /** Begins no further write. Resolves when those have ended that were asked for: whoever reads next is to find them. */
  readonly close: () => Promise<void>;
}

export interface EvidenceOptions {
  readonly namespace: string;
  readonly installation: Pick<Installation, 'placeOf'>;
  readonly onTrouble: (message: string) => void;
}

/** Reads what there is. To be called once it is sure that nobody else writes. */
export async function openEvidenceSecrets<Entry extends object>(
  client: KubeClient,
  kind: EvidenceKind<Entry>,
  options: EvidenceOptions,
): Promise<EvidenceSecrets<Entry>> {
  const { onTrouble } = options;
  const place: ShardPlace<Entry> = { client, kind, ...options };
  const shards = await Promise.all(Array.from({ length: kind.shards }, (_, index) => loadShard(place, index)));
  const writes: readonly Writing[] = shards.map(() => ({ next: undefined, last: Promise.resolve() }));

  function indexOf(key: string): number {
    return options.installation.placeOf(key, kind.shards);
  }

  function entriesOf(key: string): EvidenceShard<Entry>['entries'] {
    return shards[indexOf(key)]?.entries ?? new Map();
  }

  let isClosed = false;

  function save(index: number): Promise<void> {
    if (isClosed) return Promise.reject(new Error('this operator is ending'));
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

  await bringHome(shards, { indexOf, save });

  const ending = new AbortController();
  const repairs = shards.map((_, index) => shareRuns(() => save(index), { intervalMs: REPAIR_APART_MS }));
  watchEvidence(client, {
    ...options,
    label: kind.label,
    shards,
    signal: ending.signal,
    onForeign: (index) => {
      const what = `Secret ${options.namespace}/${shards[index]?.name}, which somebody has deleted or changed,`;
      repairs[index]?.().catch((error: unknown) => {
        if (!isClosed) onTrouble(`${what} could not be written again: ${messageOf(error)}`);
      });
    },
  });

  return {
    of: (key) => entriesOf(key).get(key),
    keptOf: (key) => shards[indexOf(key)]?.kept.get(key),
    all: () => shards.flatMap(({ entries }) => Array.from(entries)),
    keep: async (key, parts) => {
      const entries = entriesOf(key);
      entries.set(key, { ...entries.get(key), ...parts } as Entry);
      await save(indexOf(key));
    },
    forget: async (keys) => {
      for (const key of keys) entriesOf(key).delete(key);
      await Promise.all([...new Set(keys.map(indexOf))].map(save));
    },
    take: async (secretName, notes) => {
      const index = shards.findIndex(({ name }) => name === secretName);
      for (const note of notes) shards[index]?.taken.add(note);
      await save(index);
    },
    close: async () => {
      isClosed = true;
      ending.abort();
      await Promise.allSettled(writes.map(({ next, last }) => next ?? last));
    },
  };
}

/**
 * Entries that are in another Secret than theirs: earlier versions have put them there. They are in both before they
 * leave one.
 */
async function bringHome<Entry>(
  shards: readonly EvidenceShard<Entry>[],
  { indexOf, save }: { readonly indexOf: (key: string) => number; readonly save: (index: number) => Promise<void> },
): Promise<void> {
  const strays = shards.flatMap(({ entries }, index) =>
    [...entries].filter(([key]) => indexOf(key) !== index).map(([key, entry]) => ({ key, entry, index })),
  );
  const saveAll = (indices: readonly number[]) => Promise.all([...new Set(indices)].map(save));
  for (const { key, entry } of strays) {
    const home = shards[indexOf(key)]?.entries;
    if (home?.has(key) === false) home.set(key, entry);
  }
  await saveAll(strays.map(({ key }) => indexOf(key)));
  for (const { key, index } of strays) shards[index]?.entries.delete(key);
  await saveAll(strays.map(({ index }) => index));
}
