/**
 * What the state folder remembers about objects: the generation of each, and its status as last written. An API server
 * counts generations; for files, the generation goes up with each spec that differs from the last. It is kept beside
 * the status files, which are for people, so that a start need not read a thousand of those.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Kind } from '../core/model.ts';
import { openBuckets } from './buckets.ts';
import type { KnownFiles } from './mirror.ts';

const remembered = z.object({
  /** Tells whether the spec has changed since. */
  specHash: z.string(),
  generation: z.number().int(),
  status: z.unknown(),
  /** The status file as last written. */
  file: z.object({ stamp: z.string(), hash: z.string() }).optional(),
});

type Remembered = Omit<z.infer<typeof remembered>, 'file'>;

export interface Memory {
  /** Generation of an object with this spec. */
  readonly generationOf: (object: ObjectKey, specHash: string) => number;
  readonly statusOf: (object: ObjectKey) => unknown;
  /** `hash` tells whether anything differs: what doesn't stays the same object, so that nothing is decided anew. */
  readonly remember: (object: ObjectKey, remembered: Remembered, hash: string) => void;
  readonly forgetAllBut: (keys: ReadonlySet<string>) => void;
  /** For the mirror of status files, by path. */
  readonly files: KnownFiles;
  /** Writes down what has changed. */
  readonly save: () => Promise<void>;
}

export interface ObjectKey {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** `KIND/NAMESPACE/NAME`. */
export function memoryKey(object: ObjectKey): string {
  return `${object.kind}/${object.namespace}/${object.name}`;
}

/** By identity: what was read once is not changed. */
const specHashes = new WeakMap<object, string>();

/** Hash of a spec as written; the order of its fields counts, which costs a generation at most. */
export function hashSpec(spec: unknown): string {
  if (typeof spec !== 'object' || spec === null) return hashOf(spec);
  const hash = specHashes.get(spec) ?? hashOf(spec);
  specHashes.set(spec, hash);
  return hash;
}

function hashOf(spec: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(spec) ?? '')
    .digest('base64url');
}

/** What is damaged is named in `problems`, and its objects start afresh. */
export async function openMemory(
  folder: string,
): Promise<{ readonly memory: Memory; readonly problems: readonly string[] }> {
  const buckets = await openBuckets(folder, remembered);
  const known = new Map<string, Remembered>();
  const files: KnownFiles = new Map();
  const hashes = new Map<string, string>();
  for (const [key, { file, ...rest }] of buckets.entries) {
    known.set(key, rest);
    if (file === undefined) continue;
    files.set(`${key}.yaml`, file);
    hashes.set(key, file.hash);
  }
  const changed = new Set<string>();
  const memory: Memory = {
    generationOf: (object, specHash) => {
      const before = known.get(memoryKey(object));
      if (before === undefined) return 1;
      return before.specHash === specHash ? before.generation : before.generation + 1;
    },
    statusOf: (object) => known.get(memoryKey(object))?.status,
    remember: (object, now, hash) => {
      const key = memoryKey(object);
      if (hashes.get(key) === hash) return;
      hashes.set(key, hash);
      known.set(key, now);
      changed.add(key);
    },
    forgetAllBut: (keys) => {
      for (const key of known.keys()) {
        if (keys.has(key)) continue;
        known.delete(key);
        hashes.delete(key);
        files.delete(`${key}.yaml`);
        changed.add(key);
      }
    },
    files,
    save: async () => {
      if (changed.size === 0) return;
      await buckets.save(changed, entriesOf(known, files));
      changed.clear();
    },
  };
  return { memory, problems: buckets.problems };
}

function* entriesOf(known: ReadonlyMap<string, Remembered>, files: KnownFiles) {
  for (const [key, one] of known) yield [key, { ...one, file: files.get(`${key}.yaml`) }] as const;
}
