/** The part of the contract (see config.ts) that says where the mail of a list goes. */
import { z } from 'zod';
import { allowedAddressesSchema } from '../address-ranges.ts';

const count = z.number().int().positive();

/** Logging in to an upstream with an access token in place of a password. */
export const oauth2Schema = z.object({
  tokenUrl: z.url({ protocol: /^https$/ }),
  clientId: z.string().min(1),
  clientSecret: z.string().optional(),
  /** File, where the relay runs, with a client assertion (RFC 7523) in place of the secret. */
  assertionFile: z.string().min(1).optional(),
  scope: z.string().optional(),
  /** As whom to log in. */
  user: z.string().regex(/^[^\x00-\x1f\x7f]+$/),
});

export const smartHostSchema = z.object({
  kind: z.literal('smtp'),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535),
  tls: z.enum(['StartTLS', 'Implicit', 'Opportunistic', 'None']),
  /** Name that the upstream's certificate must bear, where it is not `host`. */
  serverName: z.string().optional(),
  /** PEM bundle that replaces the public roots. */
  ca: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  /** How to log in; absent: the best that the upstream offers. */
  auth: z.enum(['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2', 'OAUTHBEARER']).optional(),
  /** In place of user name and password. */
  oauth2: oauth2Schema.optional(),
  /** Our name in EHLO; absent: see relay/delivery/helo.ts. */
  helo: z
    .string()
    .regex(/^[^\s<>]+$/)
    .optional(),
  /** Absent in documents of an older operator. */
  recipientsPerTransaction: count.default(50),
  /** Where `host` and `tokenUrl` may lead. Absent where the platform has named them: anywhere. */
  addresses: allowedAddressesSchema.optional(),
  maxConnections: count,
  messagesPerConnection: count,
});

/** Where mail of a list goes. `unresolved` keeps it in the spool, with the reason for the log and the metrics. */
export const upstreamSchema = z.discriminatedUnion('kind', [
  smartHostSchema,
  z.object({ kind: z.literal('capture') }),
  z.object({ kind: z.literal('unresolved'), message: z.string() }),
]);
