/**
 * The values of the chart: values.schema.json and docs/reference/values.md are made of this. Their defaults are in
 * values.yaml.
 */
import { z } from 'zod';
import { labelName } from '../../operator/api/names.ts';
import { consoleSettingsSchema } from '../../operator/settings/console.ts';
import { classSettingsSchema, settingsSchema } from '../../operator/settings/settings.ts';
import { readAlerts } from './alerts.ts';

/** An object of Kubernetes' own, which the API server checks. */
const kubernetes = z.record(z.string(), z.unknown());
const texts = z.record(z.string(), z.string());
const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer'] as const;
const REPLICAS_MAX = 1000;
/**
 * Length of the name of a class: with `smtp-plus-relay-` in front it is the name of a StatefulSet, whose pods bear a
 * hash besides.
 */
const CLASS_NAME_MAX = 36;
/** What relay pods listen on; see templates/relay.yaml. */
const servicePort = z.union([z.literal([25, 465, 587]), z.number().int().min(1025).max(5000)]);
/** As many as the setting `ports` of a class takes. */
const PORTS_TOLD_MAX = 16;
const replicas = z.number().int().min(1).max(REPLICAS_MAX);

/** A setting as a value of the chart, whose defaults are in values.yaml. */
function asValue<Type extends z.ZodType>(setting: z.ZodDefault<Type>): Type {
  return setting.unwrap().describe(setting.description ?? '');
}

/** Where pods run, and what they have besides. */
const pods = {
  resources: kubernetes.describe('Requests and limits'),
  priorityClassName: z.string().describe('Priority class of the pods; default: none'),
  nodeSelector: texts.describe('Labels of the nodes that the pods may run on'),
  tolerations: z.array(kubernetes).describe('Taints of nodes that the pods tolerate'),
  dnsConfig: kubernetes.describe('Name servers, search list and options (PodDNSConfig), besides those of the cluster'),
  affinity: kubernetes.describe('Affinity of the pods'),
  podAnnotations: texts.describe('Annotations for the pods'),
  podLabels: texts.describe('More labels for the pods'),
  extraEnv: z.array(kubernetes).describe('More environment variables (EnvVar), such as `HTTPS_PROXY`'),
  extraVolumes: z.array(kubernetes).describe('More volumes, for files that the settings name'),
  extraVolumeMounts: z.array(kubernetes).describe('Where these volumes are mounted'),
  initContainers: z
    .array(kubernetes)
    .describe('Containers (Container) that run before the others; with `restartPolicy: Always`, as sidecars'),
  extraContainers: z.array(kubernetes).describe('More containers (Container) in the pod'),
};

const alertName = z.enum(readAlerts().map(({ alert }) => alert));

