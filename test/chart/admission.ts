/** What the chart comes to, before an API server. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { renderText } from './helm.ts';

const CONTAINER = {
  name: 'before',
  image: 'busybox',
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

const EVERYTHING = {
  watchNamespaces: ['shop', 'smtp-plus'],
  imagePullSecrets: [{ name: 'registry' }],
  operator: {
    priorityClassName: 'system-cluster-critical',
    tolerations: [{ operator: 'Exists' }],
    podAnnotations: { a: 'b' },
    podLabels: { a: 'b' },
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
    initContainers: [CONTAINER],
    extraContainers: [{ ...CONTAINER, name: 'beside' }],
  },
  commonLabels: { team: 'mail' },
  extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'own', namespace: 'smtp-plus' } }],
  relays: {
    initContainers: [CONTAINER],
    extraContainers: [{ ...CONTAINER, name: 'beside' }],
    service: {
      type: 'LoadBalancer',
      annotations: { a: 'b' },
      labels: { a: 'b' },
      loadBalancerSourceRanges: ['192.0.2.0/24'],
    },
    autoscaling: {
      enabled: true,
      metrics: [
        {
          type: 'Pods',
          pods: { metric: { name: 'smtpplus_connections' }, target: { type: 'AverageValue', averageValue: 500 } },
        },
      ],
    },
    podLabels: { a: 'b' },
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
    nodeSelector: { disk: 'fast' },
    affinity: { podAntiAffinity: {} },
    dnsConfig: { nameservers: ['192.0.2.53'], options: [{ name: 'ndots', value: '1' }] },
    extraVolumes: [{ name: 'more', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
  },
  classes: {
    default: {},
    bulk: { storage: { storageClassName: 'fast' } },
    alerts: { settings: { spool: 'Refuse' } },
    everywhere: { service: { type: 'ClusterIP', allPorts: true, loadBalancerSourceRanges: [] } },
  },
  monitoring: { dashboards: { enabled: true, annotations: { folder: 'Mail' } } },
  networkPolicy: {
    clients: [{ podSelector: {} }],
    ingress: [{ namespaceSelector: {} }],
    smartHosts: [{ ipBlock: { cidr: '10.1.2.3/32' } }],
    sharedCounters: [{ podSelector: { matchLabels: { app: 'valkey' } } }],
  },
};

describeWithControlPlane('what the chart installs', (cluster) => {
  before(async () => {
    await cluster().kubectl(['create', 'namespace', 'smtp-plus']);
    await cluster().kubectl(['create', 'namespace', 'shop']);
    const level = ['pod-security.kubernetes.io/warn=restricted', 'pod-security.kubernetes.io/enforce=restricted'];
    await cluster().kubectl(['label', 'namespace', 'smtp-plus', ...level]);
    await cluster().kubectl(['apply', '--server-side', '-f', 'crds']);
    await cluster().kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', 'crds']);
  });

  for (const [name, values] of Object.entries({ 'by default': {}, 'with every value set': EVERYTHING })) {
    test(`is taken without a warning by a namespace that is restricted, ${name}`, async () => {
      const flags = [
        '--server-side',
        '--dry-run=server',
        '--force-conflicts',
        '--validate=strict',
        '--warnings-as-errors',
      ];
      const stdin = await renderText({ values });
      assert.match(await cluster().kubectl(['apply', ...flags, '-f', '-'], { stdin }), /statefulset/);
    });
  }

  test('is applied twice without a difference', async () => {
    const stdin = await renderText({ values: EVERYTHING });
    await cluster().kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin });
    assert.equal(await cluster().kubectl(['diff', '--server-side', '--force-conflicts', '-f', '-'], { stdin }), '');
  });
});
