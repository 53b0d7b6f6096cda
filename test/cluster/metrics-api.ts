/** What autoscalers hear of the relays' own metrics: a small API in place of Prometheus and an adapter. */
import { certificates } from '../support/certificates.ts';
import { NAMESPACE } from './install.ts';
import { apply, kubectl } from './kubectl.ts';
import { pod, programs } from './programs.ts';

const NAME = 'metrics-api';
const GROUP = 'custom.metrics.k8s.io';
const API = `v1beta2.${GROUP}`;
const metadata = { name: NAME, namespace: NAMESPACE };
const labels = { app: NAME };

/** As it stands in the values of the chart. */
export const CONNECTIONS = {
  type: 'Pods',
  pods: { metric: { name: 'smtpplus_connections' }, target: { type: 'AverageValue', averageValue: '2' } },
};

/** Resolves to what takes it away again. */
export async function startMetricsApi(): Promise<() => Promise<void>> {
  const { cert, key } = await certificates();
  const volumes = [
    { name: 'tls', secret: { secretName: NAME } },
    // by which Prometheus opens the pages of relays
    { name: 'token', secret: { secretName: 'smtp-plus-default-metrics' } },
  ];
  const spec = { group: GROUP, version: 'v1beta2', groupPriorityMinimum: 100, versionPriority: 100 };
  await apply(
    await programs(NAMESPACE),
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'tls.crt': cert, 'tls.key': key } },
    { ...pod(NAME, volumes), metadata: { ...metadata, labels } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: API },
      spec: { ...spec, service: metadata, insecureSkipTLSVerify: true },
    },
  );
  try {
    await kubectl(['wait', '--for=condition=Available', `apiservice/${API}`, '--timeout=180s']);
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

async function remove(): Promise<void> {
  await kubectl(['delete', `apiservice/${API}`]);
  await kubectl(['delete', '-n', NAMESPACE, `service/${NAME}`, `pod/${NAME}`, `secret/${NAME}`, 'configmap/programs']);
}
