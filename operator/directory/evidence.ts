/** Evidence about senders, in the state folder. A loss of power may take the last of it: then it is looked up again. */
import type { z } from 'zod';
import { shareRuns } from '../../relay/share-runs.ts';
import type { EvidenceStore } from '../verify/evidence-store.ts';
import { openBuckets } from './buckets.ts';

export interface EvidenceFolder<Entry> extends EvidenceStore<Entry> {
  /** Another map where anything differs. */
  readonly all: () => ReadonlyMap<string, Entry>;
  /** By the same measure as `keptOf`. */
  readonly allKept: () => ReadonlyMap<string, Entry>;
}

/** What is damaged is named in `problems`, and is as good as lost. */
export async function openEvidence<Entry extends object>(
  folder: string,
  schema: z.ZodType<Entry>,
): Promise<{ readonly evidence: EvidenceFolder<Entry>; readonly problems: readonly string[] }> {
  const buckets = await openBuckets(folder, schema);
  const known = new Map(buckets.entries);
  let kept: ReadonlyMap<string, Entry> = new Map(known);
  /** Made when somebody asks. */
  let copy: ReadonlyMap<string, Entry> | undefined;
  /** What is not written yet. */
  const changed = new Set<string>();
  /** Each write writes whole files: whatever comes while one is under way goes with the next. */
  const write = shareRuns(async () => {
    const keys = [...changed];
    changed.clear();
    const saved = new Map(known);
    try {
      await buckets.save(keys, saved);
      kept = saved;
    } catch (error) {
      for (const key of keys) changed.add(key);
      throw error;
    }
  });

  function save(keys: readonly string[]): Promise<void> {
    copy = undefined;
    for (const key of keys) changed.add(key);
    return write();
  }

  const evidence: EvidenceFolder<Entry> = {
    of: (key) => known.get(key),
    keptOf: (key) => kept.get(key),
    allKept: () => kept,
    all: () => (copy ??= new Map(known)),
    keep: (key, parts) => {
      known.set(key, { ...known.get(key), ...parts } as Entry);
      return save([key]);
    },
    forget: async (keys) => {
      for (const key of keys) known.delete(key);
      if (keys.length > 0) await save(keys);
    },
  };
  return { evidence, problems: buckets.problems };
}
