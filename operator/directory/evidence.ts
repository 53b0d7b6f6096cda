/** Evidence about senders in the state folder. A loss of power may take the last of it: it is asked for again. */
import type { z } from 'zod';
import type { EvidenceStore } from '../verify/evidence-store.ts';
import { openBuckets } from './buckets.ts';

export interface EvidenceFolder<Entry> extends EvidenceStore<Entry> {
  /** Another map where anything differs. */
  readonly all: () => ReadonlyMap<string, Entry>;
}

/** What is damaged is named in `problems`, and is as good as lost. */
export async function openEvidence<Entry extends object>(
  folder: string,
  schema: z.ZodType<Entry>,
): Promise<{ readonly evidence: EvidenceFolder<Entry>; readonly problems: readonly string[] }> {
  const buckets = await openBuckets(folder, schema);
  let known: ReadonlyMap<string, Entry> = buckets.entries;
  /** One write after the other: each writes whole files. */
  let writing: Promise<void> = Promise.resolve();

  function save(after: ReadonlyMap<string, Entry>, changed: readonly string[]): Promise<void> {
    known = after;
    const ignore = (): undefined => undefined;
    writing = writing.then(ignore, ignore).then(() => buckets.save(changed, known));
    return writing;
  }

  const evidence: EvidenceFolder<Entry> = {
    of: (key) => known.get(key),
    all: () => known,
    keep: (key, parts) => save(new Map(known).set(key, { ...known.get(key), ...parts } as Entry), [key]),
    forget: async (keys) => {
      const gone = new Set(keys);
      if (gone.size > 0) await save(new Map([...known].filter(([key]) => !gone.has(key))), keys);
    },
  };
  return { evidence, problems: buckets.problems };
}
