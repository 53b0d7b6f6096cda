/** Secrets and statuses as the YAML documents of the state folder, both ways. */
import { API_VERSION } from '../api/common.ts';
import type { ObjectName } from '../api/names.ts';
import { asRecord, texts } from '../api/plain-data.ts';
import { isRetained } from '../core/credentials/ownership.ts';
import type { RawObject, SecretPlan, SecretView, StatusPlan } from '../core/model.ts';
import type { NamedObject } from './classify.ts';
import { formatYaml } from './format-yaml.ts';
import { ownerReference, ownershipOf, secretOwner } from './owner-reference.ts';
import { decodeValues, encodeValues } from './secret-values.ts';

/** Where a Secret lies under `secrets/`. */
export function secretPath(secret: ObjectName): string {
  return `${secret.namespace}/${secret.name}.yaml`;
}

/** Where the status of an object lies under `status/`. */
export function statusPath(object: Pick<RawObject, 'kind' | 'meta'>): string {
  return `${object.kind}/${object.meta.namespace}/${object.meta.name}.yaml`;
}

/** The manifest of a v1 Secret as an API server would hold it: values in base64, keys in order. */
export function formatSecret(plan: SecretPlan): string {
  return formatYaml({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: plan.name,
      namespace: plan.namespace,
      ...(isEmpty(plan.labels) ? {} : { labels: sorted(plan.labels) }),
      ...(isEmpty(plan.annotations) ? {} : { annotations: sorted(plan.annotations) }),
      ...(isRetained(plan) ? {} : { ownerReferences: [ownerReference(plan.owner)] }),
    },
    type: plan.type,
    data: sorted(encodeValues(plan.data)),
  });
}

/** A Secret manifest as the core sees it, verifiers aside. `stringData` counts over `data`, as in an API server. */
export function viewSecret(manifest: NamedObject): Omit<SecretView, 'verifiers'> {
  const { value } = manifest;
  const metadata = asRecord(value['metadata']);
  return {
    namespace: manifest.namespace,
    name: manifest.name,
    type: typeof value['type'] === 'string' ? value['type'] : 'Opaque',
    labels: texts(metadata['labels']),
    annotations: texts(metadata['annotations']),
    data: { ...decodeValues(texts(value['data'])), ...texts(value['stringData']) },
  };
}

/** One that was written here says besides whose it is; in a manifest of somebody's own that would be a claim. */
export function viewOwnSecret(manifest: NamedObject): Omit<SecretView, 'verifiers'> {
  const view = viewSecret(manifest);
  return { ...view, ...ownershipOf(secretOwner(asRecord(manifest.value['metadata'])['ownerReferences'], view)) };
}

export function formatStatus(plan: Pick<StatusPlan, 'kind' | 'meta' | 'status'>): string {
  const { namespace, name, uid, generation } = plan.meta;
  return formatYaml({
    apiVersion: API_VERSION,
    kind: plan.kind,
    metadata: { name, namespace, uid, generation },
    status: plan.status,
  });
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  return Object.keys(record).length === 0;
}

function sorted(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
