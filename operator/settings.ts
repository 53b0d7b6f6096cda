/**
 * The settings file: what the platform owner decides, as against what users of the kinds may ask for.
 * One zod schema; the README's table of settings and the chart's values follow it.
 */
import { z } from 'zod';
import { deliverySettingsSchema, sessionSettingsSchema } from '../relay/config.ts';
import { canonicalSender } from '../relay/address.ts';
import { limits } from './api/common.ts';

const port = z.number().int().min(0).max(65535);

const upstream = z.union([
  z.strictObject({
    capture: z.literal(true).describe('Write each message into the capture folder instead of sending it'),
  }),
  z.strictObject({
    host: z.string().min(1).describe('Smart host'),
    port: z.number().int().min(1).max(65535).default(587),
    tls: z.enum(['StartTLS', 'Implicit', 'Opportunistic', 'None']).default('StartTLS'),
    serverName: z.string().optional().describe('Name in its certificate, where it is not host'),
    caFile: z.string().optional().describe('PEM bundle that replaces the public roots'),
    username: z.string().optional(),
    passwordFile: z.string().optional().describe('File with the password; a trailing newline is dropped'),
    maxConnections: z.number().int().min(1).default(10),
    messagesPerConnection: z.number().int().min(1).default(100),
  }),
]);

/** `- shop: shop.example`: a namespace and a domain or address that it has always sent as. */
const existingSender = z
  .record(z.string(), z.string())
  .refine((entry) => Object.keys(entry).length === 1, { message: 'must be one `NAMESPACE: domain or address`' })
  .refine((entry) => Object.values(entry).every(isDomainOrAddress), { message: 'must name a domain or an address' });

function isDomainOrAddress(text: string): boolean {
  return canonicalSender(text.includes('@') ? text : `@${text}`) !== undefined;
}

export const classSettingsSchema = z.strictObject({
  hostname: z.string().min(1).default('localhost').describe('Server name that users connect to'),
  ports: z.array(port).max(16).optional().describe('Ports to show to users; default: the first that listen'),
  caFile: z
    .string()
    .optional()
    .describe('In a cluster: PEM of the CA that users verify the relay by, for their Secrets; default: a public one'),
  configSecret: z
    .string()
    .max(200)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .optional()
    .describe('In a cluster: prefix of the Secrets with the configuration of the relay; default: smtp-plus-CLASS'),
  starttls: z
    .enum(['Required', 'Optional'])
    .default('Required')
    .describe('Floor: Optional lets a list allow AUTH in clear text'),
  upstream: upstream.default({ capture: true }).describe('Smart host of lists that name none'),
  senderPolicy: z
    .strictObject({
      envelopeFrom: z.enum(['Enforce', 'Audit']).default('Enforce'),
      headerFrom: z.enum(['Enforce', 'Audit']).default('Enforce'),
      replyTo: z.enum(['Any', 'SameAsFrom', 'Verified']).default('Any'),
      nullSender: z.enum(['Refuse', 'Allow']).default('Refuse'),
    })
    .prefault({})
    .describe('Floor: lists can tighten it, never loosen it'),
  limits: limits.extend({}).strict().prefault({}).describe('Ceiling for the limits of lists and users'),
  session: sessionSettingsSchema.strict().prefault({}).describe('Limits on a hostile client'),
  delivery: deliverySettingsSchema.strict().prefault({}).describe('Time-outs and retries towards upstreams'),
  existingSenders: z
    .array(existingSender)
    .default([])
    .describe('Senders verified from the start: `- NAMESPACE: domain or address`'),
  existingSendersBefore: z.iso
    .datetime()
    .optional()
    .describe('VerifiedSenders that the API server created before are verified (not available for manifests in files)'),
});

export type ClassSettings = z.infer<typeof classSettingsSchema>;

/** `2525,1025-5000`. YAML reads a single port as a number. */
const portList = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(
    z.string().refine((text) => parsePorts(text) !== undefined, {
      message: 'must be ports and ranges, such as `2525,1025-5000`',
    }),
  );

export const settingsSchema = z
  .strictObject({
    folder: z.string().default('examples').describe('Folder of manifests'),
    state: z.string().default('.smtp-plus').describe('Folder for Secrets, statuses, spool and certificates'),
    host: z.string().default('127.0.0.1').describe('Address to listen on'),
    ports: portList.default('2525,1025-5000').describe('Ports with STARTTLS: numbers and ranges'),
    implicitTlsPorts: portList.default('').describe('Ports with TLS from the first byte: numbers and ranges'),
    http: port.default(9465).describe('Port for /metrics, /healthz, /readyz, /configz'),
    capture: z.string().optional().describe('Folder of the capture upstream; default: STATE/outbox'),
    relayClass: z.string().default('default').describe('The relay class that this process serves'),
    watchNamespaces: z
      .array(z.string().min(1).max(63))
      .default([])
      .describe('In a cluster: the namespaces whose objects are read; default: all'),
    classes: z
      .record(z.string(), classSettingsSchema)
      .default({ default: classSettingsSchema.parse({}) })
      .describe('Relay classes by name'),
  })
  .refine(({ classes, relayClass }) => Object.hasOwn(classes, relayClass), {
    path: ['relayClass'],
    message: 'must be one of `classes`',
  });

/** The ports of a list such as `2525,1025-5000`, each once, in the order of the list; undefined where it is none. */
export function parsePorts(text: string): readonly number[] | undefined {
  const ports = new Set<number>();
  if (text.trim() === '') return [];
  for (const part of text.split(',')) {
    const range = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part);
    if (range === null) return undefined;
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    if (first > last || last > 65535) return undefined;
    for (let port = first; port <= last; port++) ports.add(port);
  }
  return [...ports];
}

export type Settings = z.infer<typeof settingsSchema>;
