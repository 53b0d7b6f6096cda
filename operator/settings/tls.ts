/** Settings of a class: the certificate of its relays, on a cluster. */
import { z } from 'zod';
import { serverName } from './text.ts';

const DAY_SECONDS = 24 * 60 * 60;
/** What Apple's clients, the strictest, take of a private CA. */
const CERTIFICATE_DAYS_MAX = 825;
const AUTHORITY_DAYS_MAX = 7300;
const NAMES_MAX = 32;
/** A certificate that is made on the last day of its authority must end before it. */
const SHARE = 3;

export const tlsSettingsSchema = z
  .strictObject({
    secretName: z
      .string()
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of a Secret')
      .optional()
      .describe(
        "Secret in the operator's namespace with `tls.crt`, `tls.key` and, unless a public authority has signed it, `ca.crt`: one of cert-manager, or your own. Default: the operator makes authority and certificate itself, and renews them",
      ),
    names: z
      .array(serverName)
      .max(NAMES_MAX)
      .default([])
      .describe('Further names by which clients reach the relays, besides `hostname`'),
    certificateDays: z
      .number()
      .int()
      .min(1)
      .max(CERTIFICATE_DAYS_MAX)
      .default(90)
      .describe('How long a certificate that the operator makes is valid; it makes another one after two thirds'),
    authorityDays: z
      .number()
      .int()
      .min(SHARE)
      .max(AUTHORITY_DAYS_MAX)
      .default(3650)
      .describe('How long an authority that the operator makes is valid; it makes another one after two thirds'),
    announceSeconds: z
      .number()
      .int()
      .min(0)
      .max(90 * DAY_SECONDS)
      .default(DAY_SECONDS)
      .describe(
        'How long a new authority is in the Secrets of all users before relays use a certificate that it signed. Applications that read `ca.crt` only when they start must be restarted in this time',
      ),
    keepSeconds: z
      .number()
      .int()
      .min(0)
      .max(365 * DAY_SECONDS)
      .default(7 * DAY_SECONDS)
      .describe(
        'How long an authority stays in the Secrets of users once no relay uses a certificate that it signed any more',
      ),
  })
  .refine(({ certificateDays, authorityDays }) => certificateDays * SHARE <= authorityDays, {
    path: ['certificateDays'],
    message: 'must be at most a third of authorityDays',
  });

export type TlsSettings = z.infer<typeof tlsSettingsSchema>;
