import { z } from 'zod';

export const GROUP = 'smtpplus.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Go's duration notation, as in Kubernetes manifests: `120h`, `90m`, `1h30m`, `45s`. */
export const duration = z
  .string()
  .max(32)
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/);

/** DNS label (RFC 1123): a namespace, or the name of an object that has to be one. */
const namespaceName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** DNS subdomain (RFC 1123): the name of most objects. */
const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);

export const objectReference = z.object({
  name: objectName.describe('Name of the object.'),
  namespace: namespaceName.optional().describe('Namespace of the object. Default: this namespace.'),
});

/** A key of a Secret in the same namespace. */
export const secretKeyReference = z.object({
  name: objectName.describe('Name of the Secret, in this namespace.'),
  key: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .optional()
    .describe('Key in the Secret.'),
});

/** Label selector, as everywhere in Kubernetes. */
const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string().max(63)).optional().describe('Labels that must all be there.'),
  matchExpressions: z
    .array(
      z.object({
        key: z.string().max(317).describe('Label key.'),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('How the key relates to the values.'),
        values: z.array(z.string().max(63)).max(64).optional().describe('Values, for In and NotIn.'),
      }),
    )
    .max(16)
    .optional()
    .describe('Expressions that must all hold.'),
});

export const allowedNamespaces = z
  .object({
    from: z
      .enum(['Same', 'All', 'Selector'])
      .default('Same')
      .describe('Same: this namespace only. All: every one. Selector: those that `selector` matches.'),
    selector: labelSelector.optional().describe('Labels of the namespaces, with `from: Selector`.'),
  })
  .describe('Which namespaces may use this object.');

export const limits = z
  .object({
    messageBytes: z.number().int().min(1024).max(1073741824).optional().describe('Largest message in bytes.'),
    recipientsPerMessage: z.number().int().min(1).max(10000).optional().describe('Most recipients of one message.'),
    messagesPerHour: z
      .number()
      .int()
      .min(1)
      .max(100000000)
      .optional()
      .describe('Most messages of one user in an hour.'),
    recipientsPerDay: z
      .number()
      .int()
      .min(1)
      .max(1000000000)
      .optional()
      .describe('Most recipients of one user in 24 hours.'),
    connections: z.number().int().min(1).max(10000).optional().describe('Most connections of one user at once.'),
  })
  .describe('Limits for each user.');

export type ObjectReference = z.infer<typeof objectReference>;
export type AllowedNamespaces = z.infer<typeof allowedNamespaces>;
export type LabelSelector = z.infer<typeof labelSelector>;
export type LimitsSpec = z.infer<typeof limits>;

/** A condition (Kubernetes API conventions, "Typical status properties"). */
export const condition = z.object({
  type: z.string().max(316).describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that was judged.'),
  lastTransitionTime: z.iso.datetime().describe('When `status` last changed.'),
  reason: z.string().min(1).max(1024).describe('Why, as one word for programs.'),
  message: z.string().max(32768).describe('Why, and what to do, for people.'),
});

export const conditions = z.array(condition).max(16).describe('What holds and what does not, and why.');

export type Condition = z.infer<typeof condition>;
