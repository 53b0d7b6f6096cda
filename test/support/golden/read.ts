/**
 * A golden input: plain manifests (the kinds, Namespaces, Secrets), and at most one document `kind: Settings` with what
 * a folder or a cluster would know besides. Everything in it has a default, so that a file holds what it is about.
 */
import { retainedOwner } from '../../../operator/core/credentials/ownership.ts';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { API_VERSION } from '../../../operator/api/common.ts';
import { pausedStatus } from '../../../operator/api/sending.ts';
import { traffic } from '../../../operator/api/traffic.ts';
import { isKindName } from '../../../operator/api/kinds.ts';
import type {
  ClassView,
  ObjectMeta,
  ProgrammedFact,
  RawObject,
  RelaysFact,
  SecretView,
  Snapshot,
  UpstreamFact,
} from '../../../operator/core/model.ts';
import { addressesOfLists } from '../../../operator/settings/list-upstream.ts';
import { classSettingsSchema, type ClassSettings } from '../../../operator/settings/settings.ts';
import { mailEvidenceSchema } from '../../../operator/verify/mail-evidence.ts';
import { keysSchema } from '../../../operator/verify/make-keys.ts';
import type { Verifiers } from './passwords.ts';

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default('default'),
  uid: z.string().optional(),
  generation: z.number().default(1),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  ownerReferences: z.array(z.object({ uid: z.string(), controller: z.boolean().optional() })).default([]),
});

const manifest = z.object({
  apiVersion: z.string().optional(),
  kind: z.string(),
  metadata: metadata.prefault({ name: '' }),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
  type: z.string().default('Opaque'),
  stringData: z.record(z.string(), z.string()).default({}),
});

const evidence = z.object({
  recordName: z.string(),
  recordValue: z.string(),
  time: z.string(),
  outcome: z.enum(['found', 'absent', 'mismatch', 'failed']),
  detail: z.string().default('the name does not exist (NXDOMAIN)'),
  attempts: z.number().default(1),
  since: z.string().default('2026-01-01T00:00:00Z'),
  touched: z.string().optional(),
  jitter: z.number().default(0.5),
  foundTime: z.string().optional(),
  missingSince: z.string().optional(),
  isAnswered: z.literal(true).optional(),
  lostTime: z.string().optional(),
  seen: z.string().optional(),
  seenAt: z.string().optional(),
});

/** By key of the VerifiedSender, as `evidence`. */
const vouchings = z.record(z.string(), z.object({ sender: z.string(), withdrawnTime: z.string().optional() }));

const usageFact = z.strictObject({
  traffic: traffic.optional(),
  lastUsedTime: z.string().optional(),
  month: z.object({ name: z.string(), messages: z.number() }).optional(),
  paused: pausedStatus.optional(),
});

const settings = z.strictObject({
  kind: z.literal('Settings'),
  now: z.string().default('2026-01-01T00:00:00Z'),
  verification: z.enum(['none', 'dns']).default('none'),
  spfInclude: z.string().optional(),
  endpoints: z.enum(['NoCluster', 'None', 'DKIM', 'All']).optional(),
  /** What has become of DNSEndpoints, by key of the VerifiedSender. */
  publications: z
    .record(
      z.string(),
      z.object({
        reason: z.enum(['Published', 'CrdMissing', 'EndpointNotOwned', 'EndpointNotWritten']),
        message: z.string(),
      }),
    )
    .default({}),
  mailVerification: z
    .object({ className: z.string().default('default'), from: z.string(), hasPage: z.boolean().default(true) })
    .optional(),
  /** By `NAMESPACE/ADDRESS`. */
  mail: z.record(z.string(), mailEvidenceSchema).default({}),
  classes: z.record(z.string(), z.unknown()).default({ default: {} }),
  ports: z.array(z.number()).default([587]),
  implicitTlsPorts: z.array(z.number()).default([465]),
  caCertificate: z.string().optional(),
  /** Why the upstream of the classes cannot be used. */
  upstreamProblem: z.string().optional(),
  evidence: z.record(z.string(), evidence).default({}),
  /** Of records besides the proof, by key of the VerifiedSender and by their id. */
  records: z.record(z.string(), z.record(z.string(), evidence)).default({}),
  vouchings: vouchings.default({}),
  /** That mail is signed with, by key of the VerifiedSender. */
  keys: z.record(z.string(), keysSchema).default({}),
  programmed: z
    .record(z.string(), z.object({ state: z.enum(['Unknown', 'Programmed', 'Lagging']), message: z.string() }))
    .optional(),
  /** What the one relay of a class tells of itself, by class: lists that it had mail of, with the trouble that it had. */
  relays: z
    .record(
      z.string(),
      z.object({
        isFull: z.boolean().default(false),
        upstreams: z
          .record(z.string(), z.object({ since: z.string(), time: z.string(), error: z.string() }).nullable())
          .default({}),
      }),
    )
    .default({}),
  /** What the relays have counted, by kind and key. Absent: they were not heard yet. */
  usage: z.record(z.string(), usageFact).default({}),
});

type Manifest = z.infer<typeof manifest>;
type GoldenSettings = z.infer<typeof settings>;

export interface GoldenInput {
  readonly now: Date;
  readonly snapshot: Snapshot;
}

