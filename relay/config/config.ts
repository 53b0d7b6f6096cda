/**
 * The one contract between operator and relay: a folder of JSON documents, `class.json` and `shard-NNN.json`.
 *
 * Everything is resolved here: defaults filled in, policies tightened, Secrets read. The relay decides nothing about
 * Kubernetes, and the operator nothing about SMTP sessions. Documents hold secrets: mode 0600, or a Secret volume.
 */
import { z } from 'zod';
import {
  canonicalAddressOrDomain,
  type credentialSchema,
  type limitsSchema,
  objectKey,
  type pauseTermsSchema,
  senderRuleSchema,
  unusableUserSchema,
  userSchema,
} from './user.ts';
import { handoverSchema } from './handover.ts';
import { sharedCountersSchema } from './shared-counters.ts';
import { tracingSettingsSchema } from './tracing.ts';
import { type oauth2Schema, type smartHostSchema, upstreamSchema } from './upstream.ts';

/** Lists, users, namespaces and signing keys are spread over this many documents by hash of their key (see `shardOf`). */
export const SHARD_COUNT = 32;
/** Load balancers have a subnet or three; each is compared with the address of each connection. */
const TRUSTED_PROXIES_MAX = 64;
// the operator reads no other file of the contract
export { CREDENTIALS_MAX } from './user.ts';
export { tracingSettingsSchema } from './tracing.ts';

const seconds = z.number().positive();
const count = z.number().int().positive();
const senderPolicySchema = z.object({
  envelopeFrom: z.enum(['Enforce', 'Audit']),
  headerFrom: z.enum(['Enforce', 'Audit']),
  displayName: z.enum(['Refuse', 'Allow']),
  sender: z.enum(['Any', 'Verified']),
  replyTo: z.enum(['Any', 'SameAsFrom', 'Verified']),
  nullSender: z.enum(['Refuse', 'Allow']),
  bcc: z.enum(['Drop', 'Keep']),
});

const allow = z.array(z.object({ recipient: canonicalAddressOrDomain, includeSubdomains: z.boolean() }));

/** Whom mail of a list may reach, and what becomes of mail to everybody else. */
const recipientGuardSchema = z.discriminatedUnion('otherwise', [
  z.object({ otherwise: z.literal('Refuse'), allow }),
  z.object({ otherwise: z.literal('Capture'), allow }),
  /** `redirectTo` is among `allow`. */
  z.object({ otherwise: z.literal('Redirect'), allow, redirectTo: z.string() }),
]);

/** What keys sign with (RFC 6376, RFC 8463). */
const DKIM_ALGORITHMS = ['rsa-sha256', 'ed25519-sha256'] as const;

const dkimKeySchema = z.object({
  algorithm: z.enum(DKIM_ALGORITHMS),
  /** The record of its public key is `SELECTOR._domainkey.DOMAIN`. */
  selector: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  /** PKCS #8 in DER and base64. */
  privateKey: z.base64(),
});

const dkimSignerSchema = z.object({
  /** d= of the signatures, canonical; they are for mail from it and from domains below it. */
  domain: z.string().regex(/^[a-z0-9.-]+$/),
  /** Only those whose records were seen in the DNS. Each signs. */
  keys: z.array(dkimKeySchema).min(1).max(DKIM_ALGORITHMS.length),
});

const listSchema = z.object({
  suspended: z.boolean(),
  starttls: z.enum(['Required', 'Optional']),
  upstream: upstreamSchema,
  senderPolicy: senderPolicySchema,
  /** Absent: mail may go to anybody. */
  recipients: recipientGuardSchema.optional(),
  delivery: z.object({
    mode: z.enum(['Spool', 'Passthrough']),
    maxAgeSeconds: seconds,
    delayNoticeAfterSeconds: seconds,
    /** Sender of reports; absent: the empty one, `<>`. */
    reportsFrom: z
      .string()
      .regex(/^[^\s@<>]+@[^\s@<>]+$/)
      .optional(),
  }),
});

export const shardDocumentSchema = z.object({
  version: z.literal(1),
  lists: z.record(objectKey, listSchema),
  /** By user name. */
  users: z.record(z.string(), userSchema),
  /** By user name. Absent in documents of an older operator. */
  unusable: z.record(z.string(), unusableUserSchema).default({}),
  /** What users of a namespace may send as (its own senders and those that others share with it). */
  namespaces: z.record(z.string(), z.array(senderRuleSchema)),
  /** By VerifiedSender: what mail of its domain is signed with. Absent in documents of an older operator. */
  dkim: z.record(objectKey, dkimSignerSchema).default({}),
});

