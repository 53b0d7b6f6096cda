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
        'The list whose settings apply to this user. Default: the list of this namespace with the annotation `smtpplus.io/default-list: "true"`, or else the built-in default list.',
      ),
    username: userName
      .optional()
      .describe(
        'Name to log in with: `NAME.NAMESPACE` of this object, which is the default, or an address that a VerifiedSender of this namespace covers. Cannot be changed.',
      ),
    active: z
      .boolean()
      .default(false)
      .describe(
        'Whether this user is meant to send. If true, it can log in and send once at least one of its senders is verified.',
      ),
    description: z.string().max(1024).optional().describe('Free text.'),
    senders: setOf(addressOrDomain, 64)
      .optional()
      .describe(
        'The only addresses (`orders@shop.example`) and domains (`@shop.example`) that this user may send as, once they are verified. Default: everything that is verified for its namespace.',
      ),
    credentials: z
      .object({
        secretName: objectName
          .optional()
          .describe('Name of the Secret that the operator writes the credentials to. Default: `NAME-smtp`.'),
        secretTemplate: secretTemplate
          .optional()
          .describe(
            'Labels, annotations and further keys for that Secret, for tools and applications that expect them.',
          ),
        deletionPolicy: z
          .enum(['Delete', 'Retain'])
          .default('Delete')
          .describe(
            'What happens to the Secret when this object is deleted. Retain: it stays, for pods that could not start without it, but its password is refused until this object exists again.',
          ),
        passwordSecretRef: secretKeyReference('password')
          .optional()
          .describe('Secret with a password of your own, to use instead of a generated one.'),
        rotation: z
          .object({
            interval: duration
              .optional()
              .describe('Time after which a generated password is replaced: 1h to 8784h. Default: never.'),
            overlap: duration
              .optional()
              .describe(
                'How long an old password stays valid after it is replaced, at most `interval`. 0s ends it, and all older ones, at once. Default: 24h, or `interval` if that is shorter.',
              ),
            trigger: z
              .string()
              .max(256)
              .optional()
              .describe('Any text. A generated password is replaced whenever this text changes.'),
          })
          .optional()
          .describe('When the password is replaced, and how long old ones stay valid.'),
      })
      .prefault({})
      .describe('The password of this user, and the Secret with everything that a client needs.'),
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .describe(
        'When this user expires. From then on it cannot log in, and its open sessions are refused. The condition `Expiring` and an Event announce it a week before. Default: never.',
      ),
    limits: limits
      .optional()
      .describe(
        'Limits of this user. Those that are not set are the limits of the list. One that is higher than that of the list has no effect, and the condition `Accepted` says so.',
      ),
    pauseAbove: pauseAbove.optional(),
    mode: z
      .enum(['Live', 'Sandbox'])
      .default('Live')
      .describe('Live: mail is sent. Sandbox: every check is made and the answer is 250, but nothing is sent.'),
    clientCIDRs: setOf(z.string().min(4).max(43), 64)
      .optional()
      .describe(
        'IP addresses, in CIDR notation (`10.0.0.0/8`), that this user may connect from. From others, it is refused like one with a wrong password. Default: any.',
      ),
  })
  .describe('One credential, for one application.');

export const userStatus = z.object({
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that this status is about.'),
  conditions: conditions.optional(),
  username: z.string().max(254).optional().describe('Name to log in with.'),
  list: z.string().max(317).optional().describe('The list that this user belongs to, as `NAMESPACE/NAME`.'),
  secretRef: z
    .object({ name: z.string().max(253).describe('Name of the Secret.') })
    .optional()
    .describe('The Secret with everything a client needs: server, port, name and password.'),
  server: z
    .object({
      host: z.string().max(253).describe('Name of the server.'),
      ports: portList.describe('Ports with STARTTLS. At most 16 are listed.'),
      implicitTlsPorts: portList.describe('Ports with TLS from the first byte (implicit TLS). At most 16 are listed.'),
      starttls: z
        .enum(['Required', 'Optional'])
        .describe('Whether a client must start TLS on those ports before it logs in.'),
    })
    .optional()
    .describe('What to enter in a mail client.'),
  senders: atomicListOf(
    z.object({
      sender: z.string().max(320).describe('Address, or domain with a leading @.'),
      verifiedBy: z.string().max(317).optional().describe('The VerifiedSender that covers it, as `NAMESPACE/NAME`.'),
      state: z
        .enum(['Verified', 'Pending', 'NotCovered'])
        .describe(
          'Verified: mail as this sender is accepted. Pending: the VerifiedSender is not verified yet. NotCovered: there is no VerifiedSender for it.',
        ),
      message: z.string().max(1024).optional().describe('What is missing, and what to do about it.'),
    }),
    64,
  )
    .optional()
    .describe('What this user may send as, and what is missing for the rest.'),
  passwordIssuedTime: z.iso.datetime().optional().describe('When the current password was generated.'),
  nextRotationTime: z.iso
    .datetime()
    .optional()
    .describe('When the password will be replaced next, because of `rotation.interval`.'),
  previousPasswordExpiryTime: z.iso
    .datetime()
    .optional()
    .describe(
      'Until when the password before this one is valid. If several old ones are still valid, when the last of them ends.',
    ),
  lastUsedTime: z.iso
    .datetime()
    .optional()
    .describe(
      'When this user last logged in or sent a message, to within a few minutes. Absent if neither has happened since SMTP+ began to record it.',
    ),
  traffic: traffic.optional(),
  quota: quotaStatus.optional(),
  paused: pausedStatus.optional(),
});

export type UserSpec = z.infer<typeof userSpec>;
export type UserStatus = z.infer<typeof userStatus>;
