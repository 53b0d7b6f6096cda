/**
 * What the state folder remembers of objects: the generation of each, and its status as last written. An API server counts
 * generations; where manifests are files, a generation is one more for each spec that differs from the last.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Kind } from '../../core/model.ts';
import { asRecord, SPEC_HASH_ANNOTATION, texts } from '../../manifests/documents.ts';
import { listFiles } from './mirror.ts';
import { readBounded } from '../../manifests/walk.ts';

interface Remembered {
  /** Tells whether the spec has changed since. */
  readonly specHash: string;
  readonly uid: string;
  readonly generation: number;
  readonly status: unknown;
}

export interface Memory {
  /** Generation of an object with this spec. */
  readonly generationOf: (object: ObjectKey, specHash: string) => number;
  readonly statusOf: (object: ObjectKey) => unknown;
  /** `hash` tells whether anything differs: what doesn't stays the same object, so that nothing is decided anew. */
  readonly remember: (object: ObjectKey, remembered: Remembered, hash: string) => void;
  readonly forgetAllBut: (keys: ReadonlySet<string>) => void;
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

/** Hash of a spec as written; the order of its fields counts, which costs a generation at most. */
export function hashSpec(spec: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(spec) ?? '')
    .digest('base64url');
}

/** What the status folder holds. A file in it that is damaged is named in `problems`, and its object starts afresh. */
export async function openMemory(
  folder: string,
): Promise<{ readonly memory: Memory; readonly problems: readonly string[] }> {
  const known = new Map<string, Remembered>();
  const problems: string[] = [];
  for (const path of await listFiles(folder)) {
    // a half-written file of a process that was killed
    if (!path.endsWith('.yaml') || path.includes('/.')) continue;
    const remembered = await readStatus(join(folder, path));
    if ('problem' in remembered) problems.push(`${join(folder, path)} ${remembered.problem}; it is made anew`);
    else known.set(path.slice(0, -'.yaml'.length), remembered);
  }
  return { memory: createMemory(known), problems };
}

function createMemory(known: Map<string, Remembered>): Memory {
  const hashes = new Map<string, string>();
  return {
    generationOf: (object, specHash) => {
      const before = known.get(memoryKey(object));
      if (before === undefined) return 1;
      return before.specHash === specHash ? before.generation : before.generation + 1;
    },
    statusOf: (object) => known.get(memoryKey(object))?.status,
    remember: (object, remembered, hash) => {
      const key = memoryKey(object);
      if (hashes.get(key) === hash) return;
      hashes.set(key, hash);
      known.set(key, remembered);
    },
    forgetAllBut: (keys) => {
      for (const key of known.keys()) {
        if (keys.has(key)) continue;
        known.delete(key);
        hashes.delete(key);
      }
    },
  };
}

async function readStatus(path: string): Promise<Remembered | { readonly problem: string }> {
  const read = await readBounded(path);
  if ('problem' in read) return read;
  let value: unknown;
  try {
    value = parse(read.text, { version: '1.1', maxAliasCount: 0, logLevel: 'silent' });
  } catch {
    return { problem: 'is no YAML' };
  }
  const metadata = asRecord(asRecord(value)['metadata']);
  const { uid, generation } = metadata;
  const { [SPEC_HASH_ANNOTATION]: specHash } = texts(metadata['annotations']);
  const isWhole = typeof uid === 'string' && Number.isSafeInteger(generation) && specHash !== undefined;
  if (!isWhole) return { problem: 'is no status as written here' };
  return { uid, generation: Number(generation), specHash, status: asRecord(value)['status'] };
}