const relays = z.strictObject({
  replicas: replicas.describe('Number of relay pods of the class'),
  storage: z
    .strictObject({
      size: z.string().describe('Size of the volume for the spool of each pod'),
      storageClassName: z.string().describe("StorageClass of the volume; default: the cluster's default class"),
    })
    .partial(),
  tls: z
    .strictObject({
      secretName: z
        .string()
        .describe(
          'Secret with `tls.crt`, `tls.key` and, unless a public authority has signed it, `ca.crt`; default: the operator makes authority and certificate itself, and renews them. See [certificates](../certificates.md)',
        ),
      certManager: z
        .strictObject({
          enabled: z.boolean().describe('A Certificate of cert-manager, for all names by which relays are reached'),
          issuerRef: kubernetes.describe('Who signs it: `{ kind: ClusterIssuer, name: your-issuer }`'),
          duration: z.string().describe('How long it is valid, `2160h`; default: that of cert-manager'),
        })
        .partial(),
    })
    .partial(),
  service: z
    .strictObject({
      type: z.enum(SERVICE_TYPES).describe('For clients outside the cluster: `NodePort` or `LoadBalancer`'),
      ports: z
        .array(servicePort)
        .min(1)
        .max(PORTS_TOLD_MAX)
        .describe(
          'Ports of the Service: 25, 465 (TLS from the first byte), 587, 1025 to 5000. Users are shown these, and their Secrets have the first one with STARTTLS',
        ),
      nodePorts: z
        .record(z.string(), z.number().int().min(1).max(65535))
        .describe(
          "Node ports for these ports, as in `'587': 30587`, for the types NodePort and LoadBalancer; default: free ones",
        ),
      allPorts: z
        .boolean()
        .describe(
          'The Service has all 3,979 ports, which [costs something](../chart.md#ports); clients reach them through the headless Service anyway. Not for the type NodePort, because a cluster has too few node ports',
        ),
      annotations: texts.describe('Annotations of the Service'),
      labels: texts.describe('More labels of the Service'),
      loadBalancerClass: z.string().describe('Class of load balancers for the Service; default: that of the cluster'),
      loadBalancerSourceRanges: z
        .array(z.string())
        .describe('Client addresses (CIDR notation) that a load balancer lets through'),
    })
    .partial(),
  autoscaling: z
    .strictObject({
      enabled: z
        .boolean()
        .describe(
          'Adds pods when there is more to do, and removes them, one by one, when there is less: a relay that goes hands over its mail',
        ),
      minReplicas: replicas.describe('Fewest pods'),
      maxReplicas: replicas.describe('Most pods'),
      metrics: z
        .array(kubernetes)
        .describe('More metrics (MetricSpec), such as `smtpplus_connections` of an adapter for custom metrics'),
      targetCPUPercent: z
        .number()
        .int()
        .min(1)
        .describe(
          'Utilization to aim at, in percent of the requested CPU: more than 100 where a relay may use more than `resources.requests.cpu` before another one comes',
        ),
      behavior: kubernetes.describe(
        'How fast it scales (HorizontalPodAutoscalerBehavior); default where relays keep mail: the fewest that were needed in ten minutes decide, and one pod goes in five minutes',
      ),
    })
    .partial(),
  ...pods,
});

