import { z } from 'zod';
import { allowedNamespaces, atomicListOf, conditions } from './common.ts';
import { duration } from './duration.ts';
import { addressWithDot, domain } from './names.ts';

export const senderSpec = z
  .object({
    address: addressWithDot
      .optional()
      .describe('The address, in lower case. Exactly one of `address` and `domain`. Immutable.'),
    domain: domain
      .optional()
      .describe(
        'The domain, in lower case, in Unicode or A-labels (`xn--`). Exactly one of `address` and `domain`. Immutable.',
      ),
    includeSubdomains: z.boolean().default(false).describe('Whether it covers the subdomains of the domain too.'),
    allowedNamespaces: allowedNamespaces.default({ from: 'Same' }).describe('Which other namespaces may use it.'),
    dns: z
      .object({
        publish: z
          .enum(['None', 'DNSEndpoint'])
          .default('None')
          .describe(
            'DNSEndpoint: external-dns publishes the records of the keys of a verified domain, and the one that proves it if the platform owner allows that (`verification.dnsEndpoints`). None: all records are published by hand.',
          ),
      })
      .prefault({})
      .describe('Records in the DNS.'),
    email: z
      .object({
        code: z
          .string()
          .min(1)
          .max(64)
          .regex(/^[A-Za-z0-9-]+$/, 'must be the code as the challenge mail has it: letters, digits and hyphens')
          .optional()
          .describe('The code from the mail to the address, if its link cannot be used.'),
      })
      .optional()
      .describe('Proof of an address by mail.'),
    dkim: z
      .object({
        signing: z
          .enum(['Disabled', 'Enabled'])
          .default('Disabled')
          .describe(
            'Enabled: mail from the domain is signed, with keys that the operator makes, once their records (`status.dnsRecords`) are seen in the DNS.',
          ),
        interval: duration
          .optional()
          .describe(
            'How often the keys are replaced: 336h to 9600h. Default: never, because each change needs new records.',
          ),
      })
      .prefault({})
      .describe('DKIM signatures for mail from the domain.'),
    recheckInterval: duration
      .default('24h')
      .describe('How often the record of a verified domain is looked up again: 5m to 720h.'),
  })
  .describe('An address or domain that this namespace may send as, once it is verified.');

export const senderStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  sender: z
    .string()
    .max(320)
    .optional()
    .describe('What it covers: an address, or a domain with a leading @, in A-labels.'),
  method: z.enum(['Grandfathered', 'DnsProof', 'EmailProof']).optional().describe('How it was verified.'),
  challenge: z
    .object({
      recordName: z.string().max(253).optional().describe('Name of the TXT record to publish.'),
      recordType: z.string().max(16).optional().describe('Its type.'),
      recordValue: z.string().max(255).optional().describe('Its value.'),
      sentTime: z.iso.datetime().optional().describe('When the last mail to the address was sent.'),
      expiryTime: z.iso.datetime().optional().describe('When the link and the code in that mail expire.'),
    })
    .optional()
    .describe('What to do to prove the sender.'),
  dnsRecords: atomicListOf(
    z.object({
      purpose: z.string().max(64).describe('What the record is for.'),
      name: z.string().max(253).describe('Its name.'),
      type: z.string().max(16).describe('Its type.'),
      value: z
        .string()
        .max(2048)
        .optional()
        .describe('The value to publish, or that is there and can stay. Absent: the message says what to do.'),
      state: z.enum(['Found', 'Missing', 'Mismatch', 'Unknown']).describe('What was found.'),
      message: z.string().max(1024).optional().describe('What to do.'),
    }),
    16,
  )
    .optional()
    .describe('Records to publish, so that mail from this domain is accepted.'),
  verifiedTime: z.iso.datetime().optional().describe('When it was first verified.'),
  lastCheckTime: z.iso.datetime().optional().describe('When its record was last looked up.'),
  nextCheckTime: z.iso.datetime().optional().describe('When its record will next be looked up.'),
});

export type SenderSpec = z.infer<typeof senderSpec>;
export type SenderStatus = z.infer<typeof senderStatus>;
