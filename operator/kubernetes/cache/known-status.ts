/** What is kept of a status: a tenth of its size, and all that the core or one of our writes asks about it. */
import { hash } from 'node:crypto';
import type { Condition } from '../../api/common.ts';
import { createPool } from './pool.ts';

export interface KnownStatus {
  /** Digest of all that the status says: whether it is the planned one. */
  readonly digest: string;
  /** Without their messages, which nothing is decided by. */
  readonly conditions: readonly Condition[];
  /** For a VerifiedSender: how it was verified. */
  readonly method?: unknown;
  readonly verifiedTime?: unknown;
  /** The mail that an Event was made for. */
  readonly challenge?: { readonly sentTime: unknown };
  /** Remembered nowhere else. */
  readonly lastUsedTime?: unknown;
  readonly traffic?: unknown;
  readonly quota?: unknown;
  readonly paused?: unknown;
}

/** One condition of thousands of objects is the same but for its message, as far as they were judged in one second. */
const POOL_MAX = 4096;
/** CRD bound of `status.conditions`. */
const CONDITIONS_MAX = 16;
const conditionPool = createPool<Condition>(POOL_MAX);

export function knownStatus(status: unknown): KnownStatus {
  const { conditions, method, verifiedTime, challenge, lastUsedTime, traffic, quota, paused } = status as Record<
    string,
    unknown
  > & {
    conditions?: readonly Condition[];
    challenge?: { readonly sentTime?: unknown };
  };
  return {
    digest: digestOf(status),
    conditions: (conditions ?? []).slice(0, CONDITIONS_MAX).map(withoutMessage),
    ...(method !== undefined && { method }),
    ...(verifiedTime !== undefined && { verifiedTime }),
    ...(challenge?.sentTime !== undefined && { challenge: { sentTime: challenge.sentTime } }),
    ...(lastUsedTime !== undefined && { lastUsedTime }),
    ...(traffic !== undefined && { traffic }),
    ...(quota !== undefined && { quota }),
    ...(paused !== undefined && { paused }),
  };
}

/** A status is asked for its digest when it is planned, compared, written and told of. */
const digests = new WeakMap<object, string>();

/**
 * Of plain data that nobody changes, whatever the order of its properties: the API server has an order of its own. Since when
 * it is so does not count: two plans that say the same differ in that where the first was made before there was a status.
 */
export function digestOf(value: unknown): string {
  const isObject = typeof value === 'object' && value !== null;
  const known = isObject ? digests.get(value) : undefined;
  if (known !== undefined) return known;
  const digest = hash('sha256', canonical(value), 'base64');
  if (isObject) digests.set(value, digest);
  return digest;
}

function withoutMessage(given: Condition): Condition {
  const { type, status, reason, lastTransitionTime, observedGeneration } = given;
  const condition = { type, status, reason, lastTransitionTime, message: '' };
  const kept = observedGeneration === undefined ? condition : { ...condition, observedGeneration };
  return conditionPool.share(JSON.stringify(kept), () => kept);
}

/** JSON with sorted properties. By hand: a replacer for JSON.stringify takes five times as long. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const record = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of Object.keys(record).sort()) {
    if (record[key] === undefined || key === 'lastTransitionTime') continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(record[key])}`;
  }
  return `{${text}}`;
}
