/** What the three kinds have in common. */
import { z } from 'zod';
import { labelKey, labelName, labelValue, objectName } from './names.ts';

export const GROUP = 'smtpplus.io';
export const KIND_VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${KIND_VERSION}`;

/** Terms of a selector: enough for any honest one, and it keeps the cost of evaluating it low. */
const SELECTOR_TERMS_MAX = 16;

/** `x-kubernetes-list-type: set`: the API server refuses duplicates, and merges by value in server-side apply. */
export function setOf<Item extends z.ZodType>(item: Item, max: number): z.ZodArray<Item> {
  return z
    .array(item)
    .max(max)
    .refine((items) => new Set(items).size === items.length, 'must not hold the same entry twice')
    .meta({ 'x-kubernetes-list-type': 'set' });
}

/** `x-kubernetes-list-type: atomic`: replaced as a whole. */
export function atomicListOf<Item extends z.ZodType>(item: Item, max: number): z.ZodArray<Item> {
  return z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' });
}

/** Server-side apply replaces it as a whole: half of one person's reference and half of another's is nobody's. */
const ATOMIC = { 'x-kubernetes-map-type': 'atomic' };

export const objectReference = z
  .object({
    name: objectName.describe('Name of the object.'),
    namespace: labelName.optional().describe('Namespace of the object. Default: this namespace.'),
  })
  .meta(ATOMIC);

/** A Secret in the same namespace. */
export const secretReference = z
  .object({ name: objectName.describe('Name of the Secret, in this namespace.') })
  .meta(ATOMIC);

/** A key of a Secret in the same namespace. @param defaultKey which it is where the reference names none. */
export const secretKeyReference = (defaultKey: string) =>
  z
    .object({
      name: objectName.describe('Name of the Secret, in this namespace.'),
      key: z
        .string()
        .min(1)
        .max(253)
        .regex(/^[-._a-zA-Z0-9]+$/, 'must be letters, digits, `-`, `_` and `.`')
        .optional()
        .describe(`Key in the Secret. Default: \`${defaultKey}\`.`),
    })
    .meta(ATOMIC);

/** Label selector, as everywhere in Kubernetes. */
export const labelSelector = z
  .object({
    matchLabels: z
      .record(z.string(), labelValue)
      .refine((labels) => Object.keys(labels).length <= SELECTOR_TERMS_MAX, {
        message: `must hold at most ${SELECTOR_TERMS_MAX} labels`,
      })
      .meta({ maxProperties: SELECTOR_TERMS_MAX })
      .optional()
      .describe('Labels that must all be there, each with this value.'),
    matchExpressions: atomicListOf(
      z.object({
        key: labelKey.describe('Label key.'),
        operator: z
          .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
          .describe(
            'In and NotIn: whether the value of the label is one of `values`. Exists and DoesNotExist: whether there is such a label.',
          ),
        values: atomicListOf(labelValue, 64)
          .optional()
          .describe('Values for In and NotIn, which need at least one. The other operators take none.'),
      }),
      SELECTOR_TERMS_MAX,
    )
      .optional()
      .describe('Expressions that must all hold.'),
  })
  .meta(ATOMIC);

/** Whether an expression of a selector has values where its operator wants some, and only there. */
export function takesItsValues({
  operator,
  values,
}: {
  operator: string;
  values?: readonly string[] | undefined;
}): boolean {
  return ['In', 'NotIn'].includes(operator) === (values !== undefined && values.length > 0);
}

export const allowedNamespaces = z.object({
  from: z
    .enum(['Same', 'All', 'Selector'])
    .default('Same')
    .describe('Same: only this namespace. All: every namespace. Selector: the namespaces that `selector` matches.'),
  selector: labelSelector.optional().describe('Selects namespaces by their labels. Only with `from: Selector`.'),
});

export const limits = z.object({
  messageBytes: z
    .number()
    .int()
    .min(1024)
    .max(1073741824)
    .optional()
    .describe(
      'Largest size of a message, in bytes. A larger one is refused with 552. Default of a list: 10485760 (10 MiB).',
    ),
  recipientsPerMessage: z
    .number()
    .int()
    .min(1)
    .max(10000)
    .optional()
    .describe(
      'Maximum number of recipients of one message. Further ones are refused with 452, and clients send them a copy of their own. Default of a list: 100.',
    ),
  messagesPerHour: z
    .number()
    .int()
    .min(1)
    .max(100000000)
    .optional()
    .describe(
      'Maximum number of messages that one user sends in an hour, over all relays. More are refused with 450 until the hour is over. Default of a list: 36000 (ten a second).',
    ),
  recipientsPerDay: z
    .number()
    .int()
    .min(1)
    .max(1000000000)
    .optional()
    .describe(
      'Maximum number of recipients that one user sends to in 24 hours, over all relays. More are refused with 450 until the 24 hours are over. Default: no limit.',
    ),
  messagesPerMonth: z
    .number()
    .int()
    .min(1)
    .max(1000000000)
    .optional()
    .describe(
      'Maximum number of messages that one user sends in a calendar month (UTC), over all relays. More are refused with 450 until the month is over. Default: no limit.',
    ),
  connections: z
    .number()
    .int()
    .min(1)
    .max(10000)
    .optional()
    .describe(
      'Maximum number of connections that one user has open at the same time, over all relays. More are refused with 421. Default of a list: 50.',
    ),
});

export type AllowedNamespaces = z.infer<typeof allowedNamespaces>;
export type LabelSelector = z.infer<typeof labelSelector>;
export type LimitsSpec = z.infer<typeof limits>;

/** A condition (Kubernetes API conventions, "Typical status properties"). */
export const condition = z.object({
  type: z.string().max(316).describe('Name of the condition, such as `Ready`.'),
  status: z
    .enum(['True', 'False', 'Unknown'])
    .describe('Whether the condition holds. Unknown: this cannot be told at present.'),
  observedGeneration: z.number().int().min(0).optional().describe('Generation of the spec that was judged.'),
  lastTransitionTime: z.iso.datetime().describe('When `status` last changed.'),
  reason: z.string().min(1).max(1024).describe('Why, in one word that programs can compare.'),
  message: z.string().max(32768).describe('Why, and what to do about it, in words for people.'),
});

export const conditions = z
  .array(condition)
  .max(16)
  .describe('What works and what does not, and why. `Ready` sums up the others.')
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

/** Server names and ports in a status. */
export const portList = atomicListOf(z.number().int().min(0).max(65535), 16);

export type Condition = z.infer<typeof condition>;
