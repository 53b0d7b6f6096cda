/** The API by which autoscalers hear how busy pods are, on clusters that come without: metrics-server, as its own manifests have it. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeArchive } from '../../tools/image/archive.ts';
import { loadArchive } from './install.ts';
import { apply, exists, kubectl } from './kubectl.ts';

const NAMESPACE = 'smtp-plus-metrics';
const NAME = 'metrics-server';
const IMAGE = `${NAME}:test`;
const PORT = 10_250;
const RBAC = 'rbac.authorization.k8s.io';
const API = 'v1beta1.metrics.k8s.io';
const metadata = { name: NAME, namespace: NAMESPACE };
const account = { kind: 'ServiceAccount', ...metadata };

/** Resolves to what takes it away again, once it tells of pods. Where the cluster has such an API, that one stays. */
export async function startMetricsServer(program: string): Promise<() => Promise<void>> {
  if (await exists('apiservice', API)) return async () => undefined;
  await loadProgram(program);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, ...rights(), ...server());
  try {
    await kubectl(['wait', '--for=condition=Available', `apiservice/${API}`, '--timeout=180s']);
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

async function remove(): Promise<void> {
  const bindings = [NAMESPACE, `${NAMESPACE}-delegator`].map((name) => `clusterrolebinding/${name}`);
  await kubectl(['delete', `apiservice/${API}`, `clusterrole/${NAMESPACE}`, ...bindings, `namespace/${NAMESPACE}`]);
  await kubectl(['delete', '-n', 'kube-system', `rolebinding/${NAMESPACE}`]);
}

/** It needs nothing but itself. */
async function loadProgram(program: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-metrics-server-'));
  try {
    const rootFs = path.join(folder, 'root-fs');
    await mkdir(rootFs);
    await copyFile(program, path.join(rootFs, NAME));
    writeArchive(path.join(folder, 'image.tar'), rootFs, {
      name: IMAGE,
      config: { User: '65532', WorkingDir: '/', Env: [], Entrypoint: [`/${NAME}`], ExposedPorts: {} },
      labels: {},
      created: new Date(0),
      level: 0,
      layers: [[NAME]],
    });
    await loadArchive(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function rights(): readonly object[] {
  const rules = [
    { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
  ];
  const bound = (kind: string, name: string, role: string, namespace?: string) => ({
    apiVersion: `${RBAC}/v1`,
    kind: `${namespace === undefined ? 'Cluster' : ''}RoleBinding`,
    metadata: { name, namespace },
    roleRef: { apiGroup: RBAC, kind, name: role },
    subjects: [account],
  });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: NAMESPACE }, rules },
    bound('ClusterRole', NAMESPACE, NAMESPACE),
    // whom the API server vouches for, and whether they may ask
    bound('ClusterRole', `${NAMESPACE}-delegator`, 'system:auth-delegator'),
    bound('Role', NAMESPACE, 'extension-apiserver-authentication-reader', 'kube-system'),
  ];
}

function server(): readonly object[] {
  const labels = { app: NAME };
  const container = {
    name: NAME,
    image: IMAGE,
    args: [
      `--secure-port=${PORT}`,
      '--cert-dir=/tmp',
      // clusters of tests have kubelets whose certificates nobody has signed
      '--kubelet-insecure-tls',
      '--kubelet-preferred-address-types=InternalIP',
      // the shortest that it takes, which a question to a kubelet must not exceed
      '--metric-resolution=10s',
      '--kubelet-request-timeout=5s',
    ],
    readinessProbe: {
      httpGet: { path: '/readyz', port: PORT, scheme: 'HTTPS' },
      periodSeconds: 1,
      failureThreshold: 60,
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
  };
  const service = { group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100 };
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, labels },
      spec: { serviceAccountName: NAME, containers: [container], volumes: [{ name: 'tmp', emptyDir: {} }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ port: 443, targetPort: PORT }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: API },
      spec: { ...service, service: metadata, insecureSkipTLSVerify: true },
    },
  ];
}
