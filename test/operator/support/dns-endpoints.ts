/** DNSEndpoints in a test: their CRD, which not every cluster has, and somebody who publishes what they ask for. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { bodyOf } from '../../../operator/kubernetes/client/answers.ts';
import { DNS_ENDPOINTS, pathOf } from '../../../operator/kubernetes/client/resources.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import type { Admin, LiveObject, Manifest } from './admin.ts';

const CRD = fileURLToPath(new URL('dnsendpoint-crd.yaml', import.meta.url));

export interface EndpointRecord {
  readonly dnsName: string;
  readonly recordType: string;
  readonly targets: readonly string[];
}

/** Makes the kind, where it is not there; the API server answers for it afterwards. */
export async function installEndpoints(cluster: ControlPlane): Promise<void> {
  await cluster.kubectl(['apply', '--server-side', '-f', CRD]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', CRD]);
  await eventually(() => cluster.kubectl(['get', 'dnsendpoints', '-A']));
}

/** Takes the kind away, and all that there is of it. */
export async function removeEndpoints(cluster: ControlPlane): Promise<void> {
  await cluster.kubectl(['delete', '--ignore-not-found', '-f', CRD]);
  await eventually(() => assert.rejects(cluster.kubectl(['get', 'dnsendpoints', '-A'])));
}

export function recordsOf(endpoint: LiveObject | undefined): readonly EndpointRecord[] {
  return (endpoint?.spec?.['endpoints'] ?? []) as EndpointRecord[];
}

/** What external-dns would publish of a namespace. */
export async function recordsIn(admin: Admin, namespace: string): Promise<readonly EndpointRecord[]> {
  const path = pathOf(DNS_ENDPOINTS, { namespace });
  const answer = await admin.client.request<{ readonly items: readonly LiveObject[] }>({ method: 'GET', path });
  return bodyOf(answer, 'DNSEndpoints').items.flatMap(recordsOf);
}

/** One that somebody makes by hand. */
export function endpoint(key: string, metadata: Partial<Manifest['metadata']> & object = {}): Manifest {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'externaldns.k8s.io/v1alpha1',
    kind: 'DNSEndpoint',
    metadata: { ...metadata, namespace, name },
    spec: { endpoints: [{ dnsName: 'by-hand.example', recordType: 'TXT', targets: ['mine'] }] },
  };
}