/** With the schema of the settings, which has a table of its own, or with another one in its place. */
function valuesWith({ settings, classSettings }: { settings: z.ZodType; classSettings: z.ZodType }) {
  return z
    .strictObject({
      global: kubernetes.describe('Not used; for charts that include this one'),
      image: z
        .strictObject({
          repository: z.string().min(1).describe('Name of the image'),
          tag: z.string().describe('Tag of the image; default: the version of the chart'),
          digest: z
            .string()
            .regex(/^(sha256:[0-9a-f]{64})?$/)
            .describe('Digest of the image (`sha256:…`), which overrides the tag'),
          pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).describe('When nodes fetch it'),
        })
        .partial(),
      imagePullSecrets: z.array(kubernetes).describe('Secrets for pulling the image'),
      crds: z
        .strictObject({
          enabled: z.boolean().describe('Installs and upgrades the CRDs; `false` in a second installation'),
          keep: z.boolean().describe('`helm uninstall` keeps the CRDs, and with them every list, user and sender'),
        })
        .partial(),
      userRoles: z
        .strictObject({
          enabled: z
            .boolean()
            .describe(
              'Whoever has the role `view`, `edit` or `admin` in a namespace has it for lists, users and senders, too. `false` in an installation without rights in the whole cluster',
            ),
        })
        .partial(),
      commonLabels: texts.describe('Labels of every object and every pod of the chart'),
      extraObjects: z
        .array(z.union([kubernetes, z.string()]))
        .describe('Manifests that belong to the installation, as objects or as texts with templates in them'),
      watchNamespaces: z
        .array(labelName)
        .describe('The only namespaces in which the operator has rights; default: all'),
      settings: settings.describe('[Settings](settings.md) of the operator, without `classes`'),
      console: z
        .strictObject({
          enabled: z
            .boolean()
            .describe('Serves the [console](../console.md), and gives the operator the rights for it'),
          trustedProxies: asValue(consoleSettingsSchema.shape.trustedProxies),
          userHeader: asValue(consoleSettingsSchema.shape.userHeader),
          groupsHeader: asValue(consoleSettingsSchema.shape.groupsHeader),
        })
        .partial(),
      operator: z
        .strictObject({
          replicas: replicas.describe('One is the leader, the others are ready to take over'),
          heapMiB: z
            .number()
            .int()
            .min(64)
            .describe('Maximum size of the heap in MiB; the limit in `resources` has to be larger'),
          ...pods,
        })
        .partial(),
      classes: z
        .record(labelName.max(CLASS_NAME_MAX), relays.partial().extend({ settings: classSettings }).partial())
        .describe(
          'A fleet of relays for each class: its `settings` ([of a class](settings.md)), and whatever differs from `relays`',
        ),
      relays: relays.partial(),
      monitoring: z
        .strictObject({
          scrape: z
            .boolean()
            .describe(
              'A PodMonitor for the relays and a ServiceMonitor for the operator; see [Monitoring](../chart.md#monitoring)',
            ),
          interval: z
            .string()
            .regex(/^[1-9][0-9]*(s|m)$/)
            .describe('How often Prometheus scrapes'),
          labels: texts.describe(
            'More labels for PodMonitor, ServiceMonitor and PrometheusRule, for a Prometheus that selects them by label',
          ),
          alerts: z
            .strictObject({
              enabled: z.boolean().describe('A PrometheusRule with the [alerts](../operate.md#alerts)'),
              disabled: z.array(alertName).describe('Alerts that are left out'),
              runbookURL: z
                .string()
                .describe('Address of your copy of docs/operate.md, for the annotation `runbook_url` of each alert'),
            })
            .partial(),
          dashboards: z
            .strictObject({
              enabled: z.boolean().describe('A ConfigMap with two dashboards for Grafana'),
              labels: texts.describe("Labels by which Grafana's sidecar finds it"),
              annotations: texts.describe('Its annotations, such as the folder for the sidecar'),
            })
            .partial(),
        })
        .partial(),
      networkPolicy: z
        .strictObject({
          enabled: z
            .boolean()
            .describe('Network policies for who may connect to relays and operator, and where relays may connect to'),
          clients: z.array(kubernetes).describe('Peers (NetworkPolicyPeer) that may send mail; default: everybody'),
          monitoring: z.array(kubernetes).describe('Peers that may read metrics'),
          ingress: z
            .array(kubernetes)
            .describe('Peers that may reach the page `/verify` of the operator, such as the ingress controller'),
          smartHosts: z
            .array(kubernetes)
            .describe(
              'Peers that relays may connect to besides public addresses, such as a smart host in a private network',
            ),
          sharedCounters: z
            .array(kubernetes)
            .describe('Peers that relays may connect to for [counting together](../users.md#counting-together)'),
        })
        .partial(),
    })
    .partial();
}

/** What means nothing to an operator, or has a value of its own. */
const { relayClass, namespaceLimits, reportsUnknownClasses, classesElsewhere, drainSpools, pageAccess, verification } =
  settingsSchema.shape;
const settings = z
  .strictObject({
    relayClass,
    namespaceLimits,
    reportsUnknownClasses,
    classesElsewhere,
    drainSpools,
    pageAccess,
    verification,
  })
  .partial();

export const valuesSchema = valuesWith({ settings, classSettings: classSettingsSchema.partial() });

const elsewhere = z.record(z.string(), z.unknown());
export const valuesTableSchema = valuesWith({ settings: elsewhere, classSettings: elsewhere });

/** As JSON Schema that Helm's own library takes: without what Go's regular expressions lack. */
export function renderValuesSchema(): string {
  const schema = z.toJSONSchema(valuesSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.pattern?.includes('(?') === true) delete jsonSchema.pattern;
      // values.yaml has the chart's; what Helm would not fill in must not look as if it did
      delete jsonSchema.default;
    },
  });
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
