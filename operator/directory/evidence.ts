/** Evidence about senders in the state folder. A loss of power may take the last of it: it is asked for again. */
import type { SenderEvidence } from '../core/model.ts';
import { evidenceSchema } from '../verify/evidence.ts';
import type { EvidenceStore } from '../verify/evidence-store.ts';
import { createPastSenders } from '../verify/past-senders.ts';
import { openBuckets } from './buckets.ts';

export interface EvidenceFolder extends EvidenceStore {
  /** Another map where anything differs. */
  readonly all: () => ReadonlyMap<string, SenderEvidence>;
}

/** What is damaged is named in `problems`, and looked up again. */
export async function openEvidence(
  folder: string,
): Promise<{ readonly evidence: EvidenceFolder; readonly problems: readonly string[] }> {
  const buckets = await openBuckets(folder, evidenceSchema);
  let known: ReadonlyMap<string, SenderEvidence> = buckets.entries;
  const past = createPastSenders();
  /** One write after the other: each writes whole files. */
  let writing: Promise<void> = Promise.resolve();

  function save(after: ReadonlyMap<string, SenderEvidence>, changed: readonly string[]): Promise<void> {
    known = after;
    const ignore = (): undefined => undefined;
    writing = writing.then(ignore, ignore).then(() => buckets.save(changed, known));
    return writing;
  }

  const evidence: EvidenceFolder = {
    of: (sender) => known.get(sender),
    all: () => known,
    keep: (sender, parts) => save(new Map(known).set(sender, { ...known.get(sender), ...parts }), [sender]),
    tidy: async (isThere, now) => {
      const expired = new Set(past.expired(known.keys(), isThere, now));
      if (expired.size === 0) return;
      await save(new Map([...known].filter(([sender]) => !expired.has(sender))), [...expired]);
    },
  };
  return { evidence, problems: buckets.problems };
}
