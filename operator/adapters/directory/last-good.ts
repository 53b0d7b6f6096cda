/**
 * Objects as they were taken last, by the file that they stood in, so that a slip revokes nobody, a restart included.
 * They hold what the manifests hold, Secrets too.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { shardOf } from '../../../relay/config.ts';
import type { Manifest } from '../../manifests/parse.ts';
import { readBounded } from '../../manifests/walk.ts';
import { createMirror, textFile } from './mirror.ts';

export interface LastGood {
  /** By absolute path of the file. */
  readonly files: ReadonlyMap<string, readonly Manifest[]>;
  /** Replaces all of it. What has not changed is not written. */
  readonly save: (files: ReadonlyMap<string, readonly Manifest[]>) => Promise<void>;
  /** What could not be read of it. */
  readonly problems: readonly string[];
}

/** Files are spread over this many, so that one edit rewrites a small one. */
const BUCKETS = 32;

const objectSchema = z.object({
  kind: z.enum(['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender', 'Secret', 'Namespace']),
  namespace: z.string(),
  name: z.string(),
  value: z.record(z.string(), z.unknown()),
});
const bucketSchema = z.record(z.string(), z.array(objectSchema));

export async function openLastGood(folder: string): Promise<LastGood> {
  const mirror = createMirror(folder, { isDurable: false });
  const files = new Map<string, readonly Manifest[]>();
  const problems: string[] = [];
  for (const name of bucketNames) {
    const path = join(folder, name);
    const read = await readBounded(path);
    if ('problem' in read) {
      if (read.code !== 'ENOENT') problems.push(`${path} ${read.problem}`);
      continue;
    }
    const bucket = bucketSchema.safeParse(parseJson(read.text));
    if (!bucket.success) problems.push(`${path} is damaged`);
    for (const [file, objects] of Object.entries(bucket.data ?? {})) {
      files.set(
        file,
        objects.map((object) => manifestOf(file, object)),
      );
    }
  }
  let saved: ReadonlyMap<string, readonly Manifest[]> | undefined;
  return {
    files,
    problems,
    save: async (next) => {
      const changed = changedBuckets(saved, next);
      const texts = bucketNames.map((_, index) => [index, new Map<string, readonly Manifest[]>()] as const);
      const buckets = new Map(texts.filter(([index]) => changed.has(index)));
      for (const [file, objects] of next) buckets.get(bucketOf(file))?.set(file, objects);
      await mirror.write(
        new Map([...buckets].map(([index, bucket]) => [bucketNames[index] ?? '', textFile(formatBucket(bucket))])),
      );
      if (saved === undefined) await mirror.keepOnly(new Set(bucketNames));
      saved = next;
    },
  };
}

const bucketNames = Array.from({ length: BUCKETS }, (_, index) => `${String(index).padStart(2, '0')}.json`);

function bucketOf(file: string): number {
  return shardOf(file) % BUCKETS;
}

/** The same objects are the same manifests, by identity. */
function changedBuckets(
  before: ReadonlyMap<string, readonly Manifest[]> | undefined,
  next: ReadonlyMap<string, readonly Manifest[]>,
): ReadonlySet<number> {
  if (before === undefined) return new Set(bucketNames.keys());
  const isSame = (a: readonly Manifest[] = [], b: readonly Manifest[] = []): boolean =>
    a.length === b.length && a.every((manifest, i) => manifest.value === b[i]?.value);
  const paths = [...new Set([...before.keys(), ...next.keys()])];
  return new Set(paths.filter((path) => !isSame(before.get(path), next.get(path))).map(bucketOf));
}

function formatBucket(bucket: ReadonlyMap<string, readonly Manifest[]>): string {
  const plain = [...bucket].map(([file, objects]) => [
    file,
    objects.map(({ kind, namespace, name, value }) => ({ kind, namespace, name, value })),
  ]);
  return `${JSON.stringify(Object.fromEntries(plain))}\n`;
}

/** Its lines are not known any more. */
function manifestOf(file: string, object: z.infer<typeof objectSchema>): Manifest {
  const source = { file, line: 1, column: 1 };
  return { ...object, source, locate: () => source };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
