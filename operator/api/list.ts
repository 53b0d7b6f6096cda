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
        'URL of the token endpoint, with https. Its certificate is verified with the public roots and with `caSecretRef`.',
      ),
    clientID: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[ -~]+$/, 'must be printable ASCII')
      .describe('Client id, as registered with whoever issues the tokens.'),
    clientSecretRef: secretKeyReference('client-secret').describe(
      'Kubernetes Secret that holds the client secret. It needs the label `smtpplus.io/upstream: "true"`, which says that its values may be sent there.',
    ),
    scope: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[ -~]+$/, 'must be printable ASCII')
      .optional()
      .describe('Scope to ask for. Default: none is asked for.'),
    user: z
      .string()
      .min(1)
      .max(320)
      .regex(/^[^\x00-\x20\x7f]+$/, 'must be without spaces and control characters')
      .describe('User to log in as at the smart host, usually a mail address.'),
  })
  .describe('Logs in to the smart host with an access token (OAuth 2.0, client credentials) instead of a password.');

const upstream = z
  .object({
    host: upstreamHost.describe(
      'Host name or IP address of the smart host. The relay pods look up a name with their DNS search list, unless it ends in a dot.',
    ),
    port: z.number().int().min(1).max(65535).default(587).describe('Port of the smart host.'),
    tls: z
      .enum(['StartTLS', 'Implicit', 'Opportunistic', 'None'])
      .default('StartTLS')
      .describe(
        'How connections are encrypted. StartTLS and Implicit (TLS from the first byte) verify the certificate, and send nothing if that fails. Opportunistic encrypts if the smart host offers it, without verifying. None never encrypts.',
      ),
    serverName: hostName.optional().describe('Name that the certificate of the smart host must have. Default: `host`.'),
    caSecretRef: secretKeyReference('ca.crt')
      .optional()
      .describe('Secret with the CA certificates (PEM) that verify the smart host. Default: the public roots.'),
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
        'How to log in. Default: the first of PLAIN, LOGIN and CRAM-MD5 that the smart host offers; with `oauth2`, the first of XOAUTH2 and OAUTHBEARER.',
      ),
    helo: heloName
      .optional()
      .describe(
        'Name by which the relay introduces itself in EHLO. Default: the server name of the class if it is a public name, or else the address of the relay pod in brackets, because strict servers look the name up.',
      ),
    maxConnections: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(10)
      .describe('Maximum number of connections that each relay pod has to the smart host at the same time.'),
    messagesPerConnection: z
      .number()
      .int()
      .min(1)
      .max(100000)
      .default(100)
      .describe('Number of messages after which a connection is closed, and another one opened.'),
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
  .describe(
    'The smart host that mail of this list goes to, if the class lets lists name one. Default: the smart host of the class.',
  );

const senderPolicy = z
  .object({
    envelopeFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe(
        'Whether an unauthorized envelope sender (MAIL FROM) is refused. Audit: it is accepted, logged and counted, and its sender gets no bounces. Default: what the class says.',
      ),
    headerFrom: z
      .enum(['Enforce', 'Audit'])
      .optional()
      .describe(
        'Whether an unauthorized From field is refused. Audit: it is accepted, logged and counted, and so is a misleading display name. Default: what the class says.',
      ),
    displayName: z
      .enum(['Refuse', 'Allow'])
      .optional()
      .describe(
        'Whether the display name in From may look like another address, or be impossible to decode. Default: what the class says.',
      ),
    sender: z
      .enum(['Any', 'Verified'])
      .optional()
      .describe(
        'What Sender, Resent-From and Resent-Sender may contain. Any: they are passed on unchecked. Verified: only senders of the user. Default: what the class says.',
      ),
    replyTo: z
      .enum(['Any', 'SameAsFrom', 'Verified'])
      .optional()
      .describe(
        'What Reply-To may contain. Any: it is passed on unchecked. SameAsFrom: only the address in From. Verified: only senders of the user. Default: what the class says.',
      ),
    nullSender: z
      .enum(['Refuse', 'Allow'])
      .optional()
      .describe(
        'Whether messages with an empty envelope sender (MAIL FROM:<>) are accepted. Default: what the class says.',
      ),
    bcc: z
      .enum(['Drop', 'Keep'])
      .optional()
      .describe(
        'Whether Bcc and Resent-Bcc fields are sent on. Drop: they are removed, unless a DKIM signature names them. Default: what the class says.',
      ),
  })
  .describe(
    'What senders may do. Each rule can be stricter than that of the class; a laxer one has no effect, and the condition `Accepted` says so.',
  );

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
        'What happens to mail for everybody else. Refuse: the recipient is refused with 550. Capture: the message is accepted, kept for people to read, and never sent. Redirect: it is sent to `redirectTo` instead, in one copy that names the original recipients. Default: what the class says, or else Refuse.',
      ),
    redirectTo: address
      .optional()
      .describe(
        'Address that mail goes to with `otherwise: Redirect`. Mail may reach it even if `allow` does not name it.',
      ),
  })
  .describe(
    'Whom mail of this list may reach, for staging and tests. Does not restrict bounces and other reports to senders. Default: what the class says, or else everybody.',
  );

export const listSpec = z
  .object({
    relayClassName: labelName
      .default('default')
      .describe('Name of the relay class whose relays serve this list. Cannot be changed.'),
    description: z.string().max(1024).optional().describe('Free text.'),
    suspend: z
      .boolean()
      .default(false)
      .describe(
        'If true, all users of the list are refused, with a reply that says so. Mail that is already queued is still delivered.',
      ),
    starttls: z
      .enum(['Required', 'Optional'])
      .default('Required')
      .describe(
        'Whether clients must encrypt the connection before they log in. Optional: they may log in without TLS, if the class allows that too.',
      ),
    allowedNamespaces: allowedNamespaces
      .default({ from: 'Same' })
      .describe('Namespaces whose users may belong to the list.'),
    upstream: upstream.optional(),
    senderPolicy: senderPolicy.optional(),
    recipients: recipients.optional(),
    limits: limits
      .optional()
      .describe(
        'Limits for each user of the list. One that is higher than that of the class has no effect, and the condition `Accepted` says so.',
      ),
    pauseAbove: pauseAbove.optional(),
    delivery: z
      .object({
        mode: z
          .enum(['Spool', 'Passthrough'])
          .default('Spool')
          .describe(
            'Spool: the client hears 250 once the message is on disk. Passthrough: it hears 250 only after the upstream has answered 250.',
          ),
        maxAge: duration.default('120h').describe('How long delivery is tried before a message bounces: 1m to 720h.'),
        delayNoticeAfter: duration
          .default('4h')
          .describe(
            'Time after which the sender is told, once, that a message is delayed: 1m to 720h, at most `maxAge`.',
          ),
      })
      .prefault({})
      .describe('How mail is handed on to the smart host.'),
  })
  .describe('Settings that the users of a list share.');

export const listStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  endpoint: z
    .object({
      host: z.string().max(253).describe('Name of the server.'),
      ports: portList.describe('Ports with STARTTLS. At most 16 are listed.'),
      implicitTlsPorts: portList.describe('Ports with TLS from the first byte (implicit TLS). At most 16 are listed.'),
    })
    .optional()
    .describe('Where clients connect.'),
  users: z
    .object({
      total: z.number().int().min(0).describe('Users that belong to the list.'),
      active: z.number().int().min(0).describe('Users that can send at present.'),
    })
    .optional()
    .describe('Number of users of the list.'),
  traffic: traffic.optional(),
});

export type ListSpec = z.infer<typeof listSpec>;
export type ListStatus = z.infer<typeof listStatus>;
