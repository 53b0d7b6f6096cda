/**
 * The settings file: what the platform owner decides, as against what users of the kinds may ask for.
 * One zod schema; the table in docs/reference/settings.md and the chart's values follow it.
 */
import { z } from 'zod';
import {
  deliverySettingsSchema,
  logSettingsSchema,
  metricsSettingsSchema,
  sessionSettingsSchema,
  tracingSettingsSchema,
} from '../../relay/config/config.ts';
import { WORKERS_MAX } from '../../relay/workers/setting.ts';
import { limits } from '../api/common.ts';
import { asciiAddress, labelName } from '../api/names.ts';
import { parsePorts, sharePorts } from '../ports.ts';
import { path, serverName } from './text.ts';
import { classNamespaces } from './class-namespaces.ts';
import { recipients } from './recipients.ts';
import { sharedCounters } from './shared-counters.ts';
import { allowListUpstream } from './list-upstream.ts';
import { upstream } from './upstream.ts';
import { tlsSettingsSchema } from './tls.ts';
import { consoleSettingsSchema } from './console.ts';
import { verificationSettingsSchema } from './verification.ts';
import { drainSpools } from './drain-spools.ts';
import { existingSender, isVouchedFor } from './existing-senders.ts';
import { namespaceLimits } from './namespace-limits.ts';

const port = z.number().int().min(0).max(65535);

const workersWish = z.union([z.literal('auto'), z.number().int().min(1).max(WORKERS_MAX)], {
  error: `must be \`auto\` or a number from 1 to ${WORKERS_MAX}`,
});

const delivery = deliverySettingsSchema
  .strict()
  .refine(({ retryFirstSeconds, retryMostSeconds }) => retryFirstSeconds <= retryMostSeconds, {
    path: ['retryFirstSeconds'],
    message: 'must be at most retryMostSeconds',
  });

/** Prefix of the names of the operator's own Secrets; no class has it. */
export const OPERATOR_PREFIX = 'smtp-plus';

/** Prefix of the names of the Secrets with the configuration of a class that names none. */
export function defaultConfigSecret(className: string): string {
  return `${OPERATOR_PREFIX}-${className}`;
}

