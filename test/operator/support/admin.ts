/** What a test does to the cluster, as the administrator, and builders of objects with sane defaults. */
import assert from 'node:assert/strict';
import { API_VERSION } from '../../../operator/api/common.ts';
import { bodyOf } from '../../../operator/kubernetes/client/answers.ts';
import { createClient, type KubeClient } from '../../../operator/kubernetes/client/client.ts';
import {
  DNS_ENDPOINTS,
  KIND_RESOURCES,
  NAMESPACES,
  pathOf,
  PODS,
  SECRETS,
  type KubeObject,
  type Resource,
} from '../../../operator/kubernetes/client/resources.ts';
import type { Condition } from '../../../operator/api/common.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { adminCredentials } from './credentials.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly [field: string]: unknown;
}

export interface LiveObject extends KubeObject {
  readonly spec?: Record<string, unknown>;
  readonly status?: { readonly conditions?: readonly Condition[] } & Record<string, unknown>;
  readonly data?: Readonly<Record<string, string>>;
}

const RESOURCES: Readonly<Record<string, Resource>> = {
  ...KIND_RESOURCES,
  Secret: SECRETS,
  Namespace: NAMESPACES,
  Pod: PODS,
  DNSEndpoint: DNS_ENDPOINTS,
};

/** An API server whose kinds have just been made, under load, says 429 for a while: `storage is (re)initializing`. */
const ATTEMPTS = 30;

export interface Admin {
  readonly client: KubeClient;
  readonly apply: (...manifests: readonly Manifest[]) => Promise<void>;
  /** `NAMESPACE/NAME`, or the name of a namespace. */
  readonly get: (kind: string, key: string) => Promise<LiveObject | undefined>;
  readonly remove: (kind: string, key: string) => Promise<void>;
  readonly patch: (kind: string, key: string, patch: object, subresource?: 'status') => Promise<void>;
  /** Waits until a condition has this status and reason, for the generation that is there. */
  readonly waitFor: (kind: string, key: string, type: string, wanted: string) => Promise<Condition>;
  /** Waits for a Secret and gives its data, decoded. */
  readonly secret: (key: string) => Promise<Readonly<Record<string, string>>>;
  /** All users of the relay's configuration as written, by user name. */
  readonly relayUsers: (prefix?: string) => Promise<Record<string, RelayUser>>;
}

export interface RelayUser {
  readonly object: string;
  readonly active: boolean;
  readonly list: string;
  readonly credentials: readonly { readonly verifier: string; readonly notAfter?: string }[];
}

export function createAdmin(cluster: ControlPlane, namespace: string): Admin {
  const patient = createClient(adminCredentials(cluster));
  const client: KubeClient = { ...patient, request: (request) => patient.request({ attempts: ATTEMPTS, ...request }) };
  const target = (key: string) => {
    const [first = '', second] = key.split('/');
    return second === undefined ? { name: first } : { namespace: first, name: second };
  };
  const resource = (kind: string): Resource => RESOURCES[kind] ?? assert.fail(`no resource for ${kind}`);
  const get: Admin['get'] = async (kind, key) => {
    const answer = await client.request<LiveObject>({ method: 'GET', path: pathOf(resource(kind), target(key)) });
    return !answer.ok && answer.status === 404 ? undefined : bodyOf(answer, `${kind} ${key}`);
  };
  return {
    client,
    get,
    apply: async (...manifests) => {
      for (const manifest of manifests) {
        const path = `${pathOf(resource(manifest.kind), manifest.metadata)}?fieldManager=test&force=true`;
        const contentType = 'application/apply-patch+yaml';
        bodyOf(await client.request({ method: 'PATCH', path, contentType, body: manifest }), manifest.metadata.name);
      }
    },
    remove: async (kind, key) => {
      bodyOf(await client.request({ method: 'DELETE', path: pathOf(resource(kind), target(key)) }), `${kind} ${key}`);
    },
    patch: async (kind, key, patch, subresource) => {
      const path = pathOf(resource(kind), { ...target(key), ...(subresource && { subresource }) });
      const contentType = 'application/merge-patch+json';
      bodyOf(await client.request({ method: 'PATCH', path, contentType, body: patch }), `${kind} ${key}`);
    },
    waitFor: (kind, key, type, wanted) =>
      eventually(async () => {
        const object = await get(kind, key);
        const condition = object?.status?.conditions?.find((one) => one.type === type);
        assert.equal(`${condition?.status} ${condition?.reason}`, wanted, `${kind} ${key}: ${condition?.message}`);
        assert.equal(condition?.observedGeneration, object?.metadata.generation);
        return condition ?? assert.fail();
      }),
    secret: (key) =>
      eventually(async () => {
        const { data } = (await get('Secret', key)) ?? assert.fail(`no Secret ${key}`);
        const decoded = Object.entries(data ?? {}).map(([name, value]) => [
          name,
          Buffer.from(value, 'base64').toString(),
        ]);
        return Object.fromEntries(decoded) as Record<string, string>;
      }),
    relayUsers: async (prefix = 'smtp-plus-default') => {
      const path = pathOf(SECRETS, { namespace });
      const { items } = bodyOf(await client.request<{ items: LiveObject[] }>({ method: 'GET', path }), 'Secrets');
      const shards = items.filter(({ metadata }) => metadata.name.startsWith(`${prefix}-shard-`));
      const documents = shards.flatMap(({ data }) => Object.values(data ?? {}));
      const users = documents.map(
        (text) => (JSON.parse(Buffer.from(text, 'base64').toString()) as { users: object }).users,
      );
      return Object.assign({}, ...users) as Record<string, RelayUser>;
    },
  };
}

export function namespace(name: string, labels: Record<string, string> = {}): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function custom(kind: string, key: string, spec: object, annotations: Record<string, string>): Manifest {
  const [namespace = '', name = ''] = key.split('/');
  return { apiVersion: API_VERSION, kind, metadata: { namespace, name, annotations }, spec };
}

export function list(key: string, spec: object = {}, annotations: Record<string, string> = {}): Manifest {
  return custom('SmtpPlusList', key, spec, annotations);
}

/** An active user, unless the spec says otherwise. */
export function user(key: string, spec: object = {}): Manifest {
  return custom('SmtpPlusUser', key, { active: true, ...spec }, {});
}

export function sender(key: string, spec: object): Manifest {
  return custom('VerifiedSender', key, spec, {});
}

export function secret(key: string, stringData: Record<string, string>, type = 'Opaque'): Manifest {
  const [namespace = '', name = ''] = key.split('/');
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type, stringData };
}
