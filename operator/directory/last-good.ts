/**
 * The last good version of each object, by the file that it was in, so that a slip revokes nobody, not even after a
 * restart. They contain what the manifests contain, Secrets included.
 */
import { z } from 'zod';
import type { Manifest } from '../manifests/parse.ts';
import { openBuckets } from './buckets.ts';

export interface LastGood {
  /** By absolute path of the file. */
  readonly files: ReadonlyMap<string, readonly Manifest[]>;
  /** Replaces all of it. What has not changed is not written. */
  readonly save: (files: ReadonlyMap<string, readonly Manifest[]>) => Promise<void>;
  /** What could not be read of it. */
  readonly problems: readonly string[];
}

const objects = z.array(
  z.object({
    kind: z.enum(['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender', 'Secret', 'Namespace']),
    namespace: z.string(),
    name: z.string(),
    value: z.record(z.string(), z.unknown()),
  }),
);
type StoredObject = z.infer<typeof objects>[number];

export async function openLastGood(folder: string): Promise<LastGood> {
  const { entries, problems, save } = await openBuckets(folder, objects);
  const files = [...entries].map(([file, stored]) => [file, stored.map((one) => manifestOf(file, one))] as const);
  let saved: ReadonlyMap<string, readonly Manifest[]> = new Map(files);
  return {
    files: saved,
    problems,
    save: async (next) => {
      const changed = changedFiles(saved, next);
      if (changed.length > 0) await save(changed, stored(next));
      saved = next;
    },
  };
}

function* stored(files: ReadonlyMap<string, readonly Manifest[]>) {
  for (const [file, manifests] of files) {
    const plain = manifests.map(({ kind, namespace, name, value }): StoredObject => ({ kind, namespace, name, value }));
    yield [file, plain] as const;
  }
}

/** The same objects are the same manifests, by identity. */
function changedFiles(
  before: ReadonlyMap<string, readonly Manifest[]>,
  next: ReadonlyMap<string, readonly Manifest[]>,
): readonly string[] {
  const isSame = (a: readonly Manifest[] = [], b: readonly Manifest[] = []): boolean =>
    a.length === b.length && a.every((manifest, i) => manifest.value === b[i]?.value);
  const paths = new Set([...before.keys(), ...next.keys()]);
  return [...paths].filter((path) => !isSame(before.get(path), next.get(path)));
}

/** Its lines are not known any more. */
function manifestOf(file: string, object: StoredObject): Manifest {
  const source = { file, line: 1, column: 1 };
  return { ...object, source, locate: () => source };
}