export const classSettingsSchema = z.strictObject({
  // it goes into Secrets, and into the greeting that each client reads
  hostname: serverName.default('localhost').describe('Server name that users connect to'),
  ports: z.array(port.min(1)).max(16).optional().describe('Ports to show to users; default: the first that listen'),
  implicitTlsPorts: z
    .array(port.min(1))
    .max(16)
    .optional()
    .describe('Ports with TLS from the first byte to show to users; default: the first that listen'),
  tls: tlsSettingsSchema.prefault({}).describe('On a cluster: the certificate of the relays'),
  configSecret: z
    .string()
    .max(200)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and inner hyphens')
    .refine((prefix) => prefix !== OPERATOR_PREFIX, {
      message: `must be another one: the operator's own Secrets begin with ${OPERATOR_PREFIX}`,
    })
    .optional()
    .describe('On a cluster: prefix of the Secrets with the configuration of the relays; default: smtp-plus-CLASS'),
  allowedNamespaces: classNamespaces,
  starttls: z
    .enum(['Required', 'Optional'])
    .default('Required')
    .describe('Minimum: with Optional, a list may allow log-ins without TLS'),
  localPartCase: z
    .enum(['Ignore', 'Match'])
    .default('Ignore')
    .describe(
      'Ignore: if `orders@shop.example` is verified, `Orders@shop.example` may send too. Match, for mail systems that treat the two as different addresses: it may not. A verified domain covers both',
    ),
  smtputf8: z
    .enum(['Allow', 'Refuse'])
    .default('Allow')
    .describe(
      'Whether clients may ask for SMTPUTF8, and send addresses and header fields in UTF-8. If your smart hosts do not support it, choose Refuse: clients are then told so at once, instead of getting a bounce',
    ),
  spool: z
    .enum(['Allow', 'Refuse'])
    .default('Allow')
    .describe(
      'Refuse: relays store no mail, and each list passes it on at once (`delivery.mode: Passthrough`), and the chart runs a Deployment without volumes',
    ),
  upstream: upstream.default({ capture: true }).describe('Smart host of lists without one of their own'),
  allowListUpstream: allowListUpstream
    .prefault({})
    .describe('Which smart hosts lists may name as their own. The `upstream` of the class is not limited by it'),
  senderPolicy: z
    .strictObject({
      envelopeFrom: z
        .enum(['Enforce', 'Audit'])
        .default('Enforce')
        .describe('Audit: an unauthorized MAIL FROM is accepted, logged and counted'),
      headerFrom: z
        .enum(['Enforce', 'Audit'])
        .default('Enforce')
        .describe('Audit: an unauthorized From field is accepted, logged and counted'),
      displayName: z
        .enum(['Refuse', 'Allow'])
        .default('Refuse')
        .describe('Whether the display name of From may look like another address'),
      sender: z
        .enum(['Any', 'Verified'])
        .default('Any')
        .describe('What Sender, Resent-From and Resent-Sender may contain'),
      replyTo: z.enum(['Any', 'SameAsFrom', 'Verified']).default('Any').describe('What Reply-To may contain'),
      nullSender: z.enum(['Refuse', 'Allow']).default('Refuse').describe('Whether MAIL FROM:<> is accepted'),
      bcc: z
        .enum(['Drop', 'Keep'])
        .default('Drop')
        .describe('Whether Bcc and Resent-Bcc fields are removed or passed on'),
    })
    .prefault({})
    .describe('Minimum: lists can be stricter, never laxer'),
  recipients: recipients
    .optional()
    .describe('Whom mail of the class may reach (staging); lists can allow fewer, never others. Default: everybody'),
  limits: limits.extend({}).strict().prefault({}).describe('Maximum for the limits of lists and users'),
  sharedCounters: sharedCounters.optional(),
  session: sessionSettingsSchema.strict().prefault({}).describe('Limits against hostile clients'),
  delivery: delivery.prefault({}).describe('Time-outs and retries of deliveries'),
  reports: z
    .strictObject({
      from: asciiAddress.describe(
        'Their envelope sender and From, for a smart host that refuses MAIL FROM:<> (Amazon SES). `existingSenders` of a class must cover it, and the smart host must accept it. Lists with an upstream of their own keep `<>`',
      ),
    })
    .optional()
    .describe('Reports (bounces, delay notices) to senders'),
  metrics: metricsSettingsSchema.strict().prefault({}).describe('Metrics of the relay besides the usual ones'),
  tracing: tracingSettingsSchema.strict().optional().describe('Spans of messages (OpenTelemetry)'),
  log: logSettingsSchema.omit({ key: true }).strict().prefault({}).describe('What the log of the relay shows'),
  existingSenders: z
    .array(existingSender)
    .default([])
    .describe('Senders that need no proof: `- NAMESPACE: domain or address`'),
  existingSendersBefore: z.iso
    .datetime()
    .optional()
    .describe(
      'VerifiedSenders that were created on the API server before this time need no proof (not available for manifests in files)',
    ),
});

export type ClassSettings = z.infer<typeof classSettingsSchema>;

/** `2525,1025-5000`. YAML reads a single port as a number. */
const portList = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => portTrouble(text) === undefined, {
    error: ({ input }) => portTrouble(String(input)) ?? '',
    // how the lists go together can only be told where each is one
    abort: true,
  });

function portTrouble(text: string): string | undefined {
  const list = parsePorts(text);
  return 'problem' in list ? list.problem : undefined;
}

