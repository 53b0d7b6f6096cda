/** The part of the contract that says where relays of the class count together (see config.ts). */
import { z } from 'zod';

const valkeySchema = z.object({
  kind: z.literal('valkey'),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535),
  /** Absent: in clear text. */
  tls: z
    .object({
      /** Name that the certificate must bear, where it is not `host`. */
      serverName: z.string().optional(),
      /** PEM bundle that replaces the public roots. */
      ca: z.string().optional(),
    })
    .optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  keyPrefix: z.string(),
  /** Of the hashes that stand for users and addresses in the names of keys, in hex: one for all relays of a class. */
  hashKey: z.string().regex(/^[0-9a-f]{64}$/),
  /** An answer that takes longer is none. */
  timeoutMs: z.number().int().positive(),
});

/** `unresolved`: relays count for themselves, and say why. */
export const sharedCountersSchema = z.discriminatedUnion('kind', [
  valkeySchema,
  z.object({ kind: z.literal('unresolved'), message: z.string() }),
]);

export type ValkeyConfig = z.infer<typeof valkeySchema>;
export type SharedCountersConfig = z.infer<typeof sharedCountersSchema>;
