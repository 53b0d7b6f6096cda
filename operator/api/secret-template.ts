/**
 * What people may add to a credentials Secret: for the tools that watch it, and for applications that want other key
 * names.
 */
import { z } from 'zod';
import { LABEL_KEY, LABEL_KEY_MAX, labelKey, labelValue } from './names.ts';
import { rule, type Rule } from './rule.ts';

/** Keys of Service Binding for Kubernetes, and `tls`: what a client needs, in every credentials Secret. */
const SECRET_KEYS = ['type', 'provider', 'host', 'port', 'username', 'password', 'uri', 'tls', 'ca.crt'] as const;

/** Enough for any honest use, and it keeps the Secret and the cost of the rules small. */
const METADATA_MAX = 16;
const KEYS_MAX = 32;
const ANNOTATION_VALUE_MAX = 1024;

function bounded<Value extends z.ZodType>(value: Value, max: number) {
  return z
    .record(z.string(), value)
    .refine((entries) => Object.keys(entries).length <= max, { message: `must hold at most ${max} entries` })
    .meta({ maxProperties: max });
}

export const secretTemplate = z.object({
  labels: bounded(labelValue, METADATA_MAX).optional().describe('Labels to add to those of the operator.'),
  annotations: bounded(z.string().max(ANNOTATION_VALUE_MAX), METADATA_MAX)
    .optional()
    .describe('Annotations to add to those of the operator.'),
  keys: bounded(z.enum(SECRET_KEYS), KEYS_MAX)
    .optional()
    .describe('Further keys, each with the name of the key whose value it copies: `SMTP_HOST: host`.'),
});

export type SecretTemplate = z.infer<typeof secretTemplate>;

const AT = 'spec.credentials.secretTemplate';
const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Prefixes of labels and annotations that mean something to Kubernetes, or to us; `app.kubernetes.io/` is anybody's. */
const RESERVED = /^([^/]*[.])?(smtpplus|kubernetes|k8s)[.]io\//;
const SECRET_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

function isFree(key: string): boolean {
  return key !== MANAGED_BY && (key.startsWith('app.kubernetes.io/') || !RESERVED.test(key));
}

/** A backslash in a text of CEL would need another. */
function inCel(pattern: string): string {
  return pattern.replaceAll('\\.', '[.]');
}

type Map = Readonly<Record<string, string>>;

function metadataRules(field: 'labels' | 'annotations'): Rule[] {
  return [
    rule(
      `${AT}.${field}`,
      {
        cel: `self.all(key, size(key) <= ${LABEL_KEY_MAX} && key.matches('^${inCel(LABEL_KEY)}$'))`,
        message: `${AT}.${field} must have keys such as \`team\` or \`example.com/team\`; correct the one that is not`,
      },
      (self: Map) => Object.keys(self).every((key) => labelKey.safeParse(key).success),
    ),
    rule(
      `${AT}.${field}`,
      {
        cel: "self.all(key, key != 'app.kubernetes.io/managed-by' && (key.startsWith('app.kubernetes.io/') || !key.matches('^([^/]*[.])?(smtpplus|kubernetes|k8s)[.]io/')))",
        message: `${AT}.${field} must not hold app.kubernetes.io/managed-by, nor keys below smtpplus.io, kubernetes.io (app.kubernetes.io apart) and k8s.io, which the operator or Kubernetes sets; remove them`,
      },
      (self: Map) => Object.keys(self).every(isFree),
    ),
  ];
}

const ownKeys: ReadonlySet<string> = new Set(SECRET_KEYS);

export const secretTemplateRules: readonly Rule[] = [
  ...metadataRules('labels'),
  ...metadataRules('annotations'),
  rule(
    `${AT}.keys`,
    {
      cel: "self.all(key, key.matches('^[-._a-zA-Z0-9]{1,253}$') && key != '.' && !key.startsWith('..'))",
      message: `${AT}.keys must have names of at most 253 letters, digits, \`-\`, \`_\` and \`.\`, not beginning with two dots, as keys of a Secret have; correct the one that is not`,
    },
    (self: Map) => Object.keys(self).every((key) => SECRET_KEY.test(key) && key !== '.' && !key.startsWith('..')),
  ),
  rule(
    `${AT}.keys`,
    {
      cel: `self.all(key, !(key in [${SECRET_KEYS.map((key) => `'${key}'`).join(', ')}]))`,
      message: `${AT}.keys must not hold ${SECRET_KEYS.join(', ')}: these are always there, as they are; remove them`,
    },
    (self: Map) => Object.keys(self).every((key) => !ownKeys.has(key)),
  ),
];
