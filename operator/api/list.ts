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
import { pauseAbove } from './sending.ts';
import { traffic } from './traffic.ts';
import { address, addressOrDomain, heloName, hostName, labelName, upstreamHost } from './names.ts';

const oauth2 = z
  .object({
    tokenURL: z
      .string()
      .min(1)
      .max(2048)
      .regex(/^https:\/\/[A-Za-z0-9.:[\]-]+(\/[!-~]*)?$/, 'must be a URL that begins with https://')
      .describe(
        'URL that issues access tokens, with https. Its certificate is verified by the public roots, and by caSecretRef.',
      ),
    clientID: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[ -~]+$/, 'must be printable ASCII')
      .describe('Id of the client there.'),
    clientSecretRef: secretKeyReference.describe(
      'Secret of the client (key `client-secret`). The Kubernetes Secret needs the label `smtpplus.io/upstream: "true"`.',
    ),
    scope: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[ -~]+$/, 'must be printable ASCII')
      .optional()
      .describe('Scope of the token.'),
    user: z
      .string()
      .min(1)
      .max(320)
      .regex(/^[^\x00-\x20\x7f]+$/, 'must be without spaces and control characters')
      .describe('User to log in as at the smart host, mostly a mail address.'),
  })
  .describe('Log-in with an access token (OAuth 2.0, client credentials) instead of a password.');

const upstream = z
  .object({
    host: upstreamHost.describe(
      'Host name or IP address of the smart host. The relay pods look it up with their search list, unless it ends in a dot.',
    ),
    port: z.number().int().min(1).max(65535).default(587).describe('Port of the smart host.'),
    tls: z
      .enum(['StartTLS', 'Implicit', 'Opportunistic', 'None'])
      .default('StartTLS')
      .describe(
        'StartTLS and Implicit verify the certificate, and send nothing if that fails. Opportunistic encrypts if it can, without verifying. None never encrypts.',
      ),
    serverName: hostName.optional().describe('Name in the certificate of the smart host, if it is not `host`.'),
    caSecretRef: secretKeyReference
      .optional()
      .describe('Certificates (PEM) to verify the smart host with (key `ca.crt`). Default: the public roots.'),
    credentialsSecretRef: secretReference
      .optional()
      .describe(
        'Secret with `username` and `password` for the smart host. It needs the label `smtpplus.io/upstream: "true"`, which says that they may be sent there.',
      ),
    oauth2: oauth2.optional(),
    auth: z
      .enum(['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2', 'OAUTHBEARER'])
      .optional()
      .describe(
        'How to log in. Default: the first that the smart host offers of PLAIN, LOGIN, CRAM-MD5, or with `oauth2` of XOAUTH2, OAUTHBEARER.',
      ),
    helo: heloName
      .optional()
      .describe(
        'Name in EHLO. Default: the server name of the class if it is a public name, or else the address of the relay pod in brackets, because strict servers look the name up.',
      ),
    maxConnections: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(10)
      .describe('Maximum number of connections to the smart host at the same time.'),
    messagesPerConnection: z
      .number()
      .int()
      .min(1)
      .max(100000)
      .default(100)
      .describe('Number of messages after which a connection is closed.'),
    recipientsPerTransaction: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(50)
      .describe(
        'Maximum number of recipients in one transaction. A message with more recipients is sent several times.',
      ),
  })
  .describe('The smart host for mail of this list. Default: that of the class.');

