/** What the chart has for Prometheus and Grafana. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ALERTS_FILE, readAlerts } from '../../tools/chart/alerts.ts';
import { readDashboards } from './dashboards.ts';
import { helm, CHART, render, renderText, type Rendered } from './helm.ts';
import { promtool } from './prometheus.ts';
import { parseAllDocuments } from 'yaml';

const EVERYTHING = {
  monitoring: {
    scrape: true,
    labels: { release: 'stack' },
    alerts: { enabled: true, disabled: ['SmtpPlusMailWaits'], runbookURL: 'https://wiki.example/operate' },
    dashboards: { enabled: true },
  },
};
const OF_PROMETHEUS = new Set(['PodMonitor', 'ServiceMonitor', 'PrometheusRule']);

interface Rule extends Rendered {
  readonly spec: {
    readonly groups: readonly {
      readonly rules: readonly {
        readonly alert: string;
        readonly expr: string;
        readonly annotations: Readonly<Record<string, string>>;
      }[];
    }[];
  };
}

interface Endpoint {
  readonly authorization?: { readonly credentials: { readonly name: string; readonly key: string } };
}

interface Monitor extends Rendered {
  readonly metadata: Rendered['metadata'] & { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints?: readonly Endpoint[];
    readonly podMetricsEndpoints?: readonly Endpoint[];
  };
}

async function renderKnowing(values: object): Promise<readonly Rendered[]> {
  const args = ['template', 'smtp-plus', CHART, '-n', 'smtp-plus', '--values', '-'];
  const text = await helm([...args, '--api-versions', 'monitoring.coreos.com/v1'], JSON.stringify(values));
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
}

describe('alerts', () => {
  test('are rules that Prometheus takes', async () => {
    assert.match(await promtool(['check', 'rules', '--lint-fatal', ALERTS_FILE.pathname]), /SUCCESS/);
  });

  test('fire when they should, and not before', async () => {
    await promtool(['test', 'rules', path.join(import.meta.dirname, 'alerts.promtool.yaml')]);
  });

  test('are in the chart, each with its runbook, but for those that nobody wants', async () => {
    const rule = (await renderKnowing(EVERYTHING)).find(({ kind }) => kind === 'PrometheusRule') as Rule;
    const rules = rule.spec.groups.flatMap((group) => group.rules);
    const wanted = readAlerts().filter(({ alert }) => alert !== 'SmtpPlusMailWaits');
    assert.deepEqual(
      rules.map(({ alert, expr, annotations }) => [alert, expr, annotations['summary']]),
      wanted.map(({ alert, expr, annotations }) => [alert, expr, annotations.summary]),
    );
    const full = rules.find(({ alert }) => alert === 'SmtpPlusSpoolFull');
    assert.equal(full?.annotations['runbook_url'], 'https://wiki.example/operate#smtpplusspoolfull');
    assert.equal(full?.annotations['runbook'], 'docs/operate.md, section SmtpPlusSpoolFull');
  });

  test('cannot be left out by a name that none has', async () => {
    const values = { monitoring: { alerts: { disabled: ['SmtpPlusMailWait'] } } };
    await assert.rejects(render({ values }), /alerts\/disabled/);
  });
});

describe('objects of the Prometheus operator', () => {
  test('are there for those who ask for them only, and where the cluster knows them', async () => {
    const kindsOf = (objects: readonly Rendered[]) =>
      objects.map(({ kind }) => kind).filter((kind) => OF_PROMETHEUS.has(kind));
    assert.deepEqual(kindsOf(await renderKnowing({})), []);
    assert.deepEqual(kindsOf(await render({ values: EVERYTHING })), []);
    assert.deepEqual(kindsOf(await renderKnowing(EVERYTHING)).toSorted(), [...OF_PROMETHEUS].toSorted());
  });

  test('select the pods of relays, and the Service of the operator', async () => {
    const objects = await renderKnowing(EVERYTHING);
    const find = (kind: string, name: string) =>
      objects.find((one) => one.kind === kind && one.metadata.name === name) as Monitor | undefined;
    const pods = find('StatefulSet', 'smtp-plus-relay') as unknown as {
      spec: { template: { metadata: { labels: Record<string, string> } } };
    };
    const relays = find('PodMonitor', 'smtp-plus-relay');
    const operator = find('ServiceMonitor', 'smtp-plus-operator');
    isSubset(relays?.spec.selector.matchLabels, pods.spec.template.metadata.labels);
    isSubset(operator?.spec.selector.matchLabels, find('Service', 'smtp-plus-operator')?.metadata.labels);
    for (const monitor of [relays, operator]) assert.equal(monitor?.metadata.labels['release'], 'stack');
    // Services of the relays must not be among them: their pods would be asked twice
    const others = objects.filter(
      ({ kind, metadata }) => kind === 'Service' && metadata.name.startsWith('smtp-plus-relay'),
    );
    assert.ok(others.length > 0);
    for (const other of others as Monitor[]) assert.equal(other.metadata.labels['app.kubernetes.io/name'], undefined);
  });
});

test('each relay class and the operator are asked with the token that opens their pages, where they need one', async () => {
  const classes = { default: {}, bulk: { settings: { configSecret: 'mail' } } };
  const tokensOf = async (settings: object) => {
    const objects = (await renderKnowing({ ...EVERYTHING, classes, settings })) as Monitor[];
    return objects
      .filter(({ kind }) => kind.endsWith('Monitor'))
      .map(({ spec }) => (spec.podMetricsEndpoints ?? spec.endpoints)?.[0]?.authorization?.credentials);
  };
  const secrets = ['mail-metrics', 'smtp-plus-default-metrics', 'smtp-plus-metrics'];
  assert.deepEqual(
    await tokensOf({}),
    secrets.map((name) => ({ name, key: 'token' })),
  );
  assert.deepEqual(await tokensOf({ pageAccess: 'Everybody' }), [undefined, undefined, undefined]);
});

test('dashboards are in a ConfigMap with the label that the sidecar of Grafana looks for', async () => {
  const objects = await render({ values: EVERYTHING });
  const found = objects.find(({ metadata }) => metadata.name === 'smtp-plus-dashboards') as unknown as {
    metadata: { labels: Record<string, string> };
    data: Record<string, string>;
  };
  assert.equal(found.metadata.labels['grafana_dashboard'], '1');
  const uids = Object.values(found.data).map((text) => (JSON.parse(text) as { uid: string }).uid);
  assert.deepEqual(
    uids.toSorted(),
    readDashboards()
      .map(({ uid }) => uid)
      .toSorted(),
  );
  assert.doesNotMatch(await renderText({}), /smtp-plus-dashboards/);
});

function isSubset(
  part: Readonly<Record<string, string>> | undefined,
  all: Readonly<Record<string, string>> | undefined,
) {
  assert.ok(part !== undefined && Object.keys(part).length > 0);
  for (const [key, value] of Object.entries(part)) assert.equal(all?.[key], value, key);
}