/** Every limit on a hostile client, each with a default that is right for a cluster. Times in seconds. */
export const sessionSettingsSchema = z.object({
  connections: count
    .default(2000)
    .describe(
      'Maximum number of connections at the same time. If all are taken, a new one replaces one that has not logged in, or ' +
        'else an idle one of the namespace that has the most',
    ),
  connectionsPerSource: count.default(200).describe('Maximum number of connections from one client address'),
  commands: count.default(10000).describe('Maximum number of commands in one session'),
  unauthenticatedCommands: count.default(20).describe('Maximum number of commands before a log-in succeeds'),
  failedCommands: count.default(20).describe('Number of refused commands after which a session ends with 421'),
  commandBytes: count.default(4096).describe('Maximum length of a command line'),
  headerBytes: count.default(256 * 1024).describe('Maximum size of the header section of a message'),
  lineBytes: count
    .default(64 * 1024)
    .describe(
      'Maximum number of octets in one line of a message. RFC 5321 allows 998; most smart hosts accept more, and some refuse or break longer lines',
    ),
  receivedHeaders: count.default(50).describe('Number of Received fields above which a message counts as a loop'),
  idleSeconds: seconds.default(300).describe('Longest silence between commands'),
  unauthenticatedSeconds: seconds.default(60).describe('Longest time from the greeting to a successful log-in'),
  dataSeconds: seconds.default(600).describe('Longest time for one message, from DATA to its final dot'),
  dataBytesPerSecond: count.default(256).describe('Slowest average rate of a message after its first 30 s'),
  sessionSeconds: seconds.default(3600).describe('Longest time for a whole session'),
  failedLogins: count
    .default(10)
    .describe(
      'Number of failed log-ins of one user from one address, over all relays, that lead to a lock-out; for all users from one address, ten ' +
        'times as many. Clients behind the same address (SNAT, `externalTrafficPolicy: Cluster`) share the count and the ' +
        'lock-out: preserve source addresses, or raise this',
    ),
  trustedProxies: z
    .array(
      z.union([z.cidrv4(), z.cidrv6()], {
        error: 'must be a range of addresses such as 192.0.2.0/24, 192.0.2.7/32 or 2001:db8::/32',
      }),
    )
    .max(TRUSTED_PROXIES_MAX)
    .default([])
    .describe(
      'Addresses (CIDR notation) of load balancers that begin each connection with a PROXY header (version 1 or 2) that names ' +
        'the client. A connection from them without the header is closed, and a header from any other address is refused',
    ),
  lockoutSeconds: seconds.default(300).describe('Length of that lock-out, and of the time in which failures count'),
});

/** How the relay passes mail on. Times in seconds. */
export const deliverySettingsSchema = z.object({
  connectSeconds: seconds.default(30).describe('Longest time to connect, with TLS and the greeting'),
  commandSeconds: seconds.default(300).describe('Longest wait for the answer to one command (RFC 5321, 4.5.3.2)'),
  finalDotSeconds: seconds.default(600).describe('Longest wait for the answer to the final dot (RFC 5321, 4.5.3.2.6)'),
  retryFirstSeconds: seconds.default(60).describe('Time until the first retry after a temporary failure'),
  retryMostSeconds: seconds.default(3600).describe('Longest time between two retries'),
  orphanMaxAgeSeconds: seconds
    .default(24 * 3600)
    .describe(
      'How long mail of a list that was deleted, or moved to another class, waits for the list to come back. Then it bounces',
    ),
  unreachableSeconds: seconds.default(60).describe('How long an upstream has to fail before its lists report it'),
  concurrency: count.default(50).describe('Deliveries at the same time, shared by the namespaces that have mail'),
  spoolReserveBytes: count.default(64 * 1024 * 1024).describe('Free disk space that the spool never uses'),
  spoolNamespacePercent: count
    .max(100)
    .default(50)
    .describe('Percent of the free room in the spool that one namespace may fill'),
  capturedMessages: count
    .default(1000)
    .describe(
      'Number of messages kept for lists with `recipients.otherwise: Capture`. Beyond that, the oldest of the namespace that has the most are deleted',
    ),
  capturedBytes: count.default(256 * 1024 * 1024).describe('Likewise, their total bytes; the newest is always kept'),
  shutdownSeconds: seconds.default(25).describe('Longest time for a clean shutdown'),
});

