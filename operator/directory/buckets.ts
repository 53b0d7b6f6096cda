/**
 * A map on disk, in a few JSON files: few enough to be read at once at a start, many enough that one change rewrites a
 * small one. For what can be made anew: a loss of power may take the last change.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../api/plain-data.ts';
import { shardOf } from '../../relay/config/config.ts';
import { inParallel } from '../manifests/parallel.ts';
import { readBounded } from '../manifests/walk.ts';
import { createMirror, textFile } from './mirror.ts';

export interface Buckets<Value> {
  /** As they were when they were opened. */
  readonly entries: ReadonlyMap<string, Value>;
  /** What could not be read. */
  readonly problems: readonly string[];
  /** Writes the buckets of these keys, given all entries. */
  readonly save: (changed: Iterable<string>, entries: Iterable<readonly [string, Value]>) => Promise<void>;
}

const COUNT = 32;
const NAMES = Array.from({ length: COUNT }, (_, index) => `${String(index).padStart(2, '0')}.json`);

export async function openBuckets<Value>(folder: string, schema: z.ZodType<Value>): Promise<Buckets<Value>> {
  const mirror = createMirror(folder, { isDurable: false });
  const bucketSchema = z.record(z.string(), schema);
  const problems: string[] = [];
  const read = await inParallel(NAMES, async (name) => {
    const path = join(folder, name);
    const file = await readBounded(path);
    if ('problem' in file) {
      if (file.code !== 'ENOENT') problems.push(`${path} ${file.problem}; it is made anew`);
      return [];
    }
    const bucket = bucketSchema.safeParse(parseJson(file.text));
    if (!bucket.success) problems.push(`${path} is damaged; it is made anew`);
    return Object.entries(bucket.data ?? {});
  });
  return {
    entries: new Map(read.flat()),
    problems,
    save: async (changed, entries) => {
      const buckets = new Map<string, Record<string, Value>>([...changed].map((key) => [bucketOf(key), {}]));
      for (const [key, value] of entries) {
        const bucket = buckets.get(bucketOf(key));
        if (bucket !== undefined) bucket[key] = value;
      }
      const files = [...buckets].map(([name, bucket]) => [name, textFile(`${JSON.stringify(bucket)}\n`)] as const);
      await mirror.write(new Map(files), { looks: true });
    },
  };
}

function bucketOf(key: string): string {
  return NAMES[shardOf(key, COUNT)] ?? '';
}
