/**
 * Writes DNSEndpoints: made, corrected and deleted, each in the version that we know; never taken over from somebody
 * else.
 */
import { API_VERSION } from '../../api/common.ts';
import type { ObjectName } from '../../api/names.ts';
import { ENDPOINT_SUFFIX, MANAGED_BY, MANAGED_BY_LABEL } from '../../core/names.ts';
import type { ObjectMeta } from '../../core/model.ts';
import type { EndpointRecords } from '../../core/senders/publication-model.ts';
import type { KnownEndpoint } from '../cache/endpoint-cache.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { apiVersionOf, DNS_ENDPOINTS, pathOf, type KubeObject } from '../client/resources.ts';
import { FIELD_MANAGER } from './secret.ts';

export function dnsEndpointNameOf({ namespace, name }: ObjectName): ObjectName {
  return { namespace, name: `${name}${ENDPOINT_SUFFIX}` };
}

export function endpointManifest(sender: ObjectMeta, records: EndpointRecords) {
  const { name, uid } = sender;
  return {
    apiVersion: apiVersionOf(DNS_ENDPOINTS),
    kind: DNS_ENDPOINTS.kind,
    metadata: {
      ...dnsEndpointNameOf(sender),
      labels: { [MANAGED_BY_LABEL]: MANAGED_BY },
      // with its sender it goes: Kubernetes sees to that
      ownerReferences: [{ apiVersion: API_VERSION, kind: 'VerifiedSender', name, uid, controller: true }],
    },
    spec: {
      endpoints: records.map((record) => ({ dnsName: record.name, recordType: 'TXT', targets: [record.value] })),
    },
  };
}

/** A new one is created, never applied: with POST the API server itself guarantees that nothing is taken over. */
export function putEndpoint(
  client: KubeClient,
  manifest: ReturnType<typeof endpointManifest>,
  known: KnownEndpoint | undefined,
): Promise<ApiAnswer<KubeObject>> {
  const { namespace, name, labels } = manifest.metadata;
  const query = `fieldManager=${FIELD_MANAGER}`;
  if (known === undefined) {
    const path = `${pathOf(DNS_ENDPOINTS, { namespace })}?${query}`;
    return client.request<KubeObject>({ method: 'POST', path, body: manifest });
  }
  const { uid, resourceVersion } = known;
  return client.request<KubeObject>({
    method: 'PATCH',
    path: `${pathOf(DNS_ENDPOINTS, { namespace, name })}?${query}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { uid, resourceVersion, labels }, spec: manifest.spec },
  });
}

export function deleteEndpoint(
  client: KubeClient,
  endpoint: ObjectName,
  known: KnownEndpoint,
): Promise<ApiAnswer<unknown>> {
  const { uid, resourceVersion } = known;
  const path = pathOf(DNS_ENDPOINTS, endpoint);
  return client.request({ method: 'DELETE', path, body: { preconditions: { uid, resourceVersion } } });
}
