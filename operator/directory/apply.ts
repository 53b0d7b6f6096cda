/**
 * Carries out a plan: Secrets, statuses and the relay's configuration, as files of the state folder. Dumb on purpose.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CLASS_FILE_NAME, shardFileName } from '../../relay/config/config.ts';
import type { RelayDocuments } from '../../relay/config/config.ts';
import type { ObjectMeta, Plan, RawObject } from '../core/model.ts';
import { hashSpec, memoryKey } from './memory.ts';
import type { Memory } from './memory.ts';
import { createMirror, textFile } from './mirror.ts';
import type { MirrorFile } from './mirror.ts';
import type { Deletions } from './deletions.ts';
import { formatStatus, statusPath } from './state-files.ts';
import type { SecretFiles } from './secret-files.ts';
import { RELAY_FOLDER } from './relay-folder.ts';

export interface ApplyOptions {
  /** The state folder. */
  readonly state: string;
  readonly relayClass: string;
  readonly memory: Memory;
  readonly secrets: SecretFiles;
  readonly deletions: Deletions;
}

/** What a plan is about: the objects that it was made of. */
export interface PlanContext {
  readonly objects: readonly RawObject[];
  /** Some manifests could not be read, or understood: what is not in the plan may still be wanted, and is kept. */
  readonly incomplete: boolean;
  /** Whether to see to files of ours that somebody else may have changed or deleted, too. */
  readonly looks: boolean;
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
  readonly relay: (
    plan: Plan,
    context: PlanContext,
  ) => Promise<{ readonly hashes: RelayHashes; readonly isChanged: boolean }>;
  readonly statuses: (plan: Plan, context: PlanContext) => Promise<void>;
}

/** SHA-256 (hex) of each configuration document, by file name. */
export type RelayHashes = Readonly<Record<string, string>>;

export function createApplier({ state, relayClass, memory, secrets, deletions }: ApplyOptions): Applier {
  // made anew from the manifests, where a loss of power takes them
  const statuses = createMirror(join(state, 'status'), { isDurable: false, known: memory.files });
  const relay = createMirror(join(state, RELAY_FOLDER), { isDurable: false });
  const hashStatus = rememberingHashes();

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
    relay: async (plan, { looks }) => {
      const documents = plan.relays.get(relayClass);
      const files = documents === undefined ? new Map<string, MirrorFile>() : relayFiles(documents);
      const written = await relay.write(files, { looks });
      return {
        hashes: Object.fromEntries([...files].map(([name, { hash }]) => [name, hash])),
        isChanged: written > 0,
      };
    },
    statuses: async (plan, { objects, incomplete, looks }) => {
      const specHashes = new Map(objects.map(({ kind, meta, spec }) => [memoryKey({ kind, ...meta }), hashSpec(spec)]));
      const files = new Map<string, MirrorFile>();
      for (const { kind, meta, status } of plan.statuses) {
        const object = { kind, namespace: meta.namespace, name: meta.name };
        const specHash = specHashes.get(memoryKey(object)) ?? '';
        const hash = hashStatus(meta, status, specHash);
        files.set(statusPath({ kind, meta }), { hash, format: () => formatStatus({ kind, meta, status }) });
        memory.remember(object, { generation: meta.generation, status, specHash }, hash);
      }
      await statuses.write(files, { looks });
      if (!incomplete) {
        await statuses.keepOnly(new Set(files.keys()), { looks });
        memory.forgetAllBut(new Set(specHashes.keys()));
      }
      await memory.save();
    },
  };
}

/** Hashes of what becomes a status file. What has not been planned anew is the same status, by identity. */
function rememberingHashes() {
  const known = new WeakMap<object, { readonly meta: ObjectMeta; readonly specHash: string; readonly hash: string }>();
  return (meta: ObjectMeta, status: object, specHash: string): string => {
    const before = known.get(status);
    if (before?.meta === meta && before.specHash === specHash) return before.hash;
    const hash = createHash('sha256')
      .update(JSON.stringify([meta, status, specHash]))
      .digest('base64');
    known.set(status, { meta, specHash, hash });
    return hash;
  };
}

/** The documents of a relay class by file name. */
function relayFiles(documents: RelayDocuments): ReadonlyMap<string, MirrorFile> {
  const files = new Map([[CLASS_FILE_NAME, jsonFile(documents.class)]]);
  for (const [index, shard] of documents.shards.entries()) files.set(shardFileName(index), jsonFile(shard));
  return files;
}

function jsonFile(document: unknown): MirrorFile {
  return textFile(`${JSON.stringify(document, undefined, 2)}\n`);
}
