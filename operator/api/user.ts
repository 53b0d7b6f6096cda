import { z } from 'zod';
import { atomicListOf, conditions, limits, objectReference, portList, secretKeyReference, setOf } from './common.ts';
import { duration } from './duration.ts';
import { addressOrDomain, objectName, userName } from './names.ts';
import { secretTemplate } from './secret-template.ts';
import { pausedStatus, pauseAbove, quotaStatus } from './sending.ts';
import { traffic } from './traffic.ts';

export const userSpec = z
  .object({
    listRef: objectReference
      .optional()
      .describe(
        'The list that it belongs to. Default: the list of this namespace with the annotation `smtpplus.io/default-list: "true"`, or else the built-in default list.',
      ),
    username: userName
      .optional()
      .describe(
        'Log-in name: `NAME.NAMESPACE` of this object (the default), or an address that a VerifiedSender of this namespace covers. Immutable.',
      ),
    active: z
      .boolean()
      .default(false)
      .describe('Whether it should be active. It can send once at least one of its senders is verified.'),
    description: z.string().max(1024).optional().describe('Free text.'),
    senders: setOf(addressOrDomain, 64)
      .optional()
      .describe(
        'The only addresses (`orders@shop.example`) and domains (`@shop.example`) that it may send as. Default: everything that is verified for its namespace.',
      ),
    credentials: z
      .object({
        secretName: objectName.optional().describe('Secret with the credentials. Default: `NAME-smtp`.'),
        secretTemplate: secretTemplate
          .optional()
          .describe('What to add to the Secret, for tools and applications that expect it.'),
        deletionPolicy: z
          .enum(['Delete', 'Retain'])
          .default('Delete')
          .describe(
            'Retain: the Secret stays when this object is deleted, for pods that could not start without it. Its password is refused until the object exists again.',
          ),
        passwordSecretRef: secretKeyReference
          .optional()
          .describe('Secret with a password of your own (key `password`), instead of a generated one.'),
        rotation: z
          .object({
            interval: duration.optional().describe('Time after which the password is replaced: 1h to 8784h.'),
            overlap: duration
              .optional()
              .describe(
                'How long an old password stays valid, at most `interval`. Default: 24h, or `interval` if that is shorter.',
              ),
            trigger: z.string().max(256).optional().describe('Any text. The password is replaced whenever it changes.'),
          })
          .optional()
          .describe('When passwords are replaced, and how long the old ones stay valid.'),
      })
      .prefault({})
      .describe('How it logs in.'),
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .describe(
        'When it ends: from then on it cannot log in, and open sessions are refused. People are told a week ahead. Default: never.',
      ),
    limits: limits.optional().describe('Limits of this user. Can be lower than those of the list, never higher.'),
    pauseAbove: pauseAbove.optional(),
    mode: z
      .enum(['Live', 'Sandbox'])
      .default('Live')
      .describe('Sandbox: every check is made and the answer is 250, but nothing is sent.'),
    clientCIDRs: setOf(z.string().min(4).max(43), 64)
      .optional()
      .describe('IP addresses (in CIDR notation) that it may connect from. Default: any.'),
  })
  .describe('One credential, for one application.');

export const userStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  username: z.string().max(254).optional().describe('Log-in name.'),
  list: z.string().max(317).optional().describe('The list that it belongs to, as `NAMESPACE/NAME`.'),
  secretRef: z
    .object({ name: z.string().max(253).describe('Name of the Secret.') })
    .optional()
    .describe('Secret with everything a client needs.'),
  server: z
    .object({
      host: z.string().max(253).describe('Server name.'),
      ports: portList.describe('Ports with STARTTLS.'),
      implicitTlsPorts: portList.describe('Ports with TLS from the first byte.'),
      starttls: z.enum(['Required', 'Optional']).describe('Whether STARTTLS is required before AUTH.'),
    })
    .optional()
    .describe('What to enter in a mail client.'),
  senders: atomicListOf(
    z.object({
      sender: z.string().max(320).describe('Address, or domain with a leading @.'),
      verifiedBy: z.string().max(317).optional().describe('The VerifiedSender, as `NAMESPACE/NAME`.'),
      state: z.enum(['Verified', 'Pending', 'NotCovered']).describe('Whether it can be used.'),
      message: z.string().max(1024).optional().describe('What is missing.'),
    }),
    64,
  )
    .optional()
    .describe('What it may send as.'),
  passwordIssuedTime: z.iso.datetime().optional().describe('When the generated password was issued.'),
  nextRotationTime: z.iso.datetime().optional().describe('When the password will be replaced.'),
  previousPasswordExpiryTime: z.iso
    .datetime()
    .optional()
    .describe('When the previous password ends. If there are several, when the last of them ends.'),
  lastUsedTime: z.iso
    .datetime()
    .optional()
    .describe(
      'When it last logged in or sent a message, to within a few minutes. Absent if it has not done so since this is recorded.',
    ),
  traffic: traffic.optional(),
  quota: quotaStatus.optional(),
  paused: pausedStatus.optional(),
});

export type UserSpec = z.infer<typeof userSpec>;
export type UserStatus = z.infer<typeof userStatus>;