export function readGolden(text: string, verifiers: Verifiers): GoldenInput {
  const documents = parseAllDocuments(verifiers.expand(text)).map((document) => {
    for (const error of document.errors) throw error;
    return document.toJS() as { kind?: unknown };
  });
  const known = settings.parse(documents.find(({ kind }) => kind === 'Settings') ?? { kind: 'Settings' });
  const manifests = documents.filter(({ kind }) => kind !== 'Settings').map((document) => manifest.parse(document));
  const ofKind = (kind: string): Manifest[] => manifests.filter((one) => one.kind === kind);
  return {
    now: new Date(known.now),
    snapshot: {
      classes: new Map(Object.entries(known.classes).map(([name, value]) => [name, classView(known, value)])),
      namespaces: new Map(ofKind('Namespace').map((one) => [one.metadata.name, one.metadata.labels])),
      objects: manifests.flatMap(objectOf),
      secrets: new Map(ofKind('Secret').map((one) => [keyOf(one), secretView(one)])),
      evidence: evidenceIn(known),
      keys: new Map(Object.entries(known.keys)),
      mail: new Map(Object.entries(known.mail)),
      ...(known.mailVerification !== undefined && { mailVerification: known.mailVerification }),
      ...verificationIn(known),
      publications: new Map(Object.entries(known.publications)),
      programmed: new Map(Object.entries(known.programmed ?? allProgrammed(known))),
      usage: new Map(Object.entries(known.usage)),
      relayFacts: new Map(Object.keys(known.classes).map((name) => [name, relaysFact(known, name)])),
    },
  };
}

function verificationIn({ verification, endpoints, spfInclude }: GoldenSettings): Pick<Snapshot, 'verification'> {
  if (verification === 'none' && endpoints === undefined) return {};
  const look = verification === 'none' ? { isDisabled: true as const } : {};
  return {
    verification: {
      graceSeconds: 72 * 3600,
      ...look,
      ...(endpoints !== undefined && { endpoints }),
      ...(spfInclude !== undefined && { spfInclude }),
    },
  };
}

function evidenceIn({ evidence: known, vouchings, records }: GoldenSettings): Snapshot['evidence'] {
  const keys = new Set([known, vouchings, records].flatMap((parts) => Object.keys(parts)));
  return new Map([...keys].map((key) => [key, { dns: known[key], vouching: vouchings[key], records: records[key] }]));
}

function allProgrammed({ classes }: GoldenSettings): Record<string, ProgrammedFact> {
  const fact = { state: 'Programmed', message: 'All relays.' } as const;
  return Object.fromEntries(Object.keys(classes).map((name) => [name, fact]));
}

function relaysFact({ relays }: GoldenSettings, className: string): RelaysFact {
  const { isFull, upstreams } = relays[className] ?? { isFull: false, upstreams: {} };
  const facts = Object.entries(upstreams).map(([list, trouble]): [string, UpstreamFact] => [
    list,
    trouble === null ? { failing: [], of: 1 } : { failing: ['relay'], of: 1, trouble },
  ]);
  return { isSilent: false, of: 1, full: isFull ? ['relay'] : [], upstreams: new Map(facts) };
}

function keyOf({ metadata: { namespace, name } }: Manifest): string {
  return `${namespace}/${name}`;
}

function classView(known: GoldenSettings, value: unknown): ClassView {
  const { ports, implicitTlsPorts, caCertificate, upstreamProblem } = known;
  const parsed = classSettingsSchema.parse({ hostname: 'smtp.example', ...(value as object | null) });
  return {
    settings: parsed,
    upstream: upstreamProblem === undefined ? upstreamOf(parsed) : { kind: 'unresolved', message: upstreamProblem },
    listAddresses: addressesOfLists(parsed.allowListUpstream, 'cluster'),
    ports: parsed.ports ?? ports,
    implicitTlsPorts,
    ...(caCertificate !== undefined && { caCertificate }),
  };
}

function upstreamOf({ upstream }: ClassSettings): ClassView['upstream'] {
  if ('capture' in upstream) return { kind: 'capture' };
  const { host, port, tls, maxConnections, messagesPerConnection, recipientsPerTransaction } = upstream;
  return { kind: 'smtp', host, port, tls, maxConnections, messagesPerConnection, recipientsPerTransaction };
}

function objectOf({ apiVersion, kind, metadata: meta, spec, status }: Manifest): RawObject[] {
  if (!isKindName(kind)) return [];
  if (apiVersion !== API_VERSION) throw new Error(`${kind} ${meta.name}: apiVersion must be ${API_VERSION}`);
  return [{ kind, meta: metaOf(meta), spec, ...(status !== undefined && { status }) }];
}

function metaOf(meta: Manifest['metadata']): ObjectMeta {
  const { ownerReferences: _, uid, ...rest } = meta;
  return { ...(rest as Omit<ObjectMeta, 'uid'>), uid: uid ?? `uid-of-${meta.namespace}-${meta.name}` };
}

function secretView({ metadata: meta, type, stringData }: Manifest): SecretView {
  const { namespace, name, labels, annotations } = meta;
  const reference = meta.ownerReferences.find(({ controller }) => controller);
  const retained = reference === undefined ? retainedOwner({ type, annotations }) : undefined;
  const controllerUid = (reference ?? retained)?.uid;
  const entries = Object.entries(stringData).map(([key, value]) => {
    const password = value.replace(/\r?\n$/, '');
    return [key, `argon2idOf(${password})`];
  });
  const view = { namespace, name, type, labels, annotations, data: stringData, verifiers: Object.fromEntries(entries) };
  return {
    ...view,
    ...(controllerUid !== undefined && { controllerUid }),
    ...(retained !== undefined && { retainedFor: retained.name }),
  };
}
