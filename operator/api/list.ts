import { z } from 'zod';
import {
  allowedNamespaces,
  conditions,
  limits,
  portList,
  secretKeyReference,
  secretReference,
  setOf,
} from './common.ts';
import { duration } from './duration.ts';
import { traffic } from './traffic.ts';
import { address, addressOrDomain, heloName, hostName, labelName, upstreamHost } from './names.ts';

const oauth2 = z
  .object({
    tokenURL: z
      .string()
      .min(1)
      .max(2048)
      .regex(/^https:\/\/[A-Za-z0-9.:[\]-]+(\/[!-~]*)?$/, 'must be a URL that begins with https://')
      .describe('Where access tokens are asked for, with https. Trusted by the public roots, and by caSecretRef.'),
    clientID: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[ -~]+$/, 'must be printable ASCII')
      .describe('Name of the client there.'),
    clientSecretRef: secretKeyReference.describe('Its secret (key `client-secret`).'),
    scope: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[ -~]+$/, 'must be printable ASCII')
      .optional()
      .describe('What to ask for.'),
    user: z
      .string()
      .min(1)
      .max(320)
      .regex(/^[^\x00-\x20\x7f]+$/, 'must be without spaces and control characters')
      .describe('As whom to log in to the smart host, mostly a mail address.'),
  })
  .describe('Log-in by an access token (OAuth 2.0, client credentials) in place of a password.');

const upstream = z
  .object({
    host: upstreamHost.describe(
      'Host name or address of the smart host, found as the relay pods find names: with their search list, unless it ends in a dot.',
    ),
    port: z.number().int().min(1).max(65535).default(587).describe('Its port.'),
    tls: z
      .enum(['StartTLS', 'Implicit', 'Opportunistic', 'None'])
      .default('StartTLS')
      .describe(
        'StartTLS and Implicit verify the certificate and fail closed. Opportunistic encrypts where it can, without verifying. None never does.',
      ),
    serverName: hostName.optional().describe('Name in its certificate, where it is not `host`.'),
    caSecretRef: secretKeyReference
      .optional()
      .describe('PEM bundle to verify it by (key `ca.crt`). Default: the public roots.'),
    credentialsSecretRef: secretReference.optional().describe('Secret with `username` and `password` for it.'),
    oauth2: oauth2.optional(),
    auth: z
      .enum(['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2', 'OAUTHBEARER'])
      .optional()
      .describe(
        'How to log in. Default: what it offers of PLAIN, LOGIN, CRAM-MD5, or with `oauth2` of XOAUTH2, OAUTHBEARER, in this order.',
      ),
    helo: heloName
      .optional()
      .describe(
        "Name in EHLO. Default: the server name of the class, or the address of the relay pod in brackets where that is a cluster's own name, since strict servers look it up.",
      ),
    maxConnections: z.number().int().min(1).max(1000).default(10).describe('Most connections to it at once.'),
    messagesPerConnection: z
      .number()
      .int()
      .min(1)
      .max(100000)
      .default(100)
      .describe('Messages before a connection is closed.'),
    recipientsPerTransaction: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(50)
      .describe('Most recipients in one transaction: a message with more goes out several times.'),
  })
  .describe("The smart host that mail of this list goes to. Default: the class's.");

const senderPolicy = z
  .object({
    envelopeFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe('Audit: an unauthorized MAIL FROM is accepted, logged and counted, but is sent no bounces.'),
    headerFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe('Audit: an unauthorized From field is accepted, logged and counted; so is a display name that lies.'),
    displayName: z
      .enum(['Refuse', 'Allow'])
      .optional()
      .describe('Whether the display name of From may read as another address, or hide one in what nobody can decode.'),
    sender: z
      .enum(['Any', 'Verified'])
      .optional()
      .describe('What Sender, Resent-From and Resent-Sender may hold. Any: they are passed on unread.'),
    replyTo: z
      .enum(['Any', 'SameAsFrom', 'Verified'])
      .optional()
      .describe('What Reply-To may hold. Any: it is passed on unread.'),
    nullSender: z.enum(['Refuse', 'Allow']).optional().describe('Whether MAIL FROM:<> is taken.'),
    bcc: z
      .enum(['Drop', 'Keep'])
      .optional()
      .describe('Drop: Bcc and Resent-Bcc fields are left out, unless a DKIM signature names them.'),
  })
  .describe("What senders are held to. Tightens the class's policy, never loosens it.");

const recipients = z
  .object({
    allow: setOf(addressOrDomain, 64)
      .optional()
      .describe(
        'Addresses (`tester@shop.example`) and domains (`@shop.example`) that mail may reach. Default: those that the class allows; without any, nobody.',
      ),
    includeSubdomains: z.boolean().default(false).describe('The domains in `allow` cover their subdomains too.'),
    otherwise: z
      .enum(['Refuse', 'Capture', 'Redirect'])
      .optional()
      .describe(
        "Mail to others. Refuse: 550 to RCPT. Capture: taken, kept for people to read, never sent. Redirect: sent to `redirectTo` instead, in one copy that names whom it was for. Default: the class's, else Refuse.",
      ),
    redirectTo: address.optional().describe('The address for `otherwise: Redirect`; mail may reach it.'),
  })
  .describe(
    'Whom mail of this list may reach, for staging and tests. Default: what the class says, else everybody. Reports to senders are not held to it.',
  );

export const listSpec = z
  .object({
    relayClassName: labelName.default('default').describe('The relay fleet that serves this list. Immutable.'),
    description: z.string().max(1024).optional().describe('Free text.'),
    suspend: z.boolean().default(false).describe('All users of the list are refused, with a reply that says so.'),
    starttls: z
      .enum(['Required', 'Optional'])
      .default('Required')
      .describe('Optional allows AUTH in clear text, where the class allows it too.'),
    allowedNamespaces: allowedNamespaces.default({ from: 'Same' }).describe('Which namespaces may attach users.'),
    upstream: upstream.optional(),
    senderPolicy: senderPolicy.optional(),
    recipients: recipients.optional(),
    limits: limits.optional().describe('Limits for each user of the list, within the ceiling of the class.'),
    delivery: z
      .object({
        mode: z
          .enum(['Spool', 'Passthrough'])
          .default('Spool')
          .describe('Spool: 250 once the message is on disk. Passthrough: 250 only after the 250 of the upstream.'),
        maxAge: duration.default('120h').describe('How long delivery is tried: 1m to 720h.'),
        delayNoticeAfter: duration
          .default('4h')
          .describe('When the sender is told of a delay: 1m to 720h, at most `maxAge`.'),
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
      ports: portList.describe('Ports with STARTTLS; see the class for the whole range.'),
      implicitTlsPorts: portList.describe('Ports with TLS from the first byte.'),
    })
    .optional()
    .describe('Where clients connect.'),
  users: z
    .object({
      total: z.number().int().min(0).describe('Users attached to the list.'),
      active: z.number().int().min(0).describe('Those that may send.'),
    })
    .optional()
    .describe('Users of the list.'),
  traffic: traffic.optional(),
});

export type ListSpec = z.infer<typeof listSpec>;
export type ListStatus = z.infer<typeof listStatus>;
