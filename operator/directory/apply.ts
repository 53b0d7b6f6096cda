/** Carries a plan out: Secrets, statuses and relay configuration as files of the state folder. Dumb on purpose. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CLASS_FILE_NAME, shardFileName } from '../../relay/config.ts';
import type { RelayDocuments } from '../../relay/config.ts';
import type { Plan, RawObject } from '../core/model.ts';
import { hashSpec, memoryKey } from './memory.ts';
import type { Memory } from './memory.ts';
import { createMirror, textFile } from './mirror.ts';
import type { MirrorFile } from './mirror.ts';
import type { Deletions } from './deletions.ts';
import { formatStatus, statusPath } from './state-files.ts';
import type { OwnSecrets } from './own-secrets.ts';

export interface ApplyOptions {
  /** The state folder. */
  readonly state: string;
  readonly relayClass: string;
  readonly memory: Memory;
  readonly secrets: OwnSecrets;
  readonly deletions: Deletions;
}

/** What a plan is about: the objects that it was made of. */
export interface PlanContext {
  readonly objects: readonly RawObject[];
  /** Some manifests could not be read, or understood: what is not in the plan may still be wanted, and is kept. */
  readonly incomplete: boolean;
  readonly now: Date;
}

export interface Applier {
  /**
   * Resolves to the time when Secrets that nothing wants any more are to be looked at again, and whether any was written:
   * the relay is told of a new password by the plan after it.
   */
  readonly secrets: (
    plan: Plan,
    context: PlanContext,
  ) => Promise<{ readonly nextLook: Date | undefined; readonly isChanged: boolean }>;
  /** Resolves to the hashes that the relay will report, and whether any document is new. */
  readonly relay: (plan: Plan) => Promise<{ readonly hashes: RelayHashes; readonly isChanged: boolean }>;
  readonly statuses: (plan: Plan, context: PlanContext) => Promise<void>;
}

/** SHA-256 (hex) of each configuration document, by file name. */
export type RelayHashes = Readonly<Record<string, string>>;

export function createApplier({ state, relayClass, memory, secrets, deletions }: ApplyOptions): Applier {
  // made anew from the manifests, where a loss of power takes them
  const statuses = createMirror(join(state, 'status'), { isDurable: false, known: memory.files });
  const relay = createMirror(join(state, 'relay'), { isDurable: false });

  return {
    secrets: async (plan, { objects, incomplete, now }) => {
      const written = await secrets.write(plan.secrets);
      const { due, nextLook } = deletions.due({
        unwanted: plan.secretsToDelete,
        total: plan.secrets.length + plan.secretsToDelete.length,
        isEmpty: objects.length === 0,
        incomplete,
        now: now.getTime(),
      });
      await secrets.remove(due);
      return { nextLook, isChanged: written > 0 };
    },
    relay: async (plan) => {
      const documents = plan.relays.get(relayClass);
      const files = documents === undefined ? new Map<string, MirrorFile>() : relayFiles(documents);
      const written = await relay.write(files);
      return {
        hashes: Object.fromEntries([...files].map(([name, { hash }]) => [name, hash])),
        isChanged: written > 0,
      };
    },
    statuses: async (plan, { objects, incomplete }) => {
      const specHashes = new Map(objects.map(({ kind, meta, spec }) => [memoryKey({ kind, ...meta }), hashSpec(spec)]));
      const files = new Map<string, MirrorFile>();
      for (const { kind, meta, status } of plan.statuses) {
        const object = { kind, namespace: meta.namespace, name: meta.name };
        const specHash = specHashes.get(memoryKey(object)) ?? '';
        const hash = sha256(JSON.stringify([meta, status, specHash]));
        files.set(statusPath({ kind, meta }), { hash, format: () => formatStatus({ kind, meta, status }) });
        memory.remember(object, { generation: meta.generation, status, specHash }, hash);
      }
      await statuses.write(files);
      if (!incomplete) {
        memory.forgetAllBut(new Set(specHashes.keys()));
        await statuses.keepOnly(new Set(files.keys()));
      }
      await memory.save();
    },
  };
}

/** The documents of a relay class by file name. */
function relayFiles(documents: RelayDocuments): ReadonlyMap<string, MirrorFile> {
  const files = new Map([[CLASS_FILE_NAME, jsonFile(documents.class)]]);
  for (const [index, shard] of documents.shards.entries()) files.set(shardFileName(index), jsonFile(shard));
  return files;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function jsonFile(document: unknown): MirrorFile {
  return textFile(`${JSON.stringify(document, undefined, 2)}\n`);
}
