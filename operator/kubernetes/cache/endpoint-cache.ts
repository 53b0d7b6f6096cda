/** The DNSEndpoints with our label. Not every cluster has that kind, and not every operator may list it. */
import { MANAGED_BY, MANAGED_BY_LABEL } from '../../core/names.ts';
import type { RefusedError } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector } from '../client/reflector.ts';
import { DNS_ENDPOINTS, type KubeObject } from '../client/resources.ts';
import { digestOf } from './known-status.ts';

/** What a write of ours must match, and what tells whether one is needed. */
export interface KnownEndpoint {
  readonly uid: string;
  readonly resourceVersion: string;
  /** The object that controls it. */
  readonly controller: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  /** Digest of all that we write: records, label and owner. */
  readonly digest: string;
  /** It is being deleted. */
  readonly isGoing: boolean;
  /** external-dns says that it has read these records. */
  readonly isRead: boolean;
}

export interface EndpointCache {
  readonly get: (key: string) => KnownEndpoint | undefined;
  /** Why none can be had in a namespace: the cluster has no such kind (404), or it must not be listed (403). */
  readonly refusalIn: (namespace: string) => RefusedError | undefined;
  readonly observe: (object: KubeObject) => void;
  readonly synced: Promise<unknown>;
  readonly hasSynced: () => boolean;
}

export interface EndpointCacheOptions {
  /** Undefined: all of them. */
  readonly namespaces: readonly (string | undefined)[];
  readonly onChange: (key: string, before: KnownEndpoint | undefined, after: KnownEndpoint | undefined) => void;
  /** `refusalIn` says something else. */
  readonly onRefusal: (refusal: RefusedError | undefined) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
  /** How often it is tried again where there are none to be had; milliseconds. */
  readonly retryMs: number;
}

export function startEndpointCache(client: KubeClient, options: EndpointCacheOptions): EndpointCache {
  const parts = options.namespaces.map((namespace) => {
    let refusal: RefusedError | undefined;
    const reflector = startReflector<KnownEndpoint>(client, {
      ...options,
      resource: DNS_ENDPOINTS,
      namespace,
      labelSelector: `${MANAGED_BY_LABEL}=${MANAGED_BY}`,
      keep: viewEndpoint,
      optional: {
        retryMs: options.retryMs,
        onRefusal: (now) => {
          refusal = now;
          options.onRefusal(now);
        },
      },
    });
    return { namespace, reflector, refusal: () => refusal };
  });
  const partOf = (inside: string) => parts.find(({ namespace }) => namespace === undefined || namespace === inside);
  return {
    get: (key) => partOf(key.slice(0, key.indexOf('/')))?.reflector.entries.get(key)?.value,
    refusalIn: (namespace) => partOf(namespace)?.refusal(),
    observe: (object) => partOf(object.metadata.namespace ?? '')?.reflector.observe(object),
    synced: Promise.all(parts.map(({ reflector }) => reflector.synced)),
    hasSynced: () => parts.every(({ reflector }) => reflector.hasSynced()),
  };
}

export function viewEndpoint(object: KubeObject): KnownEndpoint {
  const { uid, resourceVersion, generation, deletionTimestamp } = object.metadata;
  const { status } = object as KubeObject & { readonly status?: { readonly observedGeneration?: number } };
  return {
    uid,
    resourceVersion,
    controller: controllerOf(object),
    digest: contentDigest(object),
    isGoing: deletionTimestamp !== undefined,
    isRead: status?.observedGeneration !== undefined && status.observedGeneration === generation,
  };
}

type Content = Pick<KubeObject['metadata'], 'labels' | 'ownerReferences'>;

/** Digest of a DNSEndpoint that is there, or of one that is to be there. */
export function contentDigest(object: { readonly metadata: Content; readonly spec?: unknown }): string {
  const { endpoints } = (object.spec ?? {}) as { readonly endpoints?: unknown };
  return digestOf({
    endpoints,
    managedBy: object.metadata.labels?.[MANAGED_BY_LABEL],
    controllerUid: controllerOf(object)?.uid,
  });
}

function controllerOf({ metadata }: { readonly metadata: Content }): KnownEndpoint['controller'] {
  const reference = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return reference && { kind: reference.kind, name: reference.name, uid: reference.uid };
}
