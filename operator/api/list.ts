import { z } from 'zod';
import { allowedNamespaces, conditions, duration, limits, secretKeyReference } from './common.ts';

const upstream = z
  .object({
    host: z.string().min(1).max(253).describe('Host name or address of the smart host.'),
    port: z.number().int().min(1).max(65535).default(587).describe('Its port.'),
    tls: z
      .enum(['StartTLS', 'Implicit', 'Opportunistic', 'None'])
      .default('StartTLS')
      .describe(
        'StartTLS and Implicit verify the certificate and fail closed. Opportunistic encrypts where it can, without verifying.',
      ),
    serverName: z.string().min(1).max(253).optional().describe('Name in its certificate, where it is not `host`.'),
    caSecretRef: secretKeyReference
      .optional()
      .describe('PEM bundle to verify it by (key `ca.crt`). Default: the public roots.'),
    credentialsSecretRef: secretKeyReference
      .omit({ key: true })
      .optional()
      .describe('Secret with `username` and `password` for it.'),
    maxConnections: z.number().int().min(1).max(1000).default(10).describe('Most connections to it at once.'),
    messagesPerConnection: z
      .number()
      .int()
      .min(1)
      .max(100000)
      .default(100)
      .describe('Messages before a connection is closed.'),
  })
  .describe("The smart host that mail of this list goes to. Default: the class's.");

const senderPolicy = z
  .object({
    envelopeFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe('Audit: an unauthorized MAIL FROM is accepted, logged and counted.'),
    headerFrom: z.enum(['Enforce', 'Audit']).optional().describe('The same for the From header field.'),
    replyTo: z.enum(['Any', 'SameAsFrom', 'Verified']).optional().describe('What Reply-To may hold.'),
    nullSender: z.enum(['Refuse', 'Allow']).optional().describe('Whether MAIL FROM:<> is taken.'),
  })
  .describe("What senders are held to. Tightens the class's policy, never loosens it.");

export const listSpec = z
  .object({
    relayClass: z
      .string()
      .min(1)
      .max(63)
      .default('default')
      .describe('The relay fleet that serves this list. Immutable.'),
    description: z.string().max(1024).optional().describe('Free text.'),
    suspended: z.boolean().default(false).describe('All users of the list are refused, with a reply that says so.'),
    starttls: z
      .enum(['Required', 'Optional'])
      .default('Required')
      .describe('Optional allows AUTH in clear text, where the class allows it too.'),
    allowedNamespaces: allowedNamespaces.default({ from: 'Same' }).describe('Which namespaces may attach users.'),
    upstream: upstream.optional(),
    senderPolicy: senderPolicy.optional(),
    limits: limits.optional(),
    delivery: z
      .object({
        mode: z
          .enum(['Spool', 'Passthrough'])
          .default('Spool')
          .describe('Spool: 250 once the message is on disk. Passthrough: 250 only after the 250 of the upstream.'),
        maxAge: duration.default('120h').describe('How long delivery is tried.'),
        delayNoticeAfter: duration.default('4h').describe('When the sender is told of a delay.'),
      })
      .prefault({})
      .describe('How mail is handed over.'),
  })
  .describe('Settings that the users of a list share.');

export const listStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  endpoint: z
    .object({
      host: z.string().max(253).describe('Server name.'),
      ports: z.array(z.number().int()).max(16).describe('Ports with STARTTLS; see the class for the whole range.'),
      implicitTlsPorts: z.array(z.number().int()).max(16).describe('Ports with TLS from the first byte.'),
    })
    .optional()
    .describe('Where clients connect.'),
  users: z
    .object({
      total: z.number().int().describe('Users attached to the list.'),
      active: z.number().int().describe('Those that may send.'),
    })
    .optional()
    .describe('Users of the list.'),
  traffic: z
    .object({
      accepted: z.number().int().describe('Messages accepted.'),
      refused: z.number().int().describe('Messages refused.'),
      delivered: z.number().int().describe('Messages delivered.'),
      deferred: z.number().int().describe('Attempts put off.'),
      bounced: z.number().int().describe('Messages returned.'),
    })
    .optional()
    .describe('Traffic of the last 24 hours.'),
});

export type ListSpec = z.infer<typeof listSpec>;
export type ListStatus = z.infer<typeof listStatus>;
