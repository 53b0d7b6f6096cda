/** Secrets and statuses as files of the state folder: where they are, and what is in them. */
import { API_VERSION } from '../api/common.ts';
import type { ObjectName } from '../api/names.ts';
import { isRetained } from '../core/credentials/ownership.ts';
import type { Kind, SecretPlan, StatusPlan } from '../core/model.ts';
import { formatYaml } from '../manifests/format-yaml.ts';
import { encodeValues, ownerReference } from '../manifests/secrets.ts';

/** Where a Secret lies under `secrets/`. */
export function secretPath(secret: ObjectName): string {
  return `${secret.namespace}/${secret.name}.yaml`;
}

/** Where the status of an object lies under `status/`. */
export function statusPath(object: { readonly kind: Kind; readonly meta: ObjectName }): string {
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