export const settingsSchema = z
  .strictObject({
    folder: path.default('examples').describe('Folder of manifests'),
    state: path.default('.smtp-plus').describe('Folder for Secrets, statuses, spool and certificates'),
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
    ports: portList
      .default('2525')
      .describe('Ports with STARTTLS, default 2525: numbers, and ranges. Busy ports of a range are skipped'),
    implicitTlsPorts: portList.default('').describe('Ports with TLS from the first byte: numbers and ranges'),
    skipBusyPorts: z
      .boolean()
      .default(false)
      .describe('Start without the ports that are in use, even those that are not part of a range'),
    workers: workersWish
      .default(1)
      .describe(
        'Processes that accept mail, each with 1/N of the memory: a number, or `auto` for one per core, as far as there are 256 MiB of memory for each',
      ),
    http: port.default(9465).describe('Port for /metrics, /healthz, /readyz, /configz, and for the console'),
    console: consoleSettingsSchema
      .prefault({})
      .describe('The console: web pages that show the state of lists, users, senders and relays'),
    pageAccess: z
      .enum(['Token', 'Everybody'])
      .default('Token')
      .describe(
        'On a cluster: who may read /metrics, /configz, /upstreamz, /queue and /usage, which name lists and smart hosts of all tenants. Token: whoever has the token, which the operator keeps in Secrets',
      ),
    capture: path.optional().describe('Folder of the capture upstream; default: STATE/outbox'),
    strict: z
      .boolean()
      .default(false)
      .describe('Refuse an object with a field that its kind does not have, instead of only warning'),
    relayClass: z.string().default('default').describe('The relay class that this process serves'),
    watchNamespaces: z
      .array(labelName)
      .default([])
      .describe('On a cluster: the namespaces whose objects are read; default: all'),
    namespaceLimits: namespaceLimits
      .prefault({})
      .describe(
        'How many objects of one namespace are served, so that no tenant uses up what is there for everybody. The oldest come first',
      ),
    reportsUnknownClasses: z
      .boolean()
      .default(true)
      .describe(
        'If a cluster has several installations, true for exactly one: it reports relay classes and lists that do not exist, and writes the statuses of VerifiedSenders. The others write only to their own lists and users',
      ),
    classesElsewhere: z
      .array(labelName)
      .default([])
      .describe('On a cluster: relay classes that another installation serves; their lists and users are left alone'),
    drainSpools,
    verification: verificationSettingsSchema
      .prefault({})
      .describe('How VerifiedSenders are proven. Those under existingSenders need no proof'),
    classes: z
      .record(labelName, classSettingsSchema)
      .default({ default: classSettingsSchema.parse({}) })
      .describe('Relay classes by name'),
  })
  .refine(({ classes, relayClass }) => Object.hasOwn(classes, relayClass), {
    path: ['relayClass'],
    message: 'must be one of `classes`; add it there, or name another',
  })
  .check(({ value: { classes, classesElsewhere }, issues }) => {
    for (const [index, name] of classesElsewhere.entries()) {
      if (!Object.hasOwn(classes, name)) continue;
      const message =
        'is under `classes` too; a relay class is served by one installation, so remove it from one of them';
      issues.push({ code: 'custom', input: name, path: ['classesElsewhere', index], message });
    }
  })
  // two classes with one Secret would overwrite each other's configuration for ever
  .check(({ value: { classes }, issues }) => {
    const takenBy = new Map<string, string>();
    for (const [name, { configSecret }] of Object.entries(classes)) {
      const prefix = configSecret ?? defaultConfigSecret(name);
      const other = takenBy.get(prefix);
      takenBy.set(prefix, name);
      if (other === undefined) continue;
      const message = `must be another one for each class; classes ${other} and ${name} both have ${prefix}`;
      // where the one is a default, the other is to be changed
      const at = configSecret === undefined ? other : name;
      issues.push({ code: 'custom', input: prefix, path: ['classes', at, 'configSecret'], message });
    }
  })
  // whoever gets the replies to reports, and is asked to vouch for them, is to be somebody of the platform's
  .check(({ value: { classes }, issues }) => {
    const vouched = Object.values(classes).flatMap(({ existingSenders }) => existingSenders.flatMap(Object.values));
    for (const [name, { reports }] of Object.entries(classes)) {
      if (reports === undefined || isVouchedFor(reports.from, vouched)) continue;
      const message = `must be covered by existingSenders of a class; add \`- NAMESPACE: ${reports.from}\` there`;
      issues.push({ code: 'custom', input: reports.from, path: ['classes', name, 'reports', 'from'], message });
    }
  })
  .check(({ value: { classes, verification }, issues }) => {
    const { from, relayClass } = verification;
    const vouched = Object.values(classes).flatMap(({ existingSenders }) => existingSenders.flatMap(Object.values));
    if (from !== undefined && !isVouchedFor(from, vouched)) {
      const message = `must be covered by existingSenders of a class; add \`- NAMESPACE: ${from}\` there`;
      issues.push({ code: 'custom', input: from, path: ['verification', 'from'], message });
    }
    if (relayClass !== undefined && !Object.hasOwn(classes, relayClass)) {
      const message = 'must be one of `classes`; add it there, or name another';
      issues.push({ code: 'custom', input: relayClass, path: ['verification', 'relayClass'], message });
    }
  })
  .check(({ value, issues }) => {
    const shared = sharePorts(value);
    if ('problem' in shared) issues.push({ code: 'custom', input: value, path: ['ports'], message: shared.problem });
  });

export type Settings = z.infer<typeof settingsSchema>;
export type NamespaceLimits = Settings['namespaceLimits'];