const senderPolicy = z
  .object({
    envelopeFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe('Audit: an unauthorized MAIL FROM is accepted, logged and counted, but gets no bounces.'),
    headerFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe(
        'Audit: an unauthorized From field is accepted, logged and counted, and so is a misleading display name.',
      ),
    displayName: z
      .enum(['Refuse', 'Allow'])
      .optional()
      .describe('Whether the display name of From may look like another address, or be impossible to decode.'),
    sender: z
      .enum(['Any', 'Verified'])
      .optional()
      .describe('What Sender, Resent-From and Resent-Sender may contain. Any: they are passed on unchecked.'),
    replyTo: z
      .enum(['Any', 'SameAsFrom', 'Verified'])
      .optional()
      .describe('What Reply-To may contain. Any: it is passed on unchecked.'),
    nullSender: z.enum(['Refuse', 'Allow']).optional().describe('Whether MAIL FROM:<> is accepted.'),
    bcc: z
      .enum(['Drop', 'Keep'])
      .optional()
      .describe('Drop: Bcc and Resent-Bcc fields are removed, unless a DKIM signature names them.'),
  })
  .describe('Rules for senders. Can be stricter than the policy of the class, never laxer.');

const recipients = z
  .object({
    allow: setOf(addressOrDomain, 64)
      .optional()
      .describe(
        'Addresses (`tester@shop.example`) and domains (`@shop.example`) that mail may reach. Default: those that the class allows, or nobody if it names none.',
      ),
    includeSubdomains: z.boolean().default(false).describe('Whether the domains in `allow` include their subdomains.'),
    otherwise: z
      .enum(['Refuse', 'Capture', 'Redirect'])
      .optional()
      .describe(
        'What happens to mail to others. Refuse: 550 to RCPT. Capture: accepted, kept for people to read, never sent. Redirect: sent to `redirectTo` instead, in one copy that names the original recipients. Default: that of the class, or else Refuse.',
      ),
    redirectTo: address.optional().describe('The address for `otherwise: Redirect`. It counts as allowed.'),
  })
  .describe(
    'Whom mail of this list may reach, for staging and tests. Default: what the class says, or else everybody. Does not restrict reports to senders.',
  );

export const listSpec = z
  .object({
    relayClassName: labelName.default('default').describe('The relay class that serves this list. Immutable.'),
    description: z.string().max(1024).optional().describe('Free text.'),
    suspend: z
      .boolean()
      .default(false)
      .describe('If true, all users of the list are refused, with a reply that says so.'),
    starttls: z
      .enum(['Required', 'Optional'])
      .default('Required')
      .describe('Optional: clients may log in without TLS, if the class allows it too.'),
    allowedNamespaces: allowedNamespaces
      .default({ from: 'Same' })
      .describe('Namespaces whose users may join the list.'),
    upstream: upstream.optional(),
    senderPolicy: senderPolicy.optional(),
    recipients: recipients.optional(),
    limits: limits.optional().describe('Limits for each user of the list, up to those of the class.'),
    pauseAbove: pauseAbove.optional(),
    delivery: z
      .object({
        mode: z
          .enum(['Spool', 'Passthrough'])
          .default('Spool')
          .describe(
            'Spool: the client hears 250 once the message is on disk. Passthrough: it hears 250 only after the upstream has answered 250.',
          ),
        maxAge: duration.default('120h').describe('How long delivery is tried before the message bounces: 1m to 720h.'),
        delayNoticeAfter: duration
          .default('4h')
          .describe('Time after which the sender is told about a delay: 1m to 720h, at most `maxAge`.'),
      })
      .prefault({})
      .describe('How mail is passed on.'),
  })
  .describe('Settings that the users of a list share.');

export const listStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  endpoint: z
    .object({
      host: z.string().max(253).describe('Server name.'),
      ports: portList.describe('Ports with STARTTLS. There may be more; see the class.'),
      implicitTlsPorts: portList.describe('Ports with TLS from the first byte.'),
    })
    .optional()
    .describe('Where clients connect.'),
  users: z
    .object({
      total: z.number().int().min(0).describe('Users that belong to the list.'),
      active: z.number().int().min(0).describe('Users that may send.'),
    })
    .optional()
    .describe('Number of users of the list.'),
  traffic: traffic.optional(),
});

export type ListSpec = z.infer<typeof listSpec>;
export type ListStatus = z.infer<typeof listStatus>;
