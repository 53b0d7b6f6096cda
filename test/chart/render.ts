/** What the chart comes to, without a cluster. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { validate } from '../../operator/api/validate.ts';
import { parsePorts } from '../../operator/ports.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { deployFiles } from './deploy.ts';
import { helm, render, ROOT, type Rendered } from './helm.ts';

const TWO_CLASSES = {
  watchNamespaces: ['shop', 'smtp-plus', '2026'],
  settings: { classesElsewhere: ['other'] },
  classes: {
    default: { settings: { upstream: { host: 'smtp.provider.example' }, existingSenders: [{ shop: 'shop.example' }] } },
    bulk: {
      replicas: 4,
      storage: { size: '20Gi' },
      tls: { secretName: 'from-elsewhere' },
      settings: { delivery: { shutdownSeconds: 90 } },
    },
  },
};

describe('the chart', () => {
  test('has the plain manifests in deploy/ from itself', async () => {
    for (const [name, text] of await deployFiles()) {
      const file = path.join(ROOT, 'deploy', name);
      if (process.env['UPDATE_DEPLOY']) writeFileSync(file, text);
      assert.equal(readFileSync(file, 'utf8'), text, `UPDATE_DEPLOY=1 npm run test:chart writes deploy/${name} anew`);
    }
  });

  test('lints without a warning', async () => {
    assert.match(await helm(['lint', '--strict', path.join(ROOT, 'charts/smtp-plus')]), /0 chart\(s\) failed/);
  });

  test('makes settings that the operator takes, for each class', async () => {
    for (const values of [{}, TWO_CLASSES, { classes: { default: null, bulk: {} } }]) {
      const rendered = await render({ values });
      const settings = settingsSchema.parse(settingsIn(rendered));
      const fleets = rendered.filter(({ kind }) => kind === 'StatefulSet').map(({ metadata }) => metadata.name);
      const names = Object.keys(settings.classes);
      assert.deepEqual(
        fleets.toSorted(),
        names.map((name) => (name === 'default' ? 'smtp-plus-relay' : `smtp-plus-relay-${name}`)).toSorted(),
      );
    }
    const { classes, watchNamespaces } = settingsSchema.parse(settingsIn(await render({ values: TWO_CLASSES })));
    assert.deepEqual(watchNamespaces, ['shop', 'smtp-plus', '2026']);
    assert.equal(classes['default']?.hostname, 'smtp-plus-relay.smtp-plus.svc');
    assert.deepEqual(classes['default']?.existingSenders[0], { shop: 'shop.example' });
    assert.equal(classes['default']?.tls.secretName, undefined, 'the operator makes it');
    assert.equal(classes['bulk']?.tls.secretName, 'from-elsewhere');
  });

  test('refuses values and settings that do not exist, and says where', async () => {
    const slips: readonly (readonly [values: object, message: RegExp])[] = [
      [{ operator: { replica: 3 } }, /'\/operator': additional properties 'replica' not allowed/],
      [{ classes: { default: { setings: {} } } }, /'\/classes\/default': additional properties 'setings'/],
      [{ classes: { bulk: { settings: { hots: 'x' } } } }, /'\/classes\/bulk\/settings': additional properties 'hots'/],
      [{ settings: { classes: {} } }, /'\/settings': additional properties 'classes'/],
      [{ relays: { replicas: 'two' } }, /'\/relays\/replicas': got string, want integer/],
      [{ image: { digest: 'sha256:1' } }, /'\/image\/digest'/],
    ];
    for (const [values, message] of slips) await assert.rejects(render({ values }), message);
  });

  test('refuses a class whose pods could have no name, and an installation without a class', async () => {
    await assert.rejects(
      render({ values: { classes: { [`b${'x'.repeat(36)}`]: {} } } }),
      /maxLength|propertyNames|invalid property/,
    );
    await assert.rejects(render({ values: { classes: { Bulk: {} } } }), /Bulk/);
    await assert.rejects(render({ values: { classes: { default: null } } }), /needs one relay class at least/);
  });

  test('shares nothing with another installation in the cluster but the kinds', async () => {
    const names = async (namespace: string) =>
      (await render({ namespace, values: { crds: { enabled: false } } })).map(
        ({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
      );
    const [one, other] = [await names('smtp-plus'), new Set(await names('team-mail'))];
    assert.deepEqual(
      one.filter((name) => other.has(name)),
      [],
    );
  });

  test('keeps pods for as long as their shutdown may take', async () => {
    const rendered = await render({ values: TWO_CLASSES });
    const graceOf = (name: string) =>
      find<Workload>(rendered, 'StatefulSet', name).spec.template.spec['terminationGracePeriodSeconds'];
    assert.deepEqual(['smtp-plus-relay', 'smtp-plus-relay-bulk'].map(graceOf), [40, 105]);
  });

  test('restarts nothing for other settings, which are taken up as they change', async () => {
    const podsOf = async (values: object) =>
      (await render({ values })).flatMap(({ spec }: Rendered & Partial<Workload>) => spec?.template ?? []);
    assert.equal((await podsOf({})).length, 2);
    assert.deepEqual(await podsOf({ settings: { classesElsewhere: ['other'] } }), await podsOf({}));
  });

  test('brings the CRDs of crds/, to stay when it goes', async () => {
    const crds = (await render({})).filter(({ kind }) => kind === 'CustomResourceDefinition');
    assert.equal(crds.length, 3);
    for (const { metadata, ...rest } of crds) {
      const file = path.join(ROOT, 'crds', `${metadata.name.replace(/^(.*?)\.(.*)$/, '$2_$1')}.yaml`);
      const { metadata: _, ...original } = parse(readFileSync(file, 'utf8')) as Rendered;
      assert.deepEqual(rest, original);
      assert.equal(metadata.annotations?.['helm.sh/resource-policy'], 'keep');
    }
    const without = await render({ values: { crds: { enabled: false } } });
    assert.equal(
      without.some(({ kind }) => kind === 'CustomResourceDefinition'),
      false,
    );
  });

  test('gives an operator of some namespaces no right on objects elsewhere', async () => {
    const rendered = await render({ values: TWO_CLASSES });
    const roles = rendered.filter(
      ({ kind, metadata }) => kind === 'Role' && metadata.name === 'smtp-plus-operator-users',
    );
    assert.deepEqual(
      roles.map(({ metadata }) => metadata.namespace),
      // one that YAML would read as a number
      ['shop', 'smtp-plus', '2026'],
    );
  });

  test('needs no right in the whole cluster where the operator has some namespaces, and others install the kinds', async () => {
    const values = { ...TWO_CLASSES, crds: { enabled: false }, userRoles: { enabled: false } };
    const rendered = await render({ values });
    assert.deepEqual(
      rendered
        .filter(({ metadata }) => metadata.namespace === undefined)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      [],
    );
  });

  test('names each relay that may have mail waiting to whoever looks after queues, and no pod of the operator', async () => {
    const autoscaling = { enabled: true, maxReplicas: 3 };
    const alerts = { settings: { spool: 'Refuse' } };
    const rendered = await render({ values: { classes: { default: {}, bulk: { autoscaling }, alerts } } });
    const role = rendered.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'smtp-plus-queue') as
      | { rules: { resources: string[]; resourceNames?: string[] }[] }
      | undefined;
    const exec = role?.rules.filter(({ resources }) => resources.includes('pods/exec'));
    const names = ['bulk-0', 'bulk-1', 'bulk-2', '0', '1'].map((name) => `smtp-plus-relay-${name}`);
    assert.deepEqual(
      exec?.map(({ resourceNames }) => resourceNames),
      [names],
    );
  });

  test('lets nobody who looks after queues into any pod where no relay has a queue', async () => {
    const rendered = await render({ values: { classes: { default: { settings: { spool: 'Refuse' } } } } });
    const role = rendered.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'smtp-plus-queue');
    assert.ok(role);
    assert.ok(!JSON.stringify(role).includes('pods/exec'));
  });

  test('gives labels of all to everything, and to pods their own over these, but none that it selects by', async () => {
    const commonLabels = { team: 'mail', 'app.kubernetes.io/name': 'mine', 'smtpplus.io/relay-class': 'mine' };
    const values = {
      commonLabels,
      relays: { podLabels: { team: 'relays' }, service: { labels: { team: 'front' } } },
      extraObjects: [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'own', namespace: '{{ .Release.Namespace }}' } },
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: text, namespace: {{ .Release.Namespace }} }',
      ],
    };
    const rendered = await render({ values });
    const ofChart = rendered.filter(
      ({ kind, metadata }) => kind !== 'CustomResourceDefinition' && !['own', 'text'].includes(metadata.name),
    );
    const labelsOf = ({ metadata }: object & Rendered) =>
      (metadata as { labels?: Record<string, string> }).labels ?? {};
    assert.deepEqual(
      ofChart
        .filter((object) => labelsOf(object)['team'] === undefined)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      [],
    );
    const podOf = (kind: string, name: string) =>
      find<{ spec: { selector: { matchLabels: object }; template: { metadata: { labels: Record<string, string> } } } }>(
        rendered,
        kind,
        name,
      ).spec;
    const [relay, operator] = [podOf('StatefulSet', 'smtp-plus-relay'), podOf('Deployment', 'smtp-plus-operator')];
    assert.deepEqual(
      [relay.template.metadata.labels['team'], operator.template.metadata.labels['team']],
      ['relays', 'mail'],
    );
    for (const { selector, template } of [relay, operator]) {
      for (const [key, value] of Object.entries(selector.matchLabels))
        assert.equal(template.metadata.labels[key], value);
    }
    assert.equal(labelsOf(find(rendered, 'Service', 'smtp-plus-relay'))['team'], 'front');
    for (const name of ['own', 'text']) assert.equal(find(rendered, 'ConfigMap', name).metadata.namespace, 'smtp-plus');
  });

  test('has a Certificate of cert-manager for every name of the relays, and an operator that takes it from its Secret', async () => {
    const tls = {
      certManager: { enabled: true, issuerRef: { kind: 'ClusterIssuer', name: 'ours' }, duration: '720h' },
    };
    const settings = { hostname: 'smtp.shop.example', tls: { names: ['mail.shop.example'] } };
    const rendered = await render({ values: { relays: { tls }, classes: { default: { settings } } } });
    const { spec } = find<{ spec: Record<string, unknown> }>(rendered, 'Certificate', 'smtp-plus-relay');
    const { dnsNames, ...rest } = spec;
    assert.deepEqual(rest, {
      secretName: 'smtp-plus-relay-certificate',
      privateKey: { algorithm: 'ECDSA', rotationPolicy: 'Always' },
      duration: '720h',
      issuerRef: { kind: 'ClusterIssuer', name: 'ours' },
    });
    const told = settingsSchema.parse(settingsIn(rendered)).classes['default'];
    assert.equal(told?.tls.secretName, 'smtp-plus-relay-certificate');
    // as the operator judges what it finds there: by the host that users are told, and by all names
    const names = dnsNames as readonly string[];
    assert.deepEqual(
      [told?.hostname ?? '', ...(told?.tls.names ?? [])].filter((name) => !names.includes(name)),
      [],
    );
    assert.equal(new Set(names).size, names.length);
    const without = await render({});
    assert.equal(
      without.some(({ kind }) => kind === 'Certificate'),
      false,
    );
    const noIssuer = { relays: { tls: { certManager: { enabled: true } } } };
    await assert.rejects(render({ values: noIssuer }), /classes\.default: tls\.certManager\.issuerRef names no issuer/);
    const both = { relays: { tls: { ...tls, secretName: 'mine' } } };
    await assert.rejects(render({ values: both }), /are two sources of one certificate/);
  });

  test('gives the operator a right to DNSEndpoints only where the settings may have it write some', async () => {
    for (const [dnsEndpoints, has] of [
      [undefined, true],
      ['All', true],
      ['None', false],
    ] as const) {
      const rendered = await render({ values: { settings: { verification: dnsEndpoints ? { dnsEndpoints } : {} } } });
      const { rules = [] } = find<{ rules?: object[] }>(rendered, 'ClusterRole', 'smtp-plus-operator');
      assert.equal(JSON.stringify(rules).includes('dnsendpoints'), has, dnsEndpoints);
    }
  });

  test('leaves the number of pods to the autoscaler where there is one, and takes them away one by one', async () => {
    const rendered = await render({ values: { relays: { autoscaling: { enabled: true } } } });
    const { spec } = find<{ spec: object }>(rendered, 'StatefulSet', 'smtp-plus-relay');
    assert.equal('replicas' in spec, false);
    const scaler = find<{ spec: { behavior: object } }>(rendered, 'HorizontalPodAutoscaler', 'smtp-plus-relay');
    const policies = [{ type: 'Pods', value: 1, periodSeconds: 300 }];
    assert.deepEqual(scaler.spec.behavior, { scaleDown: { stabilizationWindowSeconds: 600, policies } });
  });

  test('lets an autoscaler go by any metric, and as fast as the values say', async () => {
    const metric = {
      type: 'Pods',
      pods: { metric: { name: 'smtpplus_connections' }, target: { type: 'AverageValue' } },
    };
    const behavior = { scaleUp: { stabilizationWindowSeconds: 60 } };
    const autoscaling = { enabled: true, targetCPUPercent: 400, metrics: [metric], behavior };
    const rendered = await render({ values: { relays: { autoscaling } } });
    const { spec } = find<{ spec: Record<string, unknown> }>(rendered, 'HorizontalPodAutoscaler', 'smtp-plus-relay');
    const target = { type: 'Utilization', averageUtilization: 400 };
    assert.deepEqual(spec['metrics'], [{ type: 'Resource', resource: { name: 'cpu', target } }, metric]);
    assert.deepEqual(spec['behavior'], behavior);
  });

  test('tells users ports that the Service has, and the Service has ports that pods listen on', async () => {
    const service = { ports: [2600, 465, 25] };
    for (const values of [{}, { relays: { service } }, { relays: { service: { ...service, allPorts: true } } }]) {
      const rendered = await render({ values });
      const { ports = [], implicitTlsPorts = [] } = settingsSchema.parse(settingsIn(rendered)).classes['default'] ?? {};
      assert.ok(ports.length > 0);
      assert.deepEqual(implicitTlsPorts, [465]);
      const has = portsOf(rendered, 'smtp-plus-relay');
      const listening = listeningIn(rendered);
      assert.deepEqual(
        [...ports, ...implicitTlsPorts].filter((port) => !has.has(port)),
        [],
      );
      assert.deepEqual(
        [...has].filter((port) => !listening.has(port)),
        [],
      );
      if ('allPorts' in (values.relays?.service ?? {})) assert.deepEqual(has.size, listening.size);
    }
  });

  test('has the address of clients kept by what leads in from outside, and a Service with every port where that is possible', async () => {
    const serviceOf = async (service: object) =>
      find<{ spec: Record<string, unknown> }>(
        await render({ values: { relays: { service } } }),
        'Service',
        'smtp-plus-relay',
      ).spec;
    assert.equal((await serviceOf({}))['externalTrafficPolicy'], undefined);
    const nodePort = await serviceOf({ type: 'NodePort', nodePorts: { '587': 30587 } });
    assert.equal(nodePort['externalTrafficPolicy'], 'Local');
    assert.deepEqual(
      (nodePort['ports'] as { port: number; nodePort?: number }[]).map(({ port, nodePort }) => [port, nodePort]),
      [
        [587, 30587],
        [25, undefined],
        [465, undefined],
        [2525, undefined],
      ],
    );
    const balanced = await serviceOf({ type: 'LoadBalancer', allPorts: true });
    assert.equal(balanced['allocateLoadBalancerNodePorts'], false);
    await assert.rejects(serviceOf({ type: 'NodePort', allPorts: true }), /does not go with type NodePort/);
  });

  test('runs relays that keep no mail as a Deployment without volumes, which may shrink', async () => {
    const classes = { default: {}, alerts: { settings: { spool: 'Refuse' }, autoscaling: { enabled: true } } };
    const rendered = await render({ values: { classes } });
    const fleets = rendered.filter(({ kind }) => /^(StatefulSet|Deployment)$/.test(kind));
    assert.deepEqual(fleets.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted(), [
      'Deployment smtp-plus-operator',
      'Deployment smtp-plus-relay-alerts',
      'StatefulSet smtp-plus-relay',
    ]);
    const { spec } = find<Workload>(rendered, 'Deployment', 'smtp-plus-relay-alerts');
    assert.equal('volumeClaimTemplates' in spec, false);
    const volumes = spec.template.spec['volumes'] as { name: string }[];
    assert.deepEqual(
      volumes.find(({ name }) => name === 'spool'),
      { name: 'spool', emptyDir: { sizeLimit: '1Gi' } },
    );
    const scaler = find<{ spec: { scaleTargetRef: { kind: string } } }>(
      rendered,
      'HorizontalPodAutoscaler',
      'smtp-plus-relay-alerts',
    );
    assert.equal(scaler.spec.scaleTargetRef.kind, 'Deployment');
    assert.equal('behavior' in scaler.spec, false);
    assert.equal(settingsSchema.parse(settingsIn(rendered)).classes['alerts']?.spool, 'Refuse');
  });

  test('shows Artifact Hub kinds that there are, and examples that pass every check', async () => {
    const { annotations } = parse(readFileSync(path.join(ROOT, 'charts/smtp-plus/Chart.yaml'), 'utf8')) as {
      annotations: Record<string, string>;
    };
    const examples = parse(annotations['artifacthub.io/crdsExamples'] ?? '') as {
      kind: Parameters<typeof validate>[0];
      metadata: { name: string; namespace: string };
      spec: object;
    }[];
    for (const { kind, metadata, spec } of examples) assert.ok(validate(kind, metadata, spec).ok, kind);
    const crds = parse(annotations['artifacthub.io/crds'] ?? '') as { name: string; kind: string }[];
    assert.deepEqual(crds.map(({ kind }) => kind).toSorted(), examples.map(({ kind }) => kind).toSorted());
    const rendered = (await render({})).filter(({ kind }) => kind === 'CustomResourceDefinition');
    assert.deepEqual(crds.map(({ name }) => name).toSorted(), rendered.map(({ metadata }) => metadata.name).toSorted());
  });

  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const chart = parse(readFileSync(path.join(ROOT, 'charts/smtp-plus/Chart.yaml'), 'utf8')) as Record<string, string>;
    assert.deepEqual([chart['version'], chart['appVersion']], [version, version]);
    const { annotations } = chart as unknown as { annotations: Record<string, string> };
    assert.match(annotations['artifacthub.io/images'] ?? '', new RegExp(`image: smtp-plus:${version}$`, 'm'));
  });
});

interface Workload {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
      readonly spec: Readonly<Record<string, unknown>>;
    };
  };
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the kind has
function find<T extends object = object>(rendered: readonly Rendered[], kind: string, name: string): Rendered & T {
  const found = rendered.find((object) => object.kind === kind && object.metadata.name === name);
  assert.ok(found !== undefined, `no ${kind} ${name}`);
  return found as Rendered & T;
}

interface WithPorts {
  readonly spec: { readonly ports: readonly { readonly port: number; readonly targetPort: number }[] };
}

/** What a Service leads to, where it leads to the same port. */
function portsOf(rendered: readonly Rendered[], name: string): Set<number> {
  const { spec } = find<WithPorts>(rendered, 'Service', name);
  for (const { port, targetPort } of spec.ports) assert.equal(port, targetPort);
  return new Set(spec.ports.map(({ port }) => port));
}

function listeningIn(rendered: readonly Rendered[]): Set<number> {
  const { spec } = find<Workload>(rendered, 'StatefulSet', 'smtp-plus-relay').spec.template;
  const [{ args }] = spec['containers'] as [{ args: string[] }];
  const flag = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? '';
  const [plain, implicit] = [parsePorts(flag('ports')), parsePorts(flag('implicit-tls-ports'))];
  assert.ok('ports' in plain && 'ports' in implicit);
  return new Set([...plain.ports, ...implicit.ports]);
}

function settingsIn(rendered: readonly Rendered[]): unknown {
  const { data } = find<{ data: Record<string, string> }>(rendered, 'ConfigMap', 'smtp-plus-settings');
  return parse(data['settings.yaml'] ?? '');
}
