/** API objects as the core sees them. Whatever is not in here takes no memory. */
import type { Kind, ObjectMeta, RawObject, SecretView } from '../../core/model.ts';
import { isEqual } from '../../core/equal.ts';
import { decodeValues, ownershipOf, secretOwner } from '../../manifests/secrets.ts';
import { knownStatus, type KnownStatus } from './known-status.ts';
import { createPool } from './pool.ts';
import type { KubeMeta, KubeObject } from '../client/resources.ts';

export interface SecretObject extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** A Secret in our caches: what the core sees of it, and what a write of ours must match. */
export interface KnownSecret {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly view: SecretView;
  /** Names of the keys whose values the core cannot see. */
  readonly hiddenKeys: readonly string[];
  /** Name of the SmtpPlusUser that controls it, where there is one. */
  readonly ownerName?: string;
  /** Somebody made it so: its data cannot be written any more. */
  readonly isImmutable?: true;
}

/** An object in our caches. */
export interface KnownObject extends RawObject {
  readonly resourceVersion: string;
  readonly status?: KnownStatus;
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Shares with `before` what has not changed: else each write of a status by us would double the object in memory. */
export function viewObject(kind: Kind, object: KubeObject, before?: KnownObject): KnownObject {
  const { spec = {}, status } = object as KubeObject & { spec?: unknown; status?: unknown };
  const meta = viewMeta(object.metadata);
  const view = {
    kind,
    resourceVersion: object.metadata.resourceVersion,
    meta: before !== undefined && isEqual(before.meta, meta) ? before.meta : meta,
    spec: before !== undefined && isEqual(before.spec, spec) ? before.spec : spec,
  };
  return status === undefined ? view : { ...view, status: knownStatus(status) };
}

function viewMeta(meta: KubeMeta): ObjectMeta {
  return {
    namespace: meta.namespace ?? '',
    name: meta.name,
    uid: meta.uid,
    generation: meta.generation ?? 0,
    creationTimestamp: meta.creationTimestamp,
    ...(meta.deletionTimestamp === undefined ? {} : { deletionTimestamp: meta.deletionTimestamp }),
    labels: meta.labels ?? NONE,
    annotations: withoutLastApplied(meta.annotations),
  };
}

/** `kubectl apply` keeps a copy of the whole manifest there: twice the memory, and no decision depends on it. */
function withoutLastApplied(annotations: Readonly<Record<string, string>> = NONE): Readonly<Record<string, string>> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...rest } = annotations;
  return Object.keys(rest).length === 0 ? NONE : rest;
}

export function viewSecret(object: SecretObject): KnownSecret {
  const { metadata, data = {} } = object;
  const type = object.type ?? 'Opaque';
  const annotations = withoutLastApplied(metadata.annotations);
  const owner = secretOwner(metadata.ownerReferences, { type, annotations });
  const decoded = decode(data);
  const view: SecretView = {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    type,
    labels: metadata.labels ?? NONE,
    annotations,
    ...ownershipOf(metadata.ownerReferences, { type, annotations }),
    data: decoded,
    verifiers: NONE,
  };
  const hiddenKeys = Object.keys(data).filter((key) => !(key in decoded));
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    view,
    hiddenKeys: hiddenKeys.length === 0 ? NO_KEYS : hiddenKeys,
    ...(owner !== undefined && { ownerName: owner.name }),
    ...(object.immutable === true && { isImmutable: true }),
  };
}

const NO_KEYS: readonly string[] = [];
/** In a credentials Secret: the same for all users of a class. */
const COMMON_KEYS: ReadonlySet<string> = new Set(['type', 'provider', 'host', 'port', 'tls', 'ca.crt']);
const POOL_MAX = 256;
const commonValues = createPool<string>(POOL_MAX);

function decode(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const shared = Object.entries(decodeValues(data)).map(([key, plain]) => [
    key,
    COMMON_KEYS.has(key) ? commonValues.share(plain, () => plain) : plain,
  ]);
  return Object.fromEntries(shared) as Readonly<Record<string, string>>;
}
