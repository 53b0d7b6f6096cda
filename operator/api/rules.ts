/**
 * Rules between fields, and about what may change. Each is written twice, side by side: in CEL for the API server and
 * in code for files (a folder of manifests has no API server). test/operator/crds.test.ts runs both over the same bad
 * objects.
 */
import { takesItsValues, type AllowedNamespaces } from './common.ts';
import { durationSeconds } from './duration.ts';
import { isCidr } from './ip.ts';
import type { ListSpec } from './list.ts';
import { immutable, rule, type Rule } from './rule.ts';
import type { SenderSpec } from './sender.ts';
import { upstreamRules } from './upstream-rules.ts';
import type { UserSpec } from './user.ts';

interface ObjectWith<Spec> {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Spec;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** RFC 5321 section 4.5.3.1.1. */
const LOCAL_PART_MAX = 64;
/** NAME.NAMESPACE (63 and a dot) must fit the 254 characters of a user name. */
const USER_OBJECT_NAME_MAX = 190;

/** @param example that is in between: what is usual for one would be refused for another */
function between(path: string, seconds: { min: number; max: number }, words: string, example: string): Rule {
  const { min, max } = seconds;
  return rule(
    path,
    {
      cel: `duration(self) >= duration('${min}s') && duration(self) <= duration('${max}s')`,
      message: `${path} must be ${words}; write \`${example}\`, for instance`,
    },
    (self: string) => durationSeconds(self) >= min && durationSeconds(self) <= max,
  );
}

function selectorRules(path: string): Rule[] {
  return [
    rule(
      path,
      {
        field: 'selector',
        cel: "has(self.selector) == (self.from == 'Selector')",
        message: `${path}.selector and \`from: Selector\` go together; set both, or neither`,
      },
      (self: AllowedNamespaces) => (self.selector !== undefined) === (self.from === 'Selector'),
    ),
    rule(
      `${path}.selector.matchExpressions.*`,
      {
        field: 'values',
        cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        message:
          'values must be set for the operators In and NotIn, and for no other; add or remove them, or change the operator',
      },
      takesItsValues,
    ),
  ];
}

type Recipients = NonNullable<ListSpec['recipients']>;

export const listRules: readonly Rule[] = [
  immutable('spec', 'relayClassName', 'make a new list for another class, and attach the users to it'),
  ...selectorRules('spec.allowedNamespaces'),
  ...upstreamRules,
  rule(
    'spec.recipients.allow.*',
    {
      cel: `self.indexOf('@') <= ${LOCAL_PART_MAX}`,
      message: `spec.recipients.allow must not hold an address with more than ${LOCAL_PART_MAX} characters before the @; shorten or remove it`,
    },
    (self: string) => self.indexOf('@') <= LOCAL_PART_MAX,
  ),
  rule(
    'spec.recipients.redirectTo',
    {
      cel: `self.indexOf('@') <= ${LOCAL_PART_MAX}`,
      message: `spec.recipients.redirectTo must have at most ${LOCAL_PART_MAX} characters before the @; no mail system takes more`,
    },
    (self: string) => self.indexOf('@') <= LOCAL_PART_MAX,
  ),
  rule(
    'spec.recipients',
    {
      field: 'redirectTo',
      cel: "(has(self.otherwise) && self.otherwise == 'Redirect') == has(self.redirectTo)",
      message: 'spec.recipients.redirectTo and otherwise: Redirect go together; set both, or neither',
    },
    (self: Recipients) => (self.otherwise === 'Redirect') === (self.redirectTo !== undefined),
  ),
  between('spec.delivery.maxAge', { min: MINUTE, max: 720 * HOUR }, 'between 1m and 720h', '120h'),
  between('spec.delivery.delayNoticeAfter', { min: MINUTE, max: 720 * HOUR }, 'between 1m and 720h', '4h'),
  rule(
    'spec.delivery',
    {
      field: 'delayNoticeAfter',
      cel: 'duration(self.delayNoticeAfter) <= duration(self.maxAge)',
      message: 'spec.delivery.delayNoticeAfter must not exceed spec.delivery.maxAge; make it shorter, or maxAge longer',
    },
    (self: ListSpec['delivery']) => durationSeconds(self.delayNoticeAfter) <= durationSeconds(self.maxAge),
  ),
];

type Rotation = NonNullable<UserSpec['credentials']['rotation']>;

const userNameRules: readonly Rule[] = [
  immutable('spec', 'username', 'make a new SmtpPlusUser for another name'),
  rule(
    '',
    {
      cel: `size(self.metadata.name) <= ${USER_OBJECT_NAME_MAX}`,
      message: `metadata.name of a SmtpPlusUser must have at most ${USER_OBJECT_NAME_MAX} characters; choose a shorter name`,
    },
    ({ metadata }: ObjectWith<UserSpec>) => metadata.name.length <= USER_OBJECT_NAME_MAX,
  ),
  rule(
    '',
    {
      field: 'spec.username',
      // CEL sees metadata.name but not metadata.namespace: the rule after this one is exact, in code
      cel: "!has(self.spec.username) || self.spec.username.contains('@') || self.spec.username.startsWith(self.metadata.name + '.')",
      message:
        'spec.username must be NAME.NAMESPACE of this object or an address of a VerifiedSender of its namespace; leave it out to get NAME.NAMESPACE',
    },
    ({ metadata, spec }: ObjectWith<UserSpec>) =>
      spec.username === undefined || spec.username.includes('@') || spec.username.startsWith(`${metadata.name}.`),
  ),
  rule(
    '',
    {
      field: 'spec.username',
      message:
        'spec.username must end in the namespace of this object unless it is an address, so that no namespace can take a name of another; leave it out to get NAME.NAMESPACE',
    },
    ({ metadata, spec }: ObjectWith<UserSpec>) =>
      spec.username === undefined ||
      spec.username.includes('@') ||
      !spec.username.startsWith(`${metadata.name}.`) ||
      spec.username === `${metadata.name}.${metadata.namespace}`,
  ),
];

export const userRules: readonly Rule[] = [
  ...userNameRules,
  rule(
    'spec.senders.*',
    {
      cel: `self.indexOf('@') <= ${LOCAL_PART_MAX}`,
      message: `spec.senders must not hold an address with more than ${LOCAL_PART_MAX} characters before the @; shorten or remove it`,
    },
    (self: string) => self.indexOf('@') <= LOCAL_PART_MAX,
  ),
  rule(
    'spec.clientCIDRs.*',
    {
      // since Kubernetes 1.31
      cel: 'isCIDR(self)',
      message:
        'spec.clientCIDRs must hold CIDR ranges such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32; correct or remove this one',
    },
    isCidr,
  ),
  rule(
    'spec.credentials',
    {
      field: 'rotation',
      cel: '!has(self.passwordSecretRef) || !has(self.rotation) || !has(self.rotation.interval) && !has(self.rotation.trigger)',
      message:
        'spec.credentials.rotation may have only overlap if passwordSecretRef is set; remove interval and trigger, or passwordSecretRef',
    },
    ({ passwordSecretRef, rotation }: UserSpec['credentials']) =>
      passwordSecretRef === undefined || (rotation?.interval ?? rotation?.trigger) === undefined,
  ),
  rule(
    '',
    {
      field: 'spec.credentials',
      cel: "!has(self.spec.credentials.passwordSecretRef) || self.spec.credentials.passwordSecretRef.name != (has(self.spec.credentials.secretName) ? self.spec.credentials.secretName : self.metadata.name + '-smtp')",
      message:
        'spec.credentials.passwordSecretRef must not name the Secret that the credentials are written to; choose another secretName',
    },
    ({ metadata, spec: { credentials } }: ObjectWith<UserSpec>) =>
      credentials.passwordSecretRef?.name !== (credentials.secretName ?? `${metadata.name}-smtp`),
  ),
  between(
    'spec.credentials.rotation.interval',
    { min: HOUR, max: 8784 * HOUR },
    'between 1h and 8784h (366 days)',
    '720h',
  ),
  rule(
    'spec.credentials.rotation',
    {
      field: 'overlap',
      cel: "!has(self.overlap) || duration(self.overlap) <= duration(has(self.interval) ? self.interval : '8784h')",
      message:
        'spec.credentials.rotation.overlap must not exceed the interval (8784h without one), or old passwords would pile up; shorten it',
    },
    ({ overlap, interval = '8784h' }: Rotation) =>
      overlap === undefined || durationSeconds(overlap) <= durationSeconds(interval),
  ),
];

function withoutFinalDot(path: string, example: string): Rule {
  return rule(
    path,
    {
      cel: "!self.endsWith('.')",
      message: `${path} must not end with a dot, unlike names in zone files; write it as \`${example}\``,
    },
    (self: string) => !self.endsWith('.'),
  );
}

export const senderRules: readonly Rule[] = [
  immutable('spec', 'address', 'make a new VerifiedSender for another address'),
  immutable('spec', 'domain', 'make a new VerifiedSender for another domain'),
  rule(
    'spec',
    {
      cel: 'has(self.address) != has(self.domain)',
      message: 'spec must hold exactly one of address and domain; add one, or remove the other',
    },
    (self: SenderSpec) => (self.address === undefined) !== (self.domain === undefined),
  ),
  withoutFinalDot('spec.domain', 'shop.example'),
  withoutFinalDot('spec.address', 'orders@shop.example'),
  rule(
    'spec.address',
    {
      cel: `self.indexOf('@') <= ${LOCAL_PART_MAX}`,
      message: `spec.address must have at most ${LOCAL_PART_MAX} characters before the @; no mail system takes more`,
    },
    (self: string) => self.indexOf('@') <= LOCAL_PART_MAX,
  ),
  rule(
    'spec',
    {
      field: 'includeSubdomains',
      cel: '!self.includeSubdomains || has(self.domain)',
      message: 'spec.includeSubdomains is only for spec.domain; remove it, since this is an address',
    },
    (self: SenderSpec) => !self.includeSubdomains || self.domain !== undefined,
  ),
  rule(
    'spec',
    {
      field: 'dkim',
      cel: "self.dkim.signing == 'Disabled' || has(self.domain)",
      message: 'spec.dkim is only for spec.domain: mail of an address is signed with the keys of its domain; remove it',
    },
    (self: SenderSpec) => self.dkim.signing === 'Disabled' || self.domain !== undefined,
  ),
  between(
    'spec.dkim.interval',
    { min: 336 * HOUR, max: 9600 * HOUR },
    'between 336h (14 days) and 9600h (400 days)',
    '2160h',
  ),
  rule(
    'spec',
    {
      field: 'dns',
      cel: "self.dns.publish == 'None' || has(self.domain)",
      message: 'spec.dns.publish is only for spec.domain: an address is verified by mail; remove it',
    },
    (self: SenderSpec) => self.dns.publish === 'None' || self.domain !== undefined,
  ),
  rule(
    'spec',
    {
      field: 'email',
      cel: '!has(self.email) || has(self.address)',
      message: 'spec.email is only for spec.address: a domain is verified by DNS; remove it',
    },
    (self: SenderSpec) => self.email === undefined || self.address !== undefined,
  ),
  ...selectorRules('spec.allowedNamespaces'),
  between('spec.recheckInterval', { min: 5 * MINUTE, max: 720 * HOUR }, 'between 5m and 720h', '24h'),
];
