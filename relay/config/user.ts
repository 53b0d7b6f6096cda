/** Users in the relays' configuration (config.ts), and what they may send as. */
import { z } from 'zod';

/** Valid passwords of one user. A wrong one costs a slow hash for each salt of argon2id among their verifiers. */
export const CREDENTIALS_MAX = 5;

const count = z.number().int().positive();
/** `NAMESPACE/NAME` of a Kubernetes object. */
export const objectKey = z.string().regex(/^[^/]+\/[^/]+$/);

/** An address (`orders@shop.example`) or a domain (`@shop.example`), canonical: lower-case domain in A-labels. */
export const canonicalAddressOrDomain = z.string().regex(/^[^\s@]*@[^\s@]+$|^"/);

export const limitsSchema = z.object({
  messageBytes: count,
  recipientsPerMessage: count,
  messagesPerHour: count.optional(),
  recipientsPerDay: count.optional(),
  /** Per calendar month, by UTC. */
  messagesPerMonth: count.optional(),
  /** Connections that one user may hold at once. */
  connections: count,
});

export const senderRuleSchema = z.object({
  sender: canonicalAddressOrDomain,
  includeSubdomains: z.boolean(),
  verified: z.boolean(),
  /** Nobody has looked yet whether it is verified: a refusal is temporary. */
  unchecked: z.literal(true).optional(),
  /** The VerifiedSender that says so, or that is to be verified first. */
  object: objectKey,
});

export const credentialSchema = z.object({
  /** `sha256$SALT$HASH` or `argon2id$m=,t=,p=$SALT$HASH`, see relay/password-hash.ts. Never a password. */
  verifier: z.string(),
  /** A rotated password dies here, whether or not the operator runs. ISO 8601. */
  notAfter: z.iso.datetime().optional(),
});

/** A user is paused where more of its recipients bounce. */
export const pauseTermsSchema = z.object({
  /** In percent. */
  bounceRate: z.number().positive().max(100),
  /** How many recipients that is a part of. */
  of: count,
  /** Set by people to end a pause: one from under another mark is over. */
  resume: z.string(),
});

export const userSchema = z.object({
  /** The SmtpPlusUser object. */
  object: objectKey,
  namespace: z.string(),
  list: objectKey,
  active: z.boolean(),
  mode: z.enum(['Live', 'Sandbox']),
  credentials: z.array(credentialSchema).max(CREDENTIALS_MAX),
  /** What it may send as, where narrower than its namespace's; absent: all of `namespaces[namespace]`. */
  senders: z.array(senderRuleSchema).optional(),
  limits: limitsSchema,
  /** Empty: any address. */
  clientCIDRs: z.array(z.string()),
  /** Nobody logs in with it from here on, whether or not the operator runs. ISO 8601; absent: it never ends. */
  expires: z.iso.datetime().optional(),
  /** All relays together have taken its quota of this month (`2026-11`). */
  quotaUsed: z.string().optional(),
  pauseAbove: pauseTermsSchema.optional(),
  /** Some relay has paused it. */
  paused: z.literal(true).optional(),
});

/**
 * A user who has a password, and whom no relay can serve because of how things are configured. Whoever has the password
 * is told so, with a temporary reply; nobody else learns anything.
 */
export const unusableUserSchema = z.object({
  /** The SmtpPlusUser object. */
  object: objectKey,
  namespace: z.string(),
  credentials: z.array(credentialSchema).max(CREDENTIALS_MAX),
  /** Empty: any address. */
  clientCIDRs: z.array(z.string()),
  /** The list that it names and that does not exist; absent: something else is wrong. */
  missingList: objectKey.optional(),
});
