import { z } from 'zod';
import { allowedNamespaces, atomicListOf, conditions } from './common.ts';
import { duration } from './duration.ts';
import { addressWithDot, domain } from './names.ts';

export const senderSpec = z
  .object({
    address: addressWithDot
      .optional()
      .describe('The mail address to verify, in lower case. Set either this or `domain`. Cannot be changed.'),
    domain: domain
      .optional()
      .describe(
        'The domain to verify, in lower case, in Unicode or as A-labels (`xn--`). It covers every address in it. Set either this or `address`. Cannot be changed.',
      ),
    includeSubdomains: z.boolean().default(false).describe('Whether the subdomains of the domain are covered too.'),
    allowedNamespaces: allowedNamespaces
      .default({ from: 'Same' })
      .describe('Namespaces whose users may send as this sender.'),
    dns: z
      .object({
        publish: z
          .enum(['None', 'DNSEndpoint'])
          .default('None')
          .describe(
            'Who publishes the DNS records. None: you do, by hand. DNSEndpoint: external-dns publishes the records with the DKIM keys of a verified domain, and also the record that proves the domain, if the platform owner allows that (`verification.dnsEndpoints`).',
          ),
      })
      .prefault({})
      .describe('The DNS records of the domain.'),
    email: z
      .object({
        code: z
          .string()
          .min(1)
          .max(64)
          .regex(/^[A-Za-z0-9-]+$/, 'must be the code as the challenge mail has it: letters, digits and hyphens')
          .optional()
          .describe('The code in the mail that was sent to the address, if the link in it cannot be used.'),
      })
      .optional()
      .describe('Verification of an address by a mail to it.'),
    dkim: z
      .object({
        signing: z
          .enum(['Disabled', 'Enabled'])
          .default('Disabled')
          .describe(
            'Whether mail from the domain is signed. Enabled: the operator makes the keys, and mail is signed once their records (`status.dnsRecords`) are found in the DNS.',
          ),
        interval: duration
          .optional()
          .describe(
            'Time after which the keys are replaced: 336h to 9600h. Default: never, because new keys need new records.',
          ),
      })
      .prefault({})
      .describe('DKIM signatures for mail from the domain.'),
    recheckInterval: duration
      .default('24h')
      .describe(
        'How often the DNS record of a verified domain is looked up again: 5m to 720h. If the record is gone for longer than a grace period (`verification.grace` in the settings, 72 h), the sender is revoked.',
      ),
  })
  .describe('An address or domain that this namespace may send as, once it is verified.');

export const senderStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  sender: z
    .string()
    .max(320)
    .optional()
    .describe('What is verified: an address, or a domain with a leading @, as A-labels.'),
  method: z
    .enum(['Grandfathered', 'DnsProof', 'EmailProof'])
    .optional()
    .describe(
      'How the sender was verified. Grandfathered: the platform owner vouches for it. DnsProof: by a DNS record. EmailProof: somebody confirmed a mail to the address.',
    ),
  challenge: z
    .object({
      recordName: z.string().max(253).optional().describe('Name of the TXT record to publish.'),
      recordType: z.string().max(16).optional().describe('Type of that record.'),
      recordValue: z.string().max(255).optional().describe('Value of that record.'),
      sentTime: z.iso.datetime().optional().describe('When the last mail to the address was sent.'),
      expiryTime: z.iso.datetime().optional().describe('When the link and the code in that mail expire.'),
    })
    .optional()
    .describe('What proves the sender: a DNS record to publish, or a mail to confirm.'),
  dnsRecords: atomicListOf(
    z.object({
      purpose: z.string().max(64).describe('What the record is for.'),
      name: z.string().max(253).describe('Name of the record.'),
      type: z.string().max(16).describe('Type of the record.'),
      value: z
        .string()
        .max(2048)
        .optional()
        .describe('Value to publish, or the value that is there if it can stay. Absent: `message` says what to do.'),
      state: z
        .enum(['Found', 'Missing', 'Mismatch', 'Unknown'])
        .describe(
          'What the last look-up found. Mismatch: there is a record, but with another value. Unknown: nobody has looked yet, or the name servers did not answer.',
        ),
      message: z.string().max(1024).optional().describe('What to do about it.'),
    }),
    16,
  )
    .optional()
    .describe('DNS records that a domain needs so that its mail is signed and arrives, and whether they are there.'),
  verifiedTime: z.iso.datetime().optional().describe('When the sender was first verified.'),
  lastCheckTime: z.iso.datetime().optional().describe('When the DNS record was last looked up.'),
  nextCheckTime: z.iso.datetime().optional().describe('When the DNS record will be looked up next.'),
});

export type SenderSpec = z.infer<typeof senderSpec>;
export type SenderStatus = z.infer<typeof senderStatus>;
