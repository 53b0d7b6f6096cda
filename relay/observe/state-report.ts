/** What a relay says of itself (page `/configz`): a part of the contract with the operator, and nothing that is secret. */
import { z } from 'zod';

export const stateReportSchema = z.object({
  /** Version of the program; absent from one that is older than this field. */
  version: z.string().max(64).optional(),
  /** Name of the relay class; absent until it has read a configuration. */
  class: z.string().max(253).optional(),
  /** When the configuration in force was read; ISO 8601, as every time here. */
  readTime: z.iso.datetime().optional(),
  /** SHA-256 (hex) of each document in force, by file name. */
  documents: z.record(z.string().max(253), z.string().max(128)),
  /** Fingerprint (SHA-256) of the certificate that new connections get. */
  certificate: z.string().max(128).optional(),
  certificateNotAfter: z.iso.datetime().optional(),
  /** Since when its spool has had no room. */
  spoolFullSince: z.iso.datetime().optional(),
  /** In percent. */
  spoolFill: z.object({ percent: z.number(), namespaces: z.record(z.string(), z.number()) }).optional(),
});

export type StateReport = z.infer<typeof stateReportSchema>;
