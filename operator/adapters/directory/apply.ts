/** Carries a plan out: Secrets, statuses and relay configuration as files of the state folder. Dumb on purpose. */
import { join } from 'node:path';
import { CLASS_FILE_NAME, shardFileName } from '../../../relay/config.ts';
import type { RelayDocuments } from '../../../relay/config.ts';
import { keyOf } from '../../core/model.ts';
import type { Plan, RawObject } from '../../core/model.ts';
import { isNamespaceName, isObjectName } from './classify.ts';
import { formatSecret, formatStatus, secretPath, statusPath } from './documents.ts';
import { hashSpec, memoryKey } from './memory.ts';
import type { Memory } from './memory.ts';
import { createMirror } from './mirror.ts';

/** A manifest that moves from one file to another is gone for a moment: its password must outlive that. */
const SECRET_GRACE_MS = 5000;

export interface ApplyOptions {
  /** The state folder. */
  readonly state: string;
  readonly relayClass: string;
  readonly memory: Memory;
}

export interface Applied {
  /** When Secrets that nothing wants any more are to be looked at again. */
  readonly nextLook?: Date;
}

/** @param incomplete some manifests could not be read: what is not in the plan may still be wanted, and is kept. */
export type Apply = (
  plan: Plan,
  context: { readonly objects: readonly RawObject[]; readonly incomplete: boolean; readonly now: Date },
) => Promise<Applied>;

export function createApplier({ state, relayClass, memory }: ApplyOptions): Apply {
  const secrets = createMirror(join(state, 'secrets'));
  const statuses = createMirror(join(state, 'status'));
  const relay = createMirror(join(state, 'relay'));
  /** Unwanted Secrets, and since when (milliseconds). */
  const unwanted = new Map<string, number>();

  async function applySecrets(plan: Plan, incomplete: boolean, now: number): Promise<Applied> {
    await secrets.write(new Map(plan.secrets.map((secret) => [safePath(secret), formatSecret(secret)])));
    const candidates = new Set(incomplete ? [] : plan.secretsToDelete);
    for (const key of unwanted.keys()) if (!candidates.has(key)) unwanted.delete(key);
    for (const key of candidates) if (!unwanted.has(key)) unwanted.set(key, now);
    const due = [...unwanted].filter(([, since]) => now - since >= SECRET_GRACE_MS).map(([key]) => key);
    await secrets.remove(due.map((key) => `${key}.yaml`));
    for (const key of due) unwanted.delete(key);
    const [oldest] = unwanted.values();
    return oldest === undefined ? {} : { nextLook: new Date(oldest + SECRET_GRACE_MS) };
  }

  async function applyStatuses(plan: Plan, objects: readonly RawObject[], incomplete: boolean): Promise<void> {
    const hashes = new Map(objects.map(({ kind, meta, spec }) => [memoryKey({ kind, ...meta }), hashSpec(spec)]));
    const files = new Map<string, string>();
    for (const status of plan.statuses) {
      const key = memoryKey({ kind: status.kind, ...status.meta });
      const specHash = hashes.get(key) ?? '';
      files.set(statusPath(status), formatStatus(status, specHash));
      const { uid, generation } = status.meta;
      memory.remember({ kind: status.kind, ...status.meta }, { uid, generation, specHash, status: status.status });
    }
    await statuses.write(files);
    if (incomplete) return;
    memory.forgetAllBut(new Set(hashes.keys()));
    await statuses.keepOnly(new Set(files.keys()));
  }

  return async (plan, { objects, incomplete, now }) => {
    // Secrets first: a verifier in force whose password was never written down would lock its user out
    const applied = await applySecrets(plan, incomplete, now.getTime());
    const documents = plan.relays.get(relayClass);
    if (documents !== undefined) await relay.write(relayFiles(documents));
    await applyStatuses(plan, objects, incomplete);
    return applied;
  };
}

/** The documents of a relay class by file name. */
export function relayFiles(documents: RelayDocuments): ReadonlyMap<string, string> {
  const files = new Map([[CLASS_FILE_NAME, formatJson(documents.class)]]);
  for (const [index, shard] of documents.shards.entries()) files.set(shardFileName(index), formatJson(shard));
  return files;
}

function formatJson(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** The core checks names too; a slip there must not write outside of the state folder. */
function safePath(secret: { readonly namespace: string; readonly name: string }): string {
  if (!isNamespaceName(secret.namespace) || !isObjectName(secret.name)) {
    throw new Error(`refusing to write Secret ${keyOf(secret)}: no valid name`);
  }
  return secretPath(secret);
}
