/** The resources that the operator touches, and their paths in the API. */
import { GROUP, KIND_VERSION } from '../../api/common.ts';
import type { KindName } from '../../api/kinds.ts';

export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly kind: string;
    readonly apiVersion: string;
    readonly uid: string;
    readonly name: string;
    readonly controller?: boolean;
  }[];
}

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMeta;
}

const LISTS: Resource = { group: GROUP, version: KIND_VERSION, plural: 'smtppluslists', kind: 'SmtpPlusList' };
export const USERS: Resource = { group: GROUP, version: KIND_VERSION, plural: 'smtpplususers', kind: 'SmtpPlusUser' };
const SENDERS: Resource = { group: GROUP, version: KIND_VERSION, plural: 'verifiedsenders', kind: 'VerifiedSender' };
/** The resource of each kind. */
export const KIND_RESOURCES: Readonly<Record<KindName, Resource>> = {
  SmtpPlusList: LISTS,
  SmtpPlusUser: USERS,
  VerifiedSender: SENDERS,
};
export const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
export const NAMESPACES: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };
export const PODS: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' };
export const CLAIMS: Resource = {
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
};
export const STATEFUL_SETS: Resource = { group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet' };
export const LEASES: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };
export const DNS_ENDPOINTS: Resource = {
  group: 'externaldns.k8s.io',
  version: 'v1alpha1',
  plural: 'dnsendpoints',
  kind: 'DNSEndpoint',
};
export const EVENTS: Resource = { group: '', version: 'v1', plural: 'events', kind: 'Event' };

export interface Target {
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: 'status';
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** Path of a collection, an object or its subresource. Every part is escaped: a name never leads elsewhere. */
export function pathOf(resource: Resource, target: Target = {}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
  const namespace = target.namespace === undefined ? [] : ['namespaces', target.namespace];
  const name = target.name === undefined ? [] : [target.name];
  const subresource = target.subresource === undefined ? [] : [target.subresource];
  return [root, ...[...namespace, resource.plural, ...name, ...subresource].map(encodeURIComponent)].join('/');
}
