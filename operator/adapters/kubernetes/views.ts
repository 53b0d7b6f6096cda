/** API objects as the core sees them. What is not in here takes no memory. */
import { createHash } from 'node:crypto';
import type { Kind, ObjectMeta, RawObject, SecretView } from '../../core/model.ts';
import { API_VERSION } from '../../api/common.ts';
import { sha256Verifier } from '../../../relay/verifier.ts';
import type { KubeMeta, KubeObject } from './resources.ts';

export interface SecretObject extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** A Secret in our caches: what the core sees of it, and what a write of ours must match. */
export interface KnownSecret {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly view: SecretView;
  /** Names of all keys, also of those whose values the core cannot see. */
  readonly keys: readonly string[];
}

export function viewObject(kind: Kind, object: KubeObject): RawObject {
  const { spec, status } = object as KubeObject & { spec?: unknown; status?: unknown };
  return { kind, meta: viewMeta(object.metadata), spec: spec ?? {}, ...(status === undefined ? {} : { status }) };
}

function viewMeta(meta: KubeMeta): ObjectMeta {
  return {
    namespace: meta.namespace ?? '',
    name: meta.name,
    uid: meta.uid,
    generation: meta.generation ?? 0,
    creationTimestamp: meta.creationTimestamp,
    ...(meta.deletionTimestamp === undefined ? {} : { deletionTimestamp: meta.deletionTimestamp }),
    labels: meta.labels ?? {},
    annotations: withoutLastApplied(meta.annotations ?? {}),
  };
}

/** `kubectl apply` keeps a copy of the whole manifest there: twice the memory, and no decision depends on it. */
function withoutLastApplied(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...rest } = annotations;
  return rest;
}

/** A Secret that carries our label. `saltFor` must give the same salt for a UID over restarts. */
export function viewOwnSecret(object: SecretObject, saltFor: (uid: string) => Buffer): KnownSecret {
  const known = viewSecret(object);
  const { controllerUid } = known.view;
  if (controllerUid === undefined) return known;
  const salt = saltFor(controllerUid);
  const verifiers = Object.entries(known.view.data)
    .filter(([key]) => /password/i.test(key))
    .map(([key, password]) => [key, sha256Verifier(password, salt)]);
  return { ...known, view: { ...known.view, verifiers: Object.fromEntries(verifiers) } };
}

export function viewSecret(object: SecretObject): KnownSecret {
  const { metadata, data = {} } = object;
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  const isUser = owner?.kind === 'SmtpPlusUser' && owner.apiVersion === API_VERSION;
  const view: SecretView = {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    type: object.type ?? 'Opaque',
    labels: metadata.labels ?? {},
    annotations: withoutLastApplied(metadata.annotations ?? {}),
    ...(isUser ? { controllerUid: owner.uid } : {}),
    data: decode(data),
    verifiers: {},
  };
  return { uid: metadata.uid, resourceVersion: metadata.resourceVersion, view, keys: Object.keys(data) };
}

function decode(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const decoded = Object.entries(data).flatMap(([key, text]) => {
    const bytes = Buffer.from(text, 'base64');
    const plain = bytes.toString('utf8');
    // what is no UTF-8 is no password, name or certificate in PEM
    return Buffer.from(plain, 'utf8').equals(bytes) ? [[key, share(plain)] as const] : [];
  });
  return Object.fromEntries(decoded);
}

/** Ten thousand credentials Secrets hold one and the same CA: it is kept once. */
const shared = new Map<string, string>();
const SHARED_MAX = 64;
const SHARED_FROM_LENGTH = 256;

function share(text: string): string {
  if (text.length < SHARED_FROM_LENGTH) return text;
  const digest = createHash('sha256').update(text).digest('base64');
  const known = shared.get(digest);
  if (known !== undefined) return known;
  if (shared.size >= SHARED_MAX) shared.clear();
  shared.set(digest, text);
  return text;
}