export const logSettingsSchema = z.object({
  addresses: z
    .enum(['full', 'hashed', 'none'])
    .default('full')
    .describe("How the relay's log shows mail addresses: as they are, as a keyed hash, or not at all"),
  /** Key of those hashes, in hex: one for all relays of a class, and the same after restarts. */
  key: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

export const metricsSettingsSchema = z.object({
  usage: z
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe('How many lists, and how many users, have metrics of their own: those that send most. 0: none has'),
  labels: count
    .max(10_000)
    .default(1000)
    .describe(
      'How many lists, and how many smart hosts, the labels of metrics name; all others are counted as `other`. Namespaces take turns, so that none takes the places of another',
    ),
});

const pagesSchema = z.object({
  /** SHA-256 (hex) of the token that opens the pages that name tenants (page-readers.ts); absent: they are open. */
  tokenHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

export const classDocumentSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  shards: z.literal(SHARD_COUNT),
  /** Our name in the greeting, in EHLO replies and in trace fields. */
  hostname: z.string().min(1),
  starttls: z.enum(['Required', 'Optional']),
  /**
   * Whether a verified address covers its local part in other letters than small ones. Absent in documents of an older
   * operator.
   */
  localPartCase: z.enum(['Ignore', 'Match']).default('Ignore'),
  /** Whether mail outside ASCII (RFC 6531) is taken. Absent in documents of an older operator. */
  smtputf8: z.enum(['Allow', 'Refuse']).default('Allow'),
  session: sessionSettingsSchema,
  delivery: deliverySettingsSchema,
  /** How many relays serve the class (submission/fleet-share.ts). Absent in documents of an older operator. */
  relays: count.default(1),
  /** Absent in documents of an older operator. */
  log: logSettingsSchema.prefault({}),
  /** Likewise. */
  metrics: metricsSettingsSchema.prefault({}),
  /** Likewise: its relays are open to everybody, as they were. */
  pages: pagesSchema.prefault({}),
  /** Absent: no spans are sent. */
  tracing: tracingSettingsSchema.optional(),
  handover: handoverSchema.optional(),
  /** Absent: each relay counts for itself. */
  sharedCounters: sharedCountersSchema.optional(),
});

export type UpstreamConfig = z.infer<typeof upstreamSchema>;
export type SmartHost = z.infer<typeof smartHostSchema>;
export type OAuth2 = z.infer<typeof oauth2Schema>;
export type Limits = z.infer<typeof limitsSchema>;
export type PauseTerms = z.infer<typeof pauseTermsSchema>;
export type SenderPolicy = z.infer<typeof senderPolicySchema>;
export type RecipientGuard = z.infer<typeof recipientGuardSchema>;
export type SenderRule = z.infer<typeof senderRuleSchema>;
export type DkimKey = z.infer<typeof dkimKeySchema>;
export type DkimSigner = z.infer<typeof dkimSignerSchema>;
export type Credential = z.infer<typeof credentialSchema>;
export type ListConfig = z.infer<typeof listSchema>;
export type UserConfig = z.infer<typeof userSchema>;
export type UnusableUser = z.infer<typeof unusableUserSchema>;
export type ShardDocument = z.infer<typeof shardDocumentSchema>;
export type ClassDocument = z.infer<typeof classDocumentSchema>;
export type SessionSettings = z.infer<typeof sessionSettingsSchema>;
export type DeliverySettings = z.infer<typeof deliverySettingsSchema>;
export type LogSettings = z.infer<typeof logSettingsSchema>;

/** All documents of one relay class, by file name; what the operator writes and the relay reads. */
export interface RelayDocuments {
  readonly class: ClassDocument;
  /** Exactly SHARD_COUNT of them. */
  readonly shards: readonly ShardDocument[];
}

/** What the relay works with: the documents merged. Replaced as a whole at each change, never modified. */
export interface RelayConfig {
  readonly class: ClassDocument;
  readonly lists: ReadonlyMap<string, ListConfig>;
  readonly users: ReadonlyMap<string, UserConfig>;
  /** Who cannot be served at present; no name is in `users` too. */
  readonly unusable: ReadonlyMap<string, UnusableUser>;
  readonly namespaces: ReadonlyMap<string, readonly SenderRule[]>;
  /** By VerifiedSender. */
  readonly dkim: ReadonlyMap<string, DkimSigner>;
}

/** Number of the shard for a list or sender (`NAMESPACE/NAME`), user name or namespace: FNV-1a, 32 bits, modulo `count`. */
export function shardOf(key: string, count = SHARD_COUNT): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  return hash % count;
}

export function shardFileName(shard: number): string {
  return `shard-${String(shard).padStart(3, '0')}.json`;
}

/** The file that an entry is in, by its key. */
export function fileOf(key: string): string {
  return shardFileName(shardOf(key));
}

export const CLASS_FILE_NAME = 'class.json';
